"""Look up the stored backup of a job."""

from __future__ import annotations

import uuid

from .. import selectors
from ..errors import BackupNotFound, BackupRemoved, IllegalTransition, JobNotFound
from ..ledger import ledger_access, ledger_alias
from ..models import BackupJob
from . import UNFINISHED


def stored_backup(job: uuid.UUID) -> BackupJob:
    """The job, whose backup is there. Raises `JobNotFound`, `BackupRemoved`, `IllegalTransition`."""
    with ledger_access("looking for a backup"):
        row = BackupJob.objects.using(ledger_alias()).filter(uuid=job).first()
    if row is None:
        raise JobNotFound(f"The ledger has no job {job}.")
    if row.removal_started_at is not None:
        raise BackupRemoved(
            f"The backup of {row.job_name} was removed on {row.removal_started_at:%Y-%m-%d}: {row.removal_reason}."
        )
    if row.status in UNFINISHED or not (row.snapshot_id or row.backup_file_path):
        raise IllegalTransition(f"The job {row.job_name} is {row.status} and has no stored backup.")
    return row


def stored_job(job: uuid.UUID) -> BackupJob:
    """The job, which has stored a backup that is there. Raises `JobNotFound`, `BackupNotFound` and `BackupRemoved`."""
    row = selectors.job_by_uuid(job)
    if row is None:
        raise JobNotFound(f"There is no job {job}.")
    if row.removal_started_at is not None:
        raise BackupRemoved(
            f"The backup of the job {job} ({row.job_name}) was removed on {row.removal_started_at:%Y-%m-%d}:"
            f" {row.removal_reason}."
        )
    if not row.snapshot_id and not row.backup_file_path:
        raise BackupNotFound(f"The job {job} ({row.job_name}) is {row.status} and has stored no backup.")
    return row
