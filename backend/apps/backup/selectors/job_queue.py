"""Jobs that wait or run, and what an incremental one builds on."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from ..ledger import ledger_access
from ..models import BackupConfiguration, BackupJob, BackupType, JobStatus, Trigger
from .configurations import configurations
from .rows import GOOD, READ_BACK, SCHEDULED, STORED_STATUSES, UNFINISHED, holds_root, job_rows

_MOST_PARENTS = 200
_MOST_SENT = 100
_WHOLE_SYSTEM = (BackupType.FULL, BackupType.INCREMENTAL, BackupType.DIFFERENTIAL)


def jobs_unfinished() -> list[BackupJob]:
    """Jobs that wait or run, oldest first; as many as anybody wants to read about."""
    with ledger_access("looking for unfinished jobs"):
        rows = job_rows().filter(status__in=UNFINISHED).order_by("queued_at")
        return list(rows[:_MOST_SENT])


def jobs_around(moment: datetime, *, until: datetime) -> tuple[datetime | None, datetime | None]:
    """When the last job before a moment was asked for, and the first one since; slots that nobody ran are none."""
    with ledger_access("looking for signs of life"):
        rows = job_rows().exclude(status=JobStatus.MISSED)
        before = rows.filter(queued_at__lt=moment).order_by("-queued_at", "-id")
        since = rows.filter(queued_at__range=(moment, until)).order_by("queued_at", "id")
        return before.values_list("queued_at", flat=True).first(), since.values_list("queued_at", flat=True).first()


def jobs_runnable(*, now: datetime, limit: int, exclude: Collection[uuid.UUID] = ()) -> list[BackupJob]:
    """PENDING jobs that wait for an executor and may be started now, oldest first.

    What a command has just written and is about to run itself is not among them; nor is a job whose configuration has
    a running one.
    """
    with ledger_access("looking for jobs to run"):
        if not _waiting(now).exists():
            # What an idle agent finds, second after second, is found cheaply.
            return []
        return list(_startable(now).exclude(uuid__in=exclude).order_by("queued_at", "id")[:limit])


def jobs_to_send(*, now: datetime, patience: timedelta) -> list[uuid.UUID]:
    """PENDING jobs for the workers whose message was never sent, or so long ago that it must be lost.

    Those whose configuration has a running job would only be sent in vain.
    """
    with ledger_access("looking for jobs whose message is lost"):
        never = Q(dispatched_at=None, trigger=Trigger.SCHEDULED)
        rows = _startable(now).filter(never | Q(dispatched_at__lt=now - patience))
        return list(rows.order_by("queued_at", "id").values_list("uuid", flat=True)[:_MOST_SENT])


def _waiting(now: datetime) -> QuerySet[BackupJob]:
    return job_rows().filter(
        Q(trigger=Trigger.SCHEDULED) | Q(dispatched_at__isnull=False),
        Q(not_before=None) | Q(not_before__lte=now),
        status=JobStatus.PENDING,
    )


def _startable(now: datetime) -> QuerySet[BackupJob]:
    running = job_rows().filter(status=JobStatus.RUNNING, configuration=OuterRef("configuration"))
    return _waiting(now).filter(~Exists(running))


def files_before(job: BackupJob) -> dict[str, int]:
    """How many bytes each file root held in the last good backup of the same configuration that has files."""
    found = _facts_before(job, without=BackupType.DATABASE).get("files", {})
    return {name: int(root["bytes"]) for name, root in found.items()}


def rows_before(job: BackupJob) -> dict[str, int]:
    """How many rows each database had in the last good backup of the same configuration that has databases."""
    found = _facts_before(job, without=BackupType.FILES).get("databases", {})
    return {alias: int(one.get("rows", 0)) for alias, one in found.items()}


def _facts_before(job: BackupJob, *, without: BackupType) -> dict[str, Any]:
    with ledger_access("looking for an earlier backup"):
        rows = (
            job_rows()
            .filter(GOOD, configuration_id=job.configuration_id, configuration_name=job.configuration_name)
            .exclude(backup_type=without)
            .order_by("-started_at", "-id")
        )
        return rows.values_list("manifest", flat=True).first() or {}


def root_was_filled(name: str) -> bool:
    """Whether an earlier backup of any configuration held anything in this file root, removed backups counted."""
    if '"' in name:
        # SQLite finds no such name, and what may have held files is not called empty.
        return True
    with ledger_access("looking for an earlier backup"):
        rows = job_rows().filter(holds_root(name), status__in=STORED_STATUSES).order_by("-started_at", "-id")
        manifests = rows.values_list("manifest", flat=True).iterator()
        return any(one["files"][name]["files"] or one["files"][name].get("folders") for one in manifests)


def job_parent_candidates(job: BackupJob) -> list[BackupJob]:
    """Good backups of the same configuration that an INCREMENTAL or DIFFERENTIAL job may build on, newest first.

    An ad-hoc job builds on ad-hoc jobs; whether they lie in the same repository is for the caller to see.
    """
    types = {BackupType.INCREMENTAL: _WHOLE_SYSTEM, BackupType.DIFFERENTIAL: (BackupType.FULL,)}.get(
        BackupType(job.backup_type), ()
    )
    with ledger_access("looking for an earlier backup"):
        return list(
            job_rows()
            .filter(
                READ_BACK,
                configuration_id=job.configuration_id,
                configuration_name=job.configuration_name,
                backup_type__in=types,
                status=JobStatus.COMPLETED,
                removal_started_at=None,
            )
            .exclude(snapshot_id="")
            .order_by("-started_at", "-id")[:_MOST_PARENTS]
        )


def anything_due(*, now: datetime) -> bool:
    """Whether `run_due` would find something: a look that costs next to nothing."""
    with ledger_access("looking for due slots"):
        return due(now=now).exists()


def due(*, now: datetime) -> QuerySet[BackupConfiguration]:
    """The configurations with a slot that is due, in the order of these slots."""
    return configurations().filter(SCHEDULED, next_slot__lte=now).order_by("next_slot", "pk")
