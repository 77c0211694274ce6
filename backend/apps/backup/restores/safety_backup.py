"""The backup of the live state that is made before it is replaced."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

from django.utils import timezone

from .. import conf
from ..backups.references import job_ref
from ..core.manifest import Manifest
from ..errors import BackupError, RestoreRefused
from ..jobs.run import run_job
from ..models import JobStatus, Trigger
from ..policies.job_request import JobRequest
from ..services.jobs import job_create
from ..sources.consistency_point import PORTABLE
from ..sources.databases import all_have_dumps
from ..storage.fallback import has_room
from ..storage.locations import RepositoryPlace
from .changes import Baseline, StoredAt, baseline_of

_LEAST: Final = 1 << 20
"""Bytes that the smallest backup takes."""


def safety_obstacle(place: RepositoryPlace | None) -> list[str]:
    """Return why no backup of the live state can be written to its place, for a plan; nothing if it seems possible."""
    storage = place.storage if place is not None else conf.load().storage_root.resolve()
    if has_room(storage, _LEAST):
        return []
    return [
        f"the live state cannot be backed up first: {storage} is read-only or full. Make room there, or restore without"
        " that backup (--no-safety-backup); what is replaced is kept for rollback"
    ]


@dataclasses.dataclass(frozen=True, slots=True)
class LiveBackup:
    """The backup of the live state. `baseline` has its contents; `note` is for the user."""

    note: str
    baseline: Baseline | None


def back_up_live(place: RepositoryPlace | None) -> LiveBackup:
    """Back up the whole live state, to `place` or else to the usual storage.

    Raises `RestoreRefused` if the backup fails: then nothing is replaced either.
    """
    encrypted = place.encrypted if place is not None else True
    storage = place.storage_path if place is not None else ""
    # Each kind of database can be stored as rows, but not each has a dump of its own.
    backup_type = "FULL" if all_have_dumps() else PORTABLE
    request = JobRequest(backup_type=backup_type, storage_path=storage, encryption=encrypted)
    stored: list[tuple[Manifest, Mapping[str, str]]] = []
    try:
        job = job_create(request, now=timezone.now(), trigger=Trigger.PRE_RESTORE)
        job = run_job(job.uuid, on_manifest=lambda manifest, positions: stored.append((manifest, positions)))
    except BackupError as error:
        raise RestoreRefused(
            f"The live state cannot be backed up before the restore: {error} Nothing was changed;"
            " --no-safety-backup restores without it."
        ) from error
    if job.status not in {JobStatus.COMPLETED, JobStatus.INCOMPLETE}:
        raise RestoreRefused(
            f"The backup of the live state is {job.status}: {job.error_message} Nothing was changed;"
            " --no-safety-backup restores without it."
        )
    note = f"the live state was backed up first, as job {job.uuid} ({job.status})"
    if not stored:
        return LiveBackup(note, None)
    baseline, ref = baseline_of(*stored[-1]), job_ref(job)
    if ref.place is not None:
        baseline.stored = StoredAt(storage=str(ref.place.storage), encrypted=encrypted, snapshot=job.snapshot_id)
    return LiveBackup(note, baseline)
