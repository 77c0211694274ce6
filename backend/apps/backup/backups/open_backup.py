"""The backup of a job, opened for reading as long as it is there."""

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
    """The snapshot of a job for as long as the block runs, under a shared lock: nobody removes it meanwhile.

    Raises `BackupRemoved` where somebody has, and whatever keeps the repository from being read.
    """
    if ref.place is None:
        raise BackupNotFound(f"The job {row.uuid} ({row.job_name}) has stored a package, not a snapshot.")
    with open_repository(ref.place) as opened:
        try:
            snapshot = opened.repository.snapshot(ref.snapshot_id)
        except SnapshotNotFound:
            # Between our look at the ledger and the lock; if not, it is the storage that has lost it.
            stored_backup(row.uuid)
            raise
        view = SnapshotView(opened.repository, snapshot, opened.index)
        try:
            yield view, opened.lock
        finally:
            _note_damage(row, view)


def _note_damage(row: BackupJob, view: SnapshotView) -> None:
    """Write down what could not be read: a finding at once. A verification finds out which other backups need it, so
    that nobody who looks or downloads waits for that."""
    found = list(view.reader.damage.values())
    if not found:
        return
    now = timezone.now()
    try:
        if damage_note(view.repository, found, found_by=DamageFinder.DOWNLOAD, now=now):
            verification_queue(row, now=now)
    except LedgerUnavailable as error:
        _logger.warning("Damage in %s could not be written down: %s", view.repository.location, error)
