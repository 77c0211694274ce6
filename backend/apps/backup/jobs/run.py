"""The run of one job, from its claim to its end, in this process.

PENDING → RUNNING under a lease → stored → verified → COMPLETED or INCOMPLETE. Every error is written into the job's row
and raised; if the row cannot be written, the error says so. A scheduled job becomes PENDING again if its error is
retryable, or if its executor stopped it.
"""

import functools
import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from strongroom.errors import StrongroomError

from ..backups.damaged_packs import drop_healed_packs_after
from ..core.cancellation import CancelRequested, JobCancelled, StopSignals, TimeIsUp, stop_signals
from ..core.manifest import Manifest
from ..core.processes import own_identity
from ..core.progress import Observer, Tracker
from ..errors import AlreadyRunning, BackupError, JobNotFound, LeaseLost
from ..ledger import LEDGER_PATIENCE, reason_of, retry_while_unavailable, write_end
from ..models import BackupJob, Trigger, Trust
from ..retention.apply import apply_retention_after
from ..selectors import job_by_uuid
from ..services.jobs import (
    Claim,
    job_cancel,
    job_claim,
    job_complete,
    job_fail,
    job_give_back,
    job_incomplete,
    job_publish_check,
    job_put_off,
    job_time_out,
    job_wait,
    job_withdraw,
)
from .capture import Capture
from .heartbeat import Heartbeat, JobPulse

_MOST_FINDINGS_SHOWN = 20
_WAIT_FOR_ANOTHER = timedelta(seconds=30)


def run_job(
    job: uuid.UUID,
    *,
    observer: Observer | None = None,
    on_manifest: Callable[[Manifest, Mapping[str, str]], None] | None = None,
) -> BackupJob:
    """Run a PENDING job and return its row: COMPLETED, INCOMPLETE, or FAILED if the stored backup is damaged.

    Raises the error that prevented the backup, after writing it into the row as FAILED; `JobCancelled` after a signal,
    a cancellation or its time limit; `AlreadyRunning` if its configuration has a running job, which makes this one
    CANCELLED; `LeaseLost` if another process decided about the job; `LedgerUnavailable` if its end could not be
    written. A scheduled job is PENDING instead of FAILED or CANCELLED if it is tried again. `on_manifest` is called
    with the manifest of the stored backup, and the positions of its servers (`ConsistencyPoint.positions`).
    """
    # A signal waits until the claim is complete, so that it never interrupts the claim itself.
    with stop_signals(armed=False) as stop:
        try:
            claim = job_claim(job, worker=own_identity(), now=timezone.now())
        except AlreadyRunning as error:
            if _row(job).trigger == Trigger.SCHEDULED:
                job_wait(job, until=timezone.now() + _WAIT_FOR_ANOTHER)
            else:
                # A manual job is not retried: the user can start another one.
                job_withdraw(job, str(error), now=timezone.now())
            raise
        ended = _run(claim, stop, observer, on_manifest)
    apply_retention_after(ended)
    drop_healed_packs_after(ended)
    return _row(job)


def _run(
    claim: Claim,
    stop: StopSignals,
    observer: Observer | None,
    on_manifest: Callable[[Manifest, Mapping[str, str]], None] | None,
) -> BackupJob:
    tracker = Tracker()
    rows: list[BackupJob] = []
    write_end(lambda: rows.append(_row(claim.job)), "The job was claimed.", of="job")
    job = rows[0]
    limit = None if job.deadline is None or job.started_at is None else job.deadline - job.started_at
    heartbeat = Heartbeat(JobPulse(claim), tracker, stop, limit=limit, observer=observer)

    def fence() -> None:
        heartbeat.check()
        retry_while_unavailable(lambda: job_publish_check(claim, now=timezone.now()), seconds=LEDGER_PATIENCE)
        # A stop between the publication and its entry in the catalogue would leave a backup without a row.
        stop.defer()

    capture = Capture(job=job, tracker=tracker, fence=fence, check=heartbeat.check, published=stop.arm)
    try:
        stop.arm()
        with heartbeat:
            findings = capture.run()
        stop.disarm()
        write_end(lambda: _write_result(claim, capture, findings), "The backup is stored.", of="job")
        if on_manifest is not None and capture.manifest is not None:
            on_manifest(capture.manifest, capture.positions)
    except LeaseLost:
        raise
    except JobCancelled as error:
        write_end(functools.partial(_write_stopped, claim, capture, error), str(error), of="job")
        raise
    except BaseException as error:
        stop.disarm()
        write_end(functools.partial(_write_failed, claim, capture, error), reason_of(error), of="job", after=error)
        raise
    return _row(claim.job)


def _write_stopped(claim: Claim, capture: Capture, error: JobCancelled) -> None:
    now, reason, trust = timezone.now(), str(error), _trust(capture)
    if isinstance(error, TimeIsUp):
        job_time_out(claim, reason, now=now, result=capture.stored, trust=trust)
    elif capture.job.trigger == Trigger.SCHEDULED and not isinstance(error, CancelRequested):
        # The machine or its agent was stopped. No user has cancelled the backup.
        job_give_back(claim, reason, now=now)
    else:
        job_cancel(claim, reason, now=now, result=capture.stored, trust=trust)


def _write_failed(claim: Claim, capture: Capture, error: BaseException) -> None:
    now, reason = timezone.now(), reason_of(error)
    # If something is stored, its verification has failed, which a user must look at.
    if capture.stored is None and _is_retryable(error):
        job_put_off(claim, reason, now=now, retryable=True)
    else:
        job_fail(claim, reason, now=now, result=capture.stored, trust=_trust(capture))


def _is_retryable(error: BaseException) -> bool:
    if isinstance(error, BackupError | StrongroomError):
        return error.retryable
    return isinstance(error, OperationalError | InterfaceError | ConnectionError | TimeoutError)


def _write_result(claim: Claim, capture: Capture, findings: list[str]) -> None:
    result, now = capture.stored, timezone.now()
    if result is None:
        raise AssertionError("The capture ended without a result and without an error.")
    if findings:
        shown = "; ".join(findings[:_MOST_FINDINGS_SHOWN])
        reason = (
            f"The stored backup differs from its source ({len(findings)} findings): {shown}. Check the disk of the"
            " storage; `strongroom check --read-data` names all damage."
        )
        job_fail(claim, reason, now=now, result=result, trust=Trust.DAMAGED)
    elif result.problems:
        job_incomplete(claim, result, now=now)
    else:
        job_complete(claim, result, now=now)


def _trust(capture: Capture) -> str:
    if capture.stored is None:
        return Trust.NONE
    return Trust.DAMAGED if capture.is_damaged else Trust.STORED


def _row(job: uuid.UUID) -> BackupJob:
    row = job_by_uuid(job)
    if row is None:
        raise JobNotFound(f"The catalogue has no job {job}.")
    return row
