"""The row of a restore: PENDING → RUNNING → COMPLETED, FAILED or CANCELLED, and the state of the replaced data."""

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import QuerySet

from ..errors import IllegalTransition, RestoreNotFound
from ..ledger import ledger_access, ledger_alias
from ..models import BackupJob, RestoreJob, RestoreStatus, RollbackState
from .audit import AuditObject, audit_record
from .job_log import storable_text

_ENDS = (RestoreStatus.COMPLETED, RestoreStatus.FAILED, RestoreStatus.CANCELLED)


@dataclasses.dataclass(frozen=True, slots=True)
class NewRestore:
    """The values of a new row. `plan` is the plan that the user saw."""

    restore_type: str
    backup_job: uuid.UUID | None = None
    backup_reference: str = ""
    target: str = ""
    plan: Mapping[str, object] = dataclasses.field(default_factory=dict)


def restore_create(
    new: NewRestore,
    *,
    now: datetime,
    restore: uuid.UUID | None = None,
    requested_by: AbstractBaseUser | None = None,
) -> RestoreJob:
    """Write a PENDING restore, under the given uuid if there is one.

    A backup job that the catalogue does not know is left out; `backup_reference` names it all the same.
    """
    with ledger_access("creating a restore"):
        jobs = BackupJob.objects.using(ledger_alias())
        job = jobs.filter(uuid=new.backup_job).first() if new.backup_job else None
        row = RestoreJob(
            uuid=restore or uuid.uuid4(),
            backup_job=job,
            backup_reference=storable_text(new.backup_reference),
            restore_type=new.restore_type,
            target=storable_text(new.target),
            plan=dict(new.plan),
            requested_by_id=None if requested_by is None else requested_by.pk,
            queued_at=now,
        )
        row.save(force_insert=True, using=ledger_alias())
    return row


def restore_start(
    restore: uuid.UUID, *, now: datetime, plan: Mapping[str, object] | None = None, restore_type: str = ""
) -> None:
    """Begin a restore: PENDING → RUNNING. A `plan` that was made now replaces the one of the row.

    Raises `IllegalTransition`.
    """
    columns: dict[str, object] = {} if plan is None else {"plan": dict(plan), "restore_type": restore_type}
    waiting = _rows().filter(status=RestoreStatus.PENDING)
    _change_state(restore, waiting, "restore.begin", status=RestoreStatus.RUNNING, started_at=now, **columns)


def restore_phases(
    restore: uuid.UUID, phases: Sequence[Mapping[str, object]] | None, *, log: Sequence[str] = ()
) -> None:
    """Write the phases of a running restore, each with its name and times, and its log. Raises `IllegalTransition`.

    With None the phases of the row stay: the recovery of an interrupted restore does not know them.
    """
    known = {} if phases is None else {"phases": [dict(phase) for phase in phases]}
    lines = [storable_text(line) for line in log]
    _change(restore, _rows().filter(status=RestoreStatus.RUNNING), log=lines, **known)


def restore_complete(
    restore: uuid.UUID,
    *,
    now: datetime,
    rollback_state: str = RollbackState.AVAILABLE,
    counts: Mapping[str, object] | None = None,
    changes: Mapping[str, object] | None = None,
) -> None:
    """End a restore: RUNNING → COMPLETED. Raises `IllegalTransition`.

    `changes` are the rows and files written after the backup of the live state; None if they were not compared.
    """
    _change_state(
        restore,
        _rows().filter(status=RestoreStatus.RUNNING),
        "restore.complete",
        status=RestoreStatus.COMPLETED,
        completed_at=now,
        rollback_state=rollback_state,
        counts=dict(counts or {}),
        changes=dict(changes or {}),
    )


def restore_fail(restore: uuid.UUID, reason: str, *, now: datetime) -> None:
    """End a restore: PENDING or RUNNING → FAILED. Raises `IllegalTransition`."""
    _end(restore, "restore.fail", RestoreStatus.FAILED, reason, now)


def restore_cancel(restore: uuid.UUID, reason: str, *, now: datetime) -> None:
    """End a restore: PENDING or RUNNING → CANCELLED. Raises `IllegalTransition`."""
    _end(restore, "restore.cancel", RestoreStatus.CANCELLED, reason, now)


def restore_rolled_back(restore: uuid.UUID) -> None:
    """Record that the replaced data is live again. Raises `IllegalTransition` if none was kept."""
    kept = _rows().filter(rollback_state=RollbackState.AVAILABLE)
    _change_state(restore, kept, "restore.rollback", rollback_state=RollbackState.ROLLED_BACK)


def restore_released(restore: uuid.UUID) -> None:
    """Record that the replaced data is deleted. Raises `IllegalTransition` if none was kept."""
    kept = _rows().filter(rollback_state=RollbackState.AVAILABLE)
    _change_state(restore, kept, "restore.release", rollback_state=RollbackState.RELEASED)


def restore_opened_record(restore: uuid.UUID, reference: str) -> None:
    """Record in the audit trail that users can look at the replaced data. Raises `LedgerUnavailable`."""
    audit_record("restore.open_kept", AuditObject("restore", str(restore), storable_text(reference)))


def restore_beside_record(
    new: NewRestore, *, began: datetime, now: datetime, counts: Mapping[str, object] | None = None, reason: str = ""
) -> None:
    """Record a restore to a folder or a database that a command has done, with its row and in the audit trail.

    `reason` says why it failed; "" if it succeeded. Raises `LedgerUnavailable`.
    """
    with ledger_access("recording a restore"), transaction.atomic(using=ledger_alias()):
        row = restore_create(new, now=began)
        restore_start(row.uuid, now=began)
        if reason:
            restore_fail(row.uuid, reason, now=now)
        else:
            restore_complete(row.uuid, now=now, rollback_state=RollbackState.NONE, counts=counts)


def _seconds(took: timedelta) -> str:
    """Return the seconds with milliseconds as a text, which no database changes."""
    return f"{took.total_seconds():.3f}"


def _rows() -> QuerySet[RestoreJob]:
    return RestoreJob.objects.using(ledger_alias())


def _end(restore: uuid.UUID, action: str, status: str, reason: str, now: datetime) -> None:
    open_ones, text = _rows().exclude(status__in=_ENDS), storable_text(reason)
    _change_state(restore, open_ones, action, status=status, completed_at=now, error_message=text)


def _change_state(restore: uuid.UUID, allowed: QuerySet[RestoreJob], action: str, **columns: object) -> None:
    """Change the state of a restore, and record it in the audit trail."""
    with ledger_access("writing a restore's state"), transaction.atomic(using=ledger_alias()):
        _change(restore, allowed, **columns)
        row = _rows().get(uuid=restore)
        details = {"target": row.target, "type": row.restore_type, "reason": row.error_message[:500]}
        if row.started_at is not None and row.completed_at is not None:
            details["seconds"] = _seconds(row.completed_at - row.started_at)
        audit_record(action, AuditObject("restore", str(restore), row.backup_reference), details=details)


def _change(restore: uuid.UUID, allowed: QuerySet[RestoreJob], **columns: object) -> None:
    with ledger_access("writing a restore's state"):
        changed = allowed.filter(uuid=restore).update(**columns)
        if changed == 1:
            return
        row = _rows().filter(uuid=restore).first()
    if row is None:
        raise RestoreNotFound(f"There is no restore {restore}.")
    raise IllegalTransition(
        f"The restore {restore} is {row.status} (rollback: {row.rollback_state}) and does not allow this step."
    )
