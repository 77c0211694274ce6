"""Dead jobs: find them, end their attempts, and retry scheduled ones.

A job is dead when its process on this host has ended, or when its lease has expired. A scheduled job is tried again if
no user has to correct anything first: its row is PENDING again, with the reason.
"""

from __future__ import annotations

import contextlib
import os
import signal
import uuid
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from .. import conf
from ..core.processes import is_gone, own_identity, process_of
from ..ledger import ledger_access, ledger_alias
from ..models import BackupJob, JobStatus, Trigger
from ..selectors import UNFINISHED
from .job_log import job_event, storable_text

LEASE = timedelta(seconds=90)
"""The time without a heartbeat after which a job counts as dead."""

RELEASED: dict[str, object] = {"running_key": None, "lease_expires_at": None}
"""The columns that are cleared at the end of a job. The token stays, as a trace of the process."""

_FIRST_PAUSE = timedelta(minutes=1)
_PAUSE_GROWS = 4
LONGEST_PAUSE = timedelta(hours=4)
"""The longest pause between two attempts."""

STOP_GRACE = timedelta(seconds=15)
"""The time for a job to stop by itself after it was told to, or after its time limit."""


def after_failure(job: BackupJob, reason: str, *, now: datetime, retryable: bool) -> dict[str, object]:
    """Return the columns of a job whose attempt failed: FAILED, or PENDING with the time of the next attempt.

    Only scheduled jobs are tried again: the user of a manual one can start another.
    """
    again = retryable and job.trigger == Trigger.SCHEDULED and job.cancel_requested_at is None
    if not again or job.attempt >= conf.load().attempts:
        return {"status": JobStatus.FAILED, "completed_at": now, "error_message": storable_text(reason), **RELEASED}
    return {
        "status": JobStatus.PENDING,
        "not_before": now + _pause(job.attempt),
        "dispatched_at": None,
        "progress": {},
        "error_message": storable_text(reason),
        **RELEASED,
    }


def _pause(attempt: int) -> timedelta:
    # 4 to the 5th minutes are more than the longest pause; a much larger exponent would overflow.
    growth: int = _PAUSE_GROWS ** min(max(0, attempt - 1), 5)
    return min(LONGEST_PAUSE, _FIRST_PAUSE * growth)


def job_reap(*, now: datetime) -> list[uuid.UUID]:
    """End the attempt of every dead RUNNING job; return their uuids."""
    reaped = []
    with ledger_access("looking for dead jobs"):
        for job in _jobs().filter(status=JobStatus.RUNNING):
            reason = _cause_of_death(job, now)
            if reason is None:
                continue
            # If no row changed, the job has ended or sent a heartbeat between the SELECT and the UPDATE.
            if _end(_jobs().filter(lease_token=job.lease_token, heartbeat_at=job.heartbeat_at), job, reason, now):
                reaped.append(job.uuid)
    return reaped


def job_fail_dead(job: uuid.UUID, *, pid: int, reason: str, now: datetime) -> bool:
    """End the job of a dead process that was started for it; return False if the job had ended before."""
    with ledger_access("noting the death of a job"):
        row = _jobs().filter(uuid=job).first()
        if row is None or row.status not in UNFINISHED:
            return False
        if row.status == JobStatus.RUNNING and row.worker_pid != pid:
            return False
        return _end(_jobs().filter(lease_token=row.lease_token), row, reason, now)


def job_kill_overdue(*, now: datetime) -> list[uuid.UUID]:
    """Kill the processes on this host whose job did not stop within `STOP_GRACE`; return the uuids of these jobs."""
    killed = []
    overdue = Q(cancel_requested_at__lt=now - STOP_GRACE) | Q(deadline__lt=now - STOP_GRACE)
    with ledger_access("looking for jobs that do not stop"):
        jobs = list(_jobs().filter(overdue, status=JobStatus.RUNNING, worker_host=own_identity().host))
    for job in jobs:
        process = process_of(job)
        if job.worker_pid == os.getpid() or is_gone(process):
            continue
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        killed.append(job.uuid)
    return killed


def _end(rows: QuerySet[BackupJob], job: BackupJob, reason: str, now: datetime) -> bool:
    """End a job with one conditional UPDATE: as CANCELLED, TIMEOUT or FAILED, or as PENDING for another attempt."""
    columns = after_failure(job, reason, now=now, retryable=True)
    if job.cancel_requested_at is not None:
        columns["status"] = JobStatus.CANCELLED
    elif job.status == JobStatus.RUNNING and job.deadline is not None and job.deadline < now:
        columns = after_failure(job, f"It reached its time limit. {reason}", now=now, retryable=False)
        columns["status"] = JobStatus.TIMEOUT
    if job.status == JobStatus.PENDING and columns["status"] == JobStatus.PENDING:
        # Its process died before it had claimed the job. That counts as an attempt, so that attempts come to an end.
        columns["attempt"] = F("attempt") + 1
    ended = rows.filter(uuid=job.uuid, status=job.status).update(**columns) == 1
    if ended:
        job_event(job.uuid, f"{reason} {columns['status']}.", now=now)
    return ended


def _cause_of_death(job: BackupJob, now: datetime) -> str | None:
    process = process_of(job)
    if is_gone(process):
        return f"The process {process} that ran this job is gone (killed, out of memory, or the machine restarted)."
    if job.lease_expires_at is not None and job.lease_expires_at < now:
        return (
            f"The lease expired at {job.lease_expires_at.isoformat(timespec='seconds')}:"
            f" the process {process} sent no heartbeat for {LEASE.total_seconds():.0f} s."
        )
    return None


def _jobs() -> QuerySet[BackupJob]:
    return BackupJob.objects.using(ledger_alias())
