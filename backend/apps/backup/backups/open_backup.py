"""Open the snapshot of a job for reading, under a lock that keeps it from being removed."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from django.utils import timezone

from strongroom.errors import SnapshotNotFound
from strongroom.repository.locks import RepositoryLock
from strongroom.snapshots import SnapshotView

from ..errors import BackupNotFound, LedgerUnavailable
from ..models import BackupJob, DamageFinder
from ..selectors.backups import stored_backup
from ..services.damage_records import damage_note, verification_queue
from ..storage.repository_cache import open_repository
from .references import BackupRef

_logger = logging.getLogger(__name__)


@contextlib.contextmanager
def open_snapshot(row: BackupJob, ref: BackupRef) -> Iterator[tuple[SnapshotView, RepositoryLock]]:
    """Open the snapshot of a job while the block runs, under a shared lock: it cannot be removed meanwhile.

    Raises `BackupRemoved` if it was removed before, and the error that keeps the repository from being read.
    """
    if ref.place is None:
        raise BackupNotFound(f"The job {row.uuid} ({row.job_name}) has stored a package, not a snapshot.")
    with open_repository(ref.place) as opened:
        try:
            snapshot = opened.repository.snapshot(ref.snapshot_id)
        except SnapshotNotFound:
            # It may have been removed after the catalogue was read and before the lock. If not, the storage has lost
            # it.
            stored_backup(row.uuid)
            raise
        view = SnapshotView(opened.repository, snapshot, opened.index)
        try:
            yield view, opened.lock
        finally:
            _note_damage(row, view)


def _note_damage(row: BackupJob, view: SnapshotView) -> None:
    """Record content that could not be read as a finding, and queue a verification.

    The verification finds out which other backups need that content, so that browsing and downloads do not wait for it.
    """
    found = list(view.reader.damage.values())
    if not found:
        return
    now = timezone.now()
    try:
        if damage_note(view.repository, found, found_by=DamageFinder.DOWNLOAD, now=now):
            verification_queue(row, now=now)
    except LedgerUnavailable as error:
        _logger.warning("Damage in %s could not be written down: %s", view.repository.location, error)
