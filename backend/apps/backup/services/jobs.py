"""The life of a job: PENDING → RUNNING → COMPLETED, INCOMPLETE, FAILED or CANCELLED.

A claim gives the job a fresh lease token. Every later step names that token, and the UPDATE behind it must change
exactly one row; otherwise somebody else has decided about the job meanwhile and `LeaseLost` ends the work. A second
delivery of the same job therefore changes nothing.
"""

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from ..errors import AlreadyRunning, IllegalTransition, JobNotFound, LeaseLost, SlotTaken
from ..ledger import ledger_access, ledger_alias
from ..manifest import Manifest
from ..models import BackupConfiguration, BackupJob, JobStatus, Trigger, Trust
from ..processes import ProcessIdentity, is_gone
from ..requests import JobRequest

LEASE = timedelta(seconds=90)
"""How long a job may be silent before it counts as dead."""

MOST_PROBLEMS_KEPT = 1000
"""Problems listed in the row; the count is always the full one."""


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """The right to run one job, as long as nobody else is given it."""

    job: uuid.UUID
    token: uuid.UUID


@dataclasses.dataclass(frozen=True, slots=True)
class JobResult:
    """What a finished job stored. Sizes are bytes; `backup_size` is what was read, `stored_size` what it takes."""

    snapshot_id: str = ""
    backup_file_path: str = ""
    checksum: str = ""
    backup_size: int | None = None
    stored_size: int | None = None
    new_files: int | None = None
    changed_files: int | None = None
    unchanged_files: int | None = None
    manifest: Mapping[str, object] = dataclasses.field(default_factory=dict)
    warnings: Sequence[str] = ()
    problems: Sequence[tuple[str, str]] = ()

    def columns(self) -> dict[str, object]:
        """The columns of the row that it fills."""
        return {
            "snapshot_id": self.snapshot_id,
            "backup_file_path": self.backup_file_path,
            "checksum": self.checksum,
            "backup_size": self.backup_size,
            "stored_size": self.stored_size,
            "new_files": self.new_files,
            "changed_files": self.changed_files,
            "unchanged_files": self.unchanged_files,
            "manifest": dict(self.manifest),
            "warnings": [storable_text(text) for text in self.warnings],
            "problems": [
                {"path": storable_text(path), "reason": storable_text(reason)}
                for path, reason in self.problems[:MOST_PROBLEMS_KEPT]
            ],
            "problem_count": len(self.problems),
        }


def storable_text(text: str) -> str:
    """The text with everything escaped that a database column cannot hold: lone surrogates and NUL."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").replace("\0", "\\x00")


def manifest_facts(manifest: Manifest) -> dict[str, object]:
    """What lists show of a manifest, as it is kept in the job's row."""
    return {
        "cut_at": manifest.cut_at.isoformat(),
        "databases": {
            record.alias: {"engine": record.engine, "tables": len(record.tables), "rows": sum(record.tables.values())}
            for record in manifest.databases
        },
        "files": {record.name: {"files": record.files, "bytes": record.bytes} for record in manifest.files},
        "references_missing": manifest.references.missing,
        "orphans": manifest.references.orphans,
    }


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
    name = configuration.name if configuration else f"adhoc-{request.backup_type.lower()}"
    job = BackupJob(
        configuration=configuration,
        configuration_name=configuration.name if configuration else "",
        settings=request.to_json(),
        job_name=f"{name}-{now:%Y%m%dT%H%M%SZ}",
        backup_type=request.backup_type,
        trigger=trigger,
        slot=slot,
        queued_at=now,
        triggered_by_id=None if triggered_by is None else triggered_by.pk,
    )
    with ledger_access("creating a job"):
        try:
            with transaction.atomic(using=ledger_alias()):
                job.save(force_insert=True)
        except IntegrityError as error:
            if slot is None or configuration is None or not configuration.jobs.filter(slot=slot).exists():
                raise
            raise SlotTaken(
                f"The configuration {configuration.name!r} has a job for {slot.isoformat()} already."
            ) from error
    return job


def job_claim(job: uuid.UUID, *, worker: ProcessIdentity, now: datetime) -> Claim:
    """Make a PENDING job RUNNING under a fresh lease.

    Raises `JobNotFound`, `IllegalTransition` if it is not PENDING, `AlreadyRunning` if its configuration has another
    running job. Dead jobs are reaped first, so that they block nothing.
    """
    job_reap(now=now)
    token = uuid.uuid4()
    with ledger_access("claiming a job"):
        row = _job(job)
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
                    )
                )
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
    """Extend the lease; raises `LeaseLost`."""
    _fenced(claim, "extending its lease", heartbeat_at=now, lease_expires_at=now + LEASE)


def job_progress(claim: Claim, progress: Mapping[str, object], *, now: datetime) -> None:
    """Write how far the job is and extend its lease; call it once a second at the most. Raises `LeaseLost`."""
    _fenced(claim, "writing its progress", progress=dict(progress), heartbeat_at=now, lease_expires_at=now + LEASE)


def job_publish_check(claim: Claim, *, now: datetime) -> None:
    """Raise `LeaseLost` unless the job is still ours; to be called right before anything is published.

    It extends the lease as well, so that nobody declares the job dead between this and the publishing.
    """
    _fenced(claim, "checking its lease", heartbeat_at=now, lease_expires_at=now + LEASE)


