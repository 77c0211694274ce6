"""Reads of waiting, running and due jobs, and of the earlier backups to which a new one is compared."""

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
    """Return the jobs that wait or run, oldest first; at most 100."""
    with ledger_access("looking for unfinished jobs"):
        rows = job_rows().filter(status__in=UNFINISHED).order_by("queued_at")
        return list(rows[:_MOST_SENT])


def jobs_around(moment: datetime, *, until: datetime) -> tuple[datetime | None, datetime | None]:
    """Return the times at which the last job before `moment` and the first one after it, until `until`, were queued.

    MISSED slots do not count.
    """
    with ledger_access("looking for signs of life"):
        rows = job_rows().exclude(status=JobStatus.MISSED)
        before = rows.filter(queued_at__lt=moment).order_by("-queued_at", "-id")
        since = rows.filter(queued_at__range=(moment, until)).order_by("queued_at", "id")
        return before.values_list("queued_at", flat=True).first(), since.values_list("queued_at", flat=True).first()


def jobs_runnable(*, now: datetime, limit: int, exclude: Collection[uuid.UUID] = ()) -> list[BackupJob]:
    """Return the PENDING jobs that wait for an executor and may start now, oldest first.

    Not among them are jobs that a command has written to run itself, and jobs whose configuration has a running job.
    """
    with ledger_access("looking for jobs to run"):
        if not _waiting(now).exists():
            # An idle agent asks every second; this query is cheap.
            return []
        return list(_startable(now).exclude(uuid__in=exclude).order_by("queued_at", "id")[:limit])


def jobs_to_send(*, now: datetime, patience: timedelta) -> list[uuid.UUID]:
    """Return the PENDING jobs whose message to the workers was never sent, or is older than `patience` and lost.

    Jobs whose configuration has a running job are left out: a worker could not start them.
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
    """Return the bytes of each file root in the last good backup with files of the same configuration."""
    found = _facts_before(job, without=BackupType.DATABASE).get("files", {})
    return {name: int(root["bytes"]) for name, root in found.items()}


def rows_before(job: BackupJob) -> dict[str, int]:
    """Return the rows of each database in the last good backup with databases of the same configuration."""
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
    """Return whether an earlier backup of any configuration, also a removed one, held anything in this file root."""
    if '"' in name:
        # `holds_root` cannot find such a name on SQLite. A root that may have held files is not called empty.
        return True
    with ledger_access("looking for an earlier backup"):
        rows = job_rows().filter(holds_root(name), status__in=STORED_STATUSES).order_by("-started_at", "-id")
        manifests = rows.values_list("manifest", flat=True).iterator()
        return any(one["files"][name]["files"] or one["files"][name].get("folders") for one in manifests)


def job_parent_candidates(job: BackupJob) -> list[BackupJob]:
    """Return the good backups of the same configuration on which an incremental job may build, newest first.

    None for jobs that are neither INCREMENTAL nor DIFFERENTIAL. An ad-hoc job builds on ad-hoc jobs. The caller checks
    that they lie in the same repository.
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
    """Return whether `run_due` would find a due slot; a cheap query."""
    with ledger_access("looking for due slots"):
        return configurations_due(now=now).exists()


def configurations_due(*, now: datetime) -> QuerySet[BackupConfiguration]:
    """Return the configurations with a due slot, in the order of these slots."""
    return configurations().filter(SCHEDULED, next_slot__lte=now).order_by("next_slot", "pk")
