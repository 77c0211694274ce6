"""Reads of the stored backup of a job."""

from __future__ import annotations

import uuid

from django.db import models

from ..errors import (
    BackupNotFound,
    BackupRemoved,
    IllegalTransition,
    JobNotFound,
)
from ..ledger import ledger_alias
from ..models import BackupConfiguration, BackupJob, JobStatus
from .jobs import job_by_uuid
from .rows import HAS_BACKUP, UNFINISHED


def stored_backup(job: uuid.UUID) -> BackupJob:
    """Return a job that has a stored backup.

    Raises `JobNotFound`, `BackupRemoved`, and `BackupNotFound` if it has stored none.
    """
    row = job_by_uuid(job)
    if row is None:
        raise JobNotFound(f"There is no job {job}.")
    if row.removal_started_at is not None:
        raise BackupRemoved(
            f"The backup of the job {job} ({row.job_name}) was removed on {row.removal_started_at:%Y-%m-%d}:"
            f" {row.removal_reason}."
        )
    if not row.snapshot_id and not row.backup_file_path:
        raise BackupNotFound(f"The job {job} ({row.job_name}) is {row.status} and has no stored backup.")
    return row


def finished_backup(job: uuid.UUID) -> BackupJob:
    """Return a job that has ended and has a stored backup, for an operation on the backup.

    Raises as `stored_backup`, but `IllegalTransition` if there is no backup, or not yet.
    """
    try:
        row = stored_backup(job)
    except BackupNotFound as error:
        raise IllegalTransition(str(error)) from error
    if row.status in UNFINISHED:
        raise IllegalTransition(f"The job {job} ({row.job_name}) is {row.status} and has no stored backup yet.")
    return row


def jobs_with_backup(configuration: uuid.UUID) -> list[BackupJob]:
    """Return the jobs of a configuration whose backup is stored, oldest first."""
    return list(_with_backup(configuration).order_by("queued_at"))


def running_job(configuration: uuid.UUID) -> BackupJob | None:
    """Return the running job of a configuration, if there is one."""
    jobs = BackupJob.objects.using(ledger_alias()).filter(configuration__uuid=configuration, status=JobStatus.RUNNING)
    return jobs.first()


def stored_backups(configuration: BackupConfiguration) -> int:
    """Return the number of stored backups of a configuration."""
    return _with_backup(configuration.uuid).count()


def _with_backup(configuration: uuid.UUID) -> models.QuerySet[BackupJob]:
    return BackupJob.objects.using(ledger_alias()).filter(HAS_BACKUP, configuration__uuid=configuration)
