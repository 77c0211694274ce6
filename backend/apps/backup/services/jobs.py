"""The states of a job: PENDING → RUNNING → COMPLETED, INCOMPLETE, FAILED, CANCELLED or TIMEOUT.

A claim gives the job a new lease token. Every later step names that token, and its UPDATE must change exactly one row;
otherwise another process has decided about the job meanwhile, and `LeaseLost` ends the work. So a second delivery of
the same job changes nothing.
"""

import dataclasses
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import cast

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from ..core.processes import ProcessIdentity
from ..core.timezones import in_utc
from ..errors import AlreadyRunning, IllegalTransition, JobNotFound, LeaseLost, SlotTaken
from ..ledger import ledger_access, ledger_alias
from ..models import BackupConfiguration, BackupJob, JobStatus, Trigger, Trust
from ..policies.job_request import JobRequest
from ..sources.engines.rehearsal import Rehearsals
from .acknowledgements import accepted_until
from .audit import AuditObject, audit_record
from .dead_jobs import LEASE, RELEASED, after_failure, job_reap
from .job_log import job_event, storable_text
from .job_results import JobResult, rehearsal_columns


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """The claim of one process on one job, until another process gets it."""

    job: uuid.UUID
    token: uuid.UUID


def job_create(
    request: JobRequest,
    *,
    now: datetime,
    configuration: BackupConfiguration | None = None,
    trigger: str = Trigger.MANUAL,
    slot: datetime | None = None,
    triggered_by: AbstractBaseUser | None = None,
) -> BackupJob:
    """Write a PENDING job that holds its own copy of the request.

    Raises `SlotTaken` if the configuration has a job for that slot. Dead jobs are reaped first.
    """
    job_reap(now=now)
    job = new_job(request, configuration=configuration, now=now, trigger=trigger, slot=slot)
    job.triggered_by_id = None if triggered_by is None else triggered_by.pk
    with ledger_access("creating a job"):
        try:
            with transaction.atomic(using=ledger_alias()):
                job.save(force_insert=True)
                if trigger != Trigger.SCHEDULED:
                    audit_record("backup.run", audited(job), details={"type": job.backup_type, "trigger": trigger})
        except IntegrityError as error:
            if slot is None or configuration is None or not _has_job(configuration, slot):
                raise
            raise SlotTaken(
                f"The configuration {configuration.name!r} has a job for {slot.isoformat()} already."
            ) from error
    job_event(job.uuid, f"Requested ({job.get_trigger_display()}).", now=now)
    return job


def _has_job(configuration: BackupConfiguration, slot: datetime) -> bool:
    return configuration.jobs.using(ledger_alias()).filter(slot=slot).exists()


def audited(job: BackupJob) -> AuditObject:
    """Return the job and its backup as an object of the audit trail."""
    return AuditObject("backup", str(job.uuid), job.job_name)


def job_name_prefix(request: JobRequest, configuration: BackupConfiguration | None, trigger: str) -> str:
    """Return the part of a job's name before its time."""
    if configuration is not None:
        return configuration.name
    origin = "before-restore" if trigger == Trigger.PRE_RESTORE else "adhoc"
    return f"{origin}-{request.backup_type.lower()}"


def new_job(
    request: JobRequest,
    *,
    configuration: BackupConfiguration | None,
    now: datetime,
    trigger: str = Trigger.MANUAL,
    slot: datetime | None = None,
) -> BackupJob:
    """Return a PENDING job that is not written yet; it holds its own copy of the request."""
    return BackupJob(
        configuration=configuration,
        configuration_name=configuration.name if configuration else "",
        settings=request.to_json(),
        job_name=f"{job_name_prefix(request, configuration, trigger)}-{now:%Y%m%dT%H%M%SZ}",
        backup_type=request.backup_type,
        trigger=trigger,
        slot=slot,
        queued_at=now,
    )


def job_claim(job: uuid.UUID, *, worker: ProcessIdentity, now: datetime) -> Claim:
    """Make a PENDING job RUNNING under a new lease.

    Raises `JobNotFound`, `IllegalTransition` if it is not PENDING, `AlreadyRunning` if its configuration has another
    running job. Dead jobs are reaped first, so that they block no job.
    """
    job_reap(now=now)
    token = uuid.uuid4()
    with ledger_access("claiming a job"):
        row = _job(job)
        limit = JobRequest.from_json(row.backup_type, row.settings).time_limit()
        key = row.configuration.uuid if row.configuration else None
        try:
            with transaction.atomic(using=ledger_alias()):
                changed = (
                    _jobs()
                    .filter(uuid=job, status=JobStatus.PENDING)
                    .update(
                        status=JobStatus.RUNNING,
                        running_key=key,
                        lease_token=token,
                        lease_expires_at=now + LEASE,
                        attempt=F("attempt") + 1,
                        worker=str(worker),
                        worker_host=worker.host,
                        worker_pid=worker.pid,
                        worker_process_start=worker.start,
                        started_at=now,
                        heartbeat_at=now,
                        not_before=None,
                        error_message="",
                        deadline=None if limit is None else now + limit,
                    )
                )
                if changed == 1:
                    # In the transaction of the claim: if this fails, the job is not RUNNING without a process.
                    attempt = f", attempt {row.attempt + 1}" if row.attempt else ""
                    job_event(job, f"Started by {worker}{attempt}.", now=now)
        except IntegrityError as error:
            other = _jobs().filter(running_key=key).values_list("uuid", flat=True).first()
            raise AlreadyRunning(
                f"The configuration {row.configuration_name!r} has a running job ({other}); wait for it to end."
            ) from error
        if changed != 1:
            raise IllegalTransition(
                f"The job {job} is {_job(job).status} and cannot be started; only a PENDING job can."
            )
    return Claim(job=job, token=token)


