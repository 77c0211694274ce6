"""The removal of backups in three steps: mark it, delete it from the storage, record that it is removed.

A marked backup is not offered any more. After a crash in between it stays marked, and its deletion is repeated.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from ..ledger import ledger_access, ledger_alias
from ..models import BackupJob, PruneRun, PruneStatus, RestoreJob, RestoreStatus
from ..selectors import UNFINISHED
from .audit import AuditObject, audit_record
from .job_log import job_event, storable_text
from .jobs import audited


def removal_begin(reasons: Mapping[uuid.UUID, str], *, now: datetime) -> list[BackupJob]:
    """Mark backups for removal, each with its reason; return those that are marked now.

    A backup that was pinned, or that a restore has begun to need, since it was chosen is left out.
    """
    restores = RestoreJob.objects.using(ledger_alias()).filter(
        backup_job=OuterRef("pk"), status__in=[RestoreStatus.PENDING, RestoreStatus.RUNNING]
    )
    marked = []
    with ledger_access("marking backups for removal"):
        for job, reason in reasons.items():
            rows = _jobs().filter(uuid=job, is_pinned=False, removal_started_at=None).exclude(status__in=UNFINISHED)
            with transaction.atomic(using=ledger_alias()):
                if rows.filter(~Exists(restores)).update(
                    removal_started_at=now, removal_reason=storable_text(reason)[:200]
                ):
                    marked.append(job)
                    audit_record("backup.remove", audited(_jobs().get(uuid=job)), details={"reason": reason})
        return list(_jobs().filter(uuid__in=marked))


def removal_done(jobs: Collection[BackupJob], *, now: datetime) -> None:
    """Record that these backups are deleted from the storage."""
    with ledger_access("noting that backups are removed"):
        for job in jobs:
            if _jobs().filter(pk=job.pk, removed_at=None).update(removed_at=now):
                job_event(job.uuid, f"The backup was removed: {job.removal_reason}.", now=now)


def job_warn(job: uuid.UUID, text: str, *, now: datetime) -> None:
    """Add a warning to a job that has ended."""
    with ledger_access("adding a warning"):
        row = _jobs().filter(uuid=job).first()
        if row is not None:
            row.warnings = [*row.warnings, storable_text(text)]
            row.save(update_fields=["warnings"])
            job_event(job, text, now=now)


def prunes_settle(repository: str, *, now: datetime) -> None:
    """Mark interrupted prunes as FAILED. The caller holds the exclusive lock, so that no other prune is running."""
    with ledger_access("looking for interrupted prunes"):
        PruneRun.objects.using(ledger_alias()).filter(repository=repository, status=PruneStatus.RUNNING).update(
            status=PruneStatus.FAILED,
            completed_at=now,
            error_message="It was interrupted; the next prune completes it.",
        )


def prune_begin(repository: str, *, now: datetime) -> PruneRun:
    """Record the start of a prune."""
    with ledger_access("noting a prune"), transaction.atomic(using=ledger_alias()):
        run = PruneRun.objects.using(ledger_alias()).create(repository=repository, started_at=now)
        audit_record("storage.prune", AuditObject("repository", repository, repository))
        return run


def prune_end(run: PruneRun, *, now: datetime, freed: int | None = None, error: str = "") -> None:
    """Record the end of a prune, with its error if it failed. `freed` is bytes."""
    status = PruneStatus.FAILED if error else PruneStatus.COMPLETED
    with ledger_access("noting the end of a prune"):
        PruneRun.objects.using(ledger_alias()).filter(pk=run.pk).update(
            status=status, completed_at=now, freed_bytes=freed, error_message=storable_text(error)
        )


def _jobs() -> QuerySet[BackupJob]:
    return BackupJob.objects.using(ledger_alias())
