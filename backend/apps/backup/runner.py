"""One job, from its claim to its end, in this process.

PENDING → RUNNING under a lease → stored → read back → COMPLETED or INCOMPLETE. Whatever goes wrong is written into the
job's row and raised; the row that cannot be written is said to be so.
"""

import uuid
from collections.abc import Callable

from django.utils import timezone

from strongroom.errors import StrongroomError

from .capture import Capture
from .errors import AlreadyRunning, BackupError, JobNotFound, LeaseLost, LedgerUnavailable
from .heartbeat import Heartbeat
from .ledger import renew_connection
from .models import BackupJob, Trust
from .processes import own_identity
from .progress import Observer, Tracker
from .selectors import job_by_uuid
from .services.jobs import (
    Claim,
    job_cancel,
    job_claim,
    job_complete,
    job_fail,
    job_incomplete,
    job_publish_check,
    job_withdraw,
)
from .stopping import JobCancelled, StopSignals, stop_signals

_MOST_FINDINGS_SHOWN = 20


def run_job(job: uuid.UUID, *, observer: Observer | None = None) -> BackupJob:
    """Run a PENDING job; its row as it ended: COMPLETED, INCOMPLETE, or FAILED when what was stored is damaged.

    Raises what kept the backup from being made, after writing it into the row as FAILED; `JobCancelled` after a
    signal; `AlreadyRunning` when its configuration has a running job, which makes this one CANCELLED; `LeaseLost` when
    somebody else decided about the job; `LedgerUnavailable` when its end could not be written down.
    """
    with stop_signals() as stop:
        try:
            claim = job_claim(job, worker=own_identity(), now=timezone.now())
        except (AlreadyRunning, JobCancelled) as error:
            # Nobody would come back for it: whoever wants the backup asks again.
            job_withdraw(job, str(error), now=timezone.now())
            raise
        return _run(claim, stop, observer)


def _run(claim: Claim, stop: StopSignals, observer: Observer | None) -> BackupJob:
    tracker = Tracker()
    heartbeat = Heartbeat(claim, tracker, observer)

    def fence() -> None:
        heartbeat.check()
        renew_connection()
        job_publish_check(claim, now=timezone.now())

    capture = Capture(job=_row(claim.job), tracker=tracker, fence=fence, check=heartbeat.check)
    try:
        with heartbeat:
            findings = capture.run()
        stop.disarm()
        _write_end(lambda: _finish(claim, capture, findings), "The backup is stored")
    except LeaseLost:
        raise
    except JobCancelled as error:
        reason = str(error)
        _write_end(
            lambda: job_cancel(claim, reason, now=timezone.now(), result=capture.stored, trust=_trust(capture)), reason
        )
        raise
    except BaseException as error:
        stop.disarm()
        reason = _reason(error)
        _write_end(
            lambda: job_fail(claim, reason, now=timezone.now(), result=capture.stored, trust=_trust(capture)), reason
        )
        raise
    return _row(claim.job)


def _finish(claim: Claim, capture: Capture, findings: list[str]) -> None:
    result, now = capture.stored, timezone.now()
    if result is None:
        raise AssertionError("The capture ended without a result and without an error.")
    if findings:
        shown = "; ".join(findings[:_MOST_FINDINGS_SHOWN])
        reason = f"What was stored is not what was read ({len(findings)} findings): {shown}"
        job_fail(claim, reason, now=now, result=result, trust=Trust.DAMAGED)
    elif result.problems:
        job_incomplete(claim, result, now=now)
    else:
        job_complete(claim, result, now=now)


def _trust(capture: Capture) -> str:
    return Trust.NONE if capture.stored is None else Trust.STORED


def _reason(error: BaseException) -> str:
    if isinstance(error, BackupError | StrongroomError):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _write_end(write: Callable[[], None], said: str) -> None:
    renew_connection()
    try:
        write()
    except LedgerUnavailable as error:
        raise LedgerUnavailable(
            f"{said} But the job's end could not be written down, and its row still says RUNNING until it is"
            f" found dead: {error}"
        ) from error


def _row(job: uuid.UUID) -> BackupJob:
    row = job_by_uuid(job)
    if row is None:
        raise JobNotFound(f"The ledger has no job {job}.")
    return row