def job_heartbeat(claim: Claim, *, now: datetime) -> None:
    """Extend the lease. Raises `LeaseLost`."""
    _fenced(claim, "extending its lease", heartbeat_at=now, lease_expires_at=now + LEASE)


def job_progress(claim: Claim, progress: Mapping[str, object], *, now: datetime) -> None:
    """Write the progress of the job and extend its lease; call it at most once a second. Raises `LeaseLost`."""
    _fenced(claim, "writing its progress", progress=dict(progress), heartbeat_at=now, lease_expires_at=now + LEASE)


def job_publish_check(claim: Claim, *, now: datetime) -> None:
    """Raise `LeaseLost` if another process has decided about the job. Call it right before the publication.

    It extends the lease as well, so that no process declares the job dead before the publication.
    """
    _fenced(claim, "checking its lease", heartbeat_at=now, lease_expires_at=now + LEASE)


def job_complete(claim: Claim, result: JobResult, *, now: datetime) -> None:
    """End a job as COMPLETED: its backup is whole, verified and rehearsed. Raises `LeaseLost`."""
    _finish(claim, JobStatus.COMPLETED, now=now, trust=result.trust, **result.columns())


def job_incomplete(claim: Claim, result: JobResult, *, now: datetime) -> None:
    """End a job as INCOMPLETE: its backup is verified, but lacks data that could not be read. Raises `LeaseLost`."""
    until = accepted_until(result.problems_listed, len(result.problems), now=now)
    _finish(claim, JobStatus.INCOMPLETE, now=now, trust=result.trust, accepted_until=until, **result.columns())


def job_fail(
    claim: Claim, reason: str, *, now: datetime, result: JobResult | None = None, trust: str = Trust.NONE
) -> None:
    """End a job as FAILED: it made no usable backup. Raises `LeaseLost`.

    `result` and its `trust` are given if something is stored all the same: damaged, or not verified.
    """
    columns = {} if result is None else result.columns()
    _finish(claim, JobStatus.FAILED, now=now, error_message=storable_text(reason), trust=trust, **columns)


def job_cancel(
    claim: Claim, reason: str, *, now: datetime, result: JobResult | None = None, trust: str = Trust.NONE
) -> None:
    """End a job as CANCELLED. `result` is given if its backup was stored already. Raises `LeaseLost`."""
    columns = {} if result is None else result.columns()
    _finish(claim, JobStatus.CANCELLED, now=now, error_message=storable_text(reason), trust=trust, **columns)


def job_time_out(
    claim: Claim, reason: str, *, now: datetime, result: JobResult | None = None, trust: str = Trust.NONE
) -> None:
    """End a job as TIMEOUT. `result` is given if its backup was stored already. Raises `LeaseLost`."""
    columns = {} if result is None else result.columns()
    _finish(claim, JobStatus.TIMEOUT, now=now, error_message=storable_text(reason), trust=trust, **columns)


def job_put_off(claim: Claim, reason: str, *, now: datetime, retryable: bool) -> bool:
    """End a failed attempt: RUNNING → PENDING if the job is tried again, which is returned, else RUNNING → FAILED.

    Raises `LeaseLost`.
    """
    with ledger_access("ending its attempt"):
        row = _job(claim.job)
    columns = after_failure(row, reason, now=now, retryable=retryable)
    _fenced(claim, "ending its attempt", **columns)
    job_event(claim.job, reason, now=now)
    again = columns["status"] == JobStatus.PENDING
    if again:
        at = in_utc(cast("datetime", columns["not_before"]))
        job_event(claim.job, f"To be tried again from {at:%Y-%m-%d %H:%M:%S} UTC on.", now=now)
    return again


def job_give_back(claim: Claim, reason: str, *, now: datetime) -> None:
    """Give a job back that was interrupted without a fault of its own: RUNNING → PENDING, for the next executor.

    Raises `LeaseLost`.
    """
    _fenced(
        claim,
        "giving it back",
        status=JobStatus.PENDING,
        dispatched_at=None,
        progress={},
        error_message=storable_text(reason),
        **RELEASED,
    )
    job_event(claim.job, f"{reason} It continues as soon as an executor is running.", now=now)