def job_complete(claim: Claim, result: JobResult, *, now: datetime) -> None:
    """The backup is stored whole and has been read back; raises `LeaseLost`."""
    _finish(claim, JobStatus.COMPLETED, now=now, trust=Trust.VERIFIED, **result.columns())


def job_incomplete(claim: Claim, result: JobResult, *, now: datetime) -> None:
    """The backup is stored and has been read back, but not all in scope could be read; raises `LeaseLost`."""
    _finish(claim, JobStatus.INCOMPLETE, now=now, trust=Trust.VERIFIED, **result.columns())


def job_fail(
    claim: Claim, reason: str, *, now: datetime, result: JobResult | None = None, trust: str = Trust.NONE
) -> None:
    """The job made no usable backup; raises `LeaseLost`.

    `result` and its `trust` are given when something is stored all the same: damaged, or never read back.
    """
    columns = {} if result is None else result.columns()
    _finish(claim, JobStatus.FAILED, now=now, error_message=storable_text(reason), trust=trust, **columns)


def job_cancel(
    claim: Claim, reason: str, *, now: datetime, result: JobResult | None = None, trust: str = Trust.NONE
) -> None:
    """The job was told to stop; `result` is given when it had stored its backup already. Raises `LeaseLost`."""
    columns = {} if result is None else result.columns()
    _finish(claim, JobStatus.CANCELLED, now=now, error_message=storable_text(reason), trust=trust, **columns)


def job_withdraw(job: uuid.UUID, reason: str, *, now: datetime) -> None:
    """A job that was never started is not wanted any more: PENDING → CANCELLED, if it still is PENDING."""
    with ledger_access("withdrawing a job"):
        _jobs().filter(uuid=job, status=JobStatus.PENDING).update(
            status=JobStatus.CANCELLED, completed_at=now, error_message=storable_text(reason)
        )


def job_fail_dead(job: uuid.UUID, *, pid: int, reason: str, now: datetime) -> bool:
    """Note the death of the process that was started for the job; False if the job had ended before."""
    with ledger_access("noting the death of a job"):
        changed = (
            _jobs()
            .filter(uuid=job, status=JobStatus.PENDING)
            .update(status=JobStatus.FAILED, completed_at=now, error_message=storable_text(reason))
        )
        changed += (
            _jobs()
            .filter(uuid=job, status=JobStatus.RUNNING, worker_pid=pid)
            .update(status=JobStatus.FAILED, completed_at=now, error_message=storable_text(reason), **_RELEASED)
        )
        return changed == 1


def job_trust_set(job: uuid.UUID, trust: str) -> None:
    """Write what a verification found about a stored backup; raises `IllegalTransition` if nothing is stored."""
    with ledger_access("writing a verification's result"):
        changed = _jobs().filter(uuid=job).exclude(trust=Trust.NONE).update(trust=trust)
        if changed != 1:
            raise IllegalTransition(f"The job {job} has no stored backup whose trust could be set.")


def job_reap(*, now: datetime) -> list[uuid.UUID]:
    """Fail every RUNNING job that is dead: its process on this host is gone, or its lease has expired."""
    reaped = []
    with ledger_access("looking for dead jobs"):
        for job in _jobs().filter(status=JobStatus.RUNNING):
            reason = _cause_of_death(job, now)
            if reason is None:
                continue
            changed = (
                _jobs()
                .filter(
                    uuid=job.uuid, status=JobStatus.RUNNING, lease_token=job.lease_token, heartbeat_at=job.heartbeat_at
                )
                .update(status=JobStatus.FAILED, completed_at=now, error_message=reason, **_RELEASED)
            )
            # None changed: it has ended, or has given a sign of life, between the look and the UPDATE.
            if changed == 1:
                reaped.append(job.uuid)
    return reaped


_RELEASED: dict[str, object] = {"running_key": None, "lease_expires_at": None}
"""The columns that a job gives back when it ends; the token stays, as a trace of who ran it."""


def _cause_of_death(job: BackupJob, now: datetime) -> str | None:
    process = ProcessIdentity(host=job.worker_host, pid=job.worker_pid or 0, start=job.worker_process_start)
    if is_gone(process):
        return f"The process {process} that ran this job is gone (killed, out of memory, or the machine restarted)."
    if job.lease_expires_at is not None and job.lease_expires_at < now:
        return (
            f"The lease expired at {job.lease_expires_at.isoformat(timespec='seconds')}:"
            f" the process {process} gave no sign of life for {LEASE.total_seconds():.0f} s."
        )
    return None


def _jobs() -> QuerySet[BackupJob]:
    return BackupJob.objects.using(ledger_alias())


def _job(job: uuid.UUID) -> BackupJob:
    try:
        return _jobs().select_related("configuration").get(uuid=job)
    except BackupJob.DoesNotExist:
        raise JobNotFound(f"The ledger has no job {job}.") from None


def _fenced(claim: Claim, doing: str, **columns: object) -> None:
    with ledger_access(doing):
        changed = _jobs().filter(uuid=claim.job, status=JobStatus.RUNNING, lease_token=claim.token).update(**columns)
    if changed != 1:
        raise LeaseLost(_lost(claim))


def _finish(claim: Claim, status: str, *, now: datetime, **columns: object) -> None:
    _fenced(claim, f"ending it as {status}", status=status, completed_at=now, **columns, **_RELEASED)


def _lost(claim: Claim) -> str:
    return f"The job {claim.job} is no longer ours: it was declared dead, was ended, or runs elsewhere."
