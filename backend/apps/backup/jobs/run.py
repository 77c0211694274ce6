"""One job, from its claim to its end, in this process.

PENDING → RUNNING under a lease → stored → read back → COMPLETED or INCOMPLETE. Whatever goes wrong is written into the
job's row and raised; the row that cannot be written is said to be so. A scheduled job that failed for a reason that may
pass, or was broken off by the end of its executor, is PENDING again afterwards.
"""

import functools
import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from strongroom.errors import StrongroomError

from ..backups.damaged_packs import mend_after
from ..core.cancellation import CancelRequested, JobCancelled, StopSignals, TimeIsUp, stop_signals
from ..core.manifest import Manifest
from ..core.processes import own_identity
from ..core.progress import Observer, Tracker
from ..errors import AlreadyRunning, BackupError, JobNotFound, LeaseLost
from ..ledger import LEDGER_PATIENCE, reason_of, retry_while_unavailable, write_end
from ..models import BackupJob, Trigger, Trust
from ..retention.apply import after_job
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
    """Run a PENDING job; its row as it ended: COMPLETED, INCOMPLETE, or FAILED when what was stored is damaged.

    Raises what kept the backup from being made, after writing it into the row as FAILED; `JobCancelled` after a
    signal, a cancellation or its time limit; `AlreadyRunning` when its configuration has a running job, which makes
    this one CANCELLED; `LeaseLost` when somebody else decided about the job; `LedgerUnavailable` when its end could not
    be written down. A scheduled job is PENDING instead of FAILED or CANCELLED where it is to be tried again.
    `on_manifest` is called with the manifest of what was stored, and the positions of its servers
    (`ConsistencyPoint.positions`).
    """
    # A signal waits for the claim: it ends a job that has begun, or one that has not, and never one in between.
    with stop_signals(armed=False) as stop:
        try:
            claim = job_claim(job, worker=own_identity(), now=timezone.now())
        except AlreadyRunning as error:
            if _row(job).trigger == Trigger.SCHEDULED:
                job_wait(job, until=timezone.now() + _WAIT_FOR_ANOTHER)
            else:
                # Nobody would come back for it: whoever wants the backup asks again.
                job_withdraw(job, str(error), now=timezone.now())
            raise
        ended = _run(claim, stop, observer, on_manifest)
    after_job(ended)
    mend_after(ended)
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
        # Who stops between the publishing and its entry in the ledger would leave a backup that nobody knows of.
        stop.defer()

    capture = Capture(job=job, tracker=tracker, fence=fence, check=heartbeat.check, published=stop.arm)
    try:
        stop.arm()
        with heartbeat:
            findings = capture.run()
        stop.disarm()
        write_end(lambda: _finish(claim, capture, findings), "The backup is stored.", of="job")
        if on_manifest is not None and capture.manifest is not None:
            on_manifest(capture.manifest, capture.positions)
    except LeaseLost:
        raise
    except JobCancelled as error:
        write_end(functools.partial(_stopped, claim, capture, error), str(error), of="job")
        raise
    except BaseException as error:
        stop.disarm()
        write_end(functools.partial(_failed, claim, capture, error), reason_of(error), of="job", after=error)
        raise
    return _row(claim.job)


def _stopped(claim: Claim, capture: Capture, error: JobCancelled) -> None:
    now, reason, trust = timezone.now(), str(error), _trust(capture)
    if isinstance(error, TimeIsUp):
        job_time_out(claim, reason, now=now, result=capture.stored, trust=trust)
    elif capture.job.trigger == Trigger.SCHEDULED and not isinstance(error, CancelRequested):
        # The machine or its agent is stopped, and nobody has said that the backup is not wanted.
        job_give_back(claim, reason, now=now)
    else:
        job_cancel(claim, reason, now=now, result=capture.stored, trust=trust)


def _failed(claim: Claim, capture: Capture, error: BaseException) -> None:
    now, reason = timezone.now(), reason_of(error)
    # Once something is stored, reading it back has failed: that is for people to look at.
    if capture.stored is None and _is_retryable(error):
        job_put_off(claim, reason, now=now, retryable=True)
    else:
        job_fail(claim, reason, now=now, result=capture.stored, trust=_trust(capture))


def _is_retryable(error: BaseException) -> bool:
    if isinstance(error, BackupError | StrongroomError):
        return error.retryable
    return isinstance(error, OperationalError | InterfaceError | ConnectionError | TimeoutError)


def _finish(claim: Claim, capture: Capture, findings: list[str]) -> None:
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
        raise JobNotFound(f"The ledger has no job {job}.")
    return row