def job_hand_over(job: uuid.UUID, *, now: datetime) -> None:
    """Leave a PENDING job to the agent."""
    with ledger_access("handing a job over"):
        _jobs().filter(uuid=job, status=JobStatus.PENDING).update(dispatched_at=now)


def job_wait(job: uuid.UUID, *, until: datetime) -> None:
    """Postpone a scheduled job until `until`, because another job of its configuration runs.

    Its message is used up, and counts as not sent.
    """
    with ledger_access("putting a job off"):
        _jobs().filter(uuid=job, status=JobStatus.PENDING).update(not_before=until, dispatched_at=None)


def job_cancel_request(job: uuid.UUID, reason: str, *, now: datetime) -> str:
    """Request the end of a job, and return its status: CANCELLED at once if it was PENDING; RUNNING stops in seconds.

    Raises `JobNotFound`, or `IllegalTransition` for a job that has ended.
    """
    text = storable_text(reason)
    with ledger_access("cancelling a job"), transaction.atomic(using=ledger_alias()):
        rows = _jobs().filter(uuid=job)
        state = ""
        if rows.filter(status=JobStatus.PENDING).update(
            status=JobStatus.CANCELLED, completed_at=now, error_message=text
        ):
            state = JobStatus.CANCELLED
        elif rows.filter(status=JobStatus.RUNNING).update(cancel_requested_at=now, cancel_reason=text[:200]):
            state = JobStatus.RUNNING
        if state:
            job_event(job, reason, now=now)
            audit_record("backup.cancel", audited(_job(job)), details={"reason": reason})
            return state
    raise IllegalTransition(f"The job {job} is {_job(job).status} already; there is nothing to cancel.")


def job_cancel_reason(claim: Claim) -> str | None:
    """Return the reason why the job must stop, or None."""
    with ledger_access("looking whether the job is cancelled"):
        return (
            _jobs()
            .filter(uuid=claim.job, lease_token=claim.token, cancel_requested_at__isnull=False)
            .values_list("cancel_reason", flat=True)
            .first()
        )


def job_pin(job: uuid.UUID, *, pinned: bool, reason: str = "") -> None:
    """Pin a backup, so that retention keeps it, or unpin it. Raises `JobNotFound`, or `IllegalTransition`."""
    with ledger_access("pinning a backup"), transaction.atomic(using=ledger_alias()):
        rows = _jobs().filter(uuid=job, removal_started_at=None).exclude(snapshot_id="", backup_file_path="")
        if rows.update(is_pinned=pinned, pin_reason=storable_text(reason)[:200] if pinned else "") != 1:
            raise IllegalTransition(f"The job {job} is {_job(job).status} and has no stored backup to pin.")
        audit_record("backup.pin" if pinned else "backup.unpin", audited(_job(job)), details={"reason": reason})


def job_withdraw(job: uuid.UUID, reason: str, *, now: datetime) -> None:
    """Cancel a job that was never started: PENDING → CANCELLED. Do nothing if it is not PENDING any more."""
    with ledger_access("withdrawing a job"):
        _jobs().filter(uuid=job, status=JobStatus.PENDING).update(
            status=JobStatus.CANCELLED, completed_at=now, error_message=storable_text(reason)
        )


def job_trust_set(job: uuid.UUID, trust: str, rehearsals: Rehearsals | None = None) -> None:
    """Write the trust level that a verification found. Raises `IllegalTransition` if no backup is stored.

    `rehearsals` are given if the restore was rehearsed, too.
    """
    columns = {} if rehearsals is None else rehearsal_columns(rehearsals)
    with ledger_access("writing a verification's result"), transaction.atomic(using=ledger_alias()):
        changed = _jobs().filter(uuid=job).exclude(trust=Trust.NONE).update(trust=trust, **columns)
        if changed != 1:
            raise IllegalTransition(f"The job {job} has no stored backup whose trust could be set.")
        audit_record("backup.verify", audited(_job(job)), details={"trust": trust})


def _jobs() -> QuerySet[BackupJob]:
    return BackupJob.objects.using(ledger_alias())


def _job(job: uuid.UUID) -> BackupJob:
    try:
        return _jobs().select_related("configuration").get(uuid=job)
    except BackupJob.DoesNotExist:
        raise JobNotFound(f"The catalogue has no job {job}.") from None


def _fenced(claim: Claim, doing: str, **columns: object) -> None:
    with ledger_access(doing):
        changed = _jobs().filter(uuid=claim.job, status=JobStatus.RUNNING, lease_token=claim.token).update(**columns)
    if changed != 1:
        raise LeaseLost(_lost(claim))


def _finish(claim: Claim, status: str, *, now: datetime, **columns: object) -> None:
    _fenced(claim, f"ending it as {status}", status=status, completed_at=now, **columns, **RELEASED)
    job_event(claim.job, f"{status}. {columns.get('error_message', '')}".strip(), now=now)


def _lost(claim: Claim) -> str:
    return (
        f"The job {claim.job} does not belong to this process any more: it was declared dead, was ended, or runs in"
        " another process. This process has stopped its work."
    )
