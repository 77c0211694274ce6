"""Long operations that users request: their creation, the decision of a second person, and cancellation.

PENDING → RUNNING → COMPLETED, FAILED or CANCELLED; with a second person AWAITING_APPROVAL → PENDING or REJECTED before.
`services.operation_runs` has the states of a running one. Each change is one conditional UPDATE with its event in the
audit trail.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Q, QuerySet

from .. import conf
from ..core.permissions import Right
from ..core.processes import is_gone, process_of
from ..errors import AlreadyRunning, ApprovalRefused, IllegalTransition, TooManyOpen
from ..ledger import ledger_access, ledger_alias
from ..models import BackupJob, Operation, OperationKind, OperationStatus, RestoreJob, RestoreStatus
from ..selectors import URGENT
from ..selectors.operations import operation_of
from .audit import AuditObject, audit_record
from .job_log import storable_text

RIGHTS: Mapping[str, Right] = {
    OperationKind.VERIFY: Right.RUN,
    OperationKind.PLAN: Right.RESTORE,
    OperationKind.RESTORE: Right.RESTORE,
    OperationKind.ROLLBACK: Right.RESTORE,
    OperationKind.RELEASE: Right.RESTORE,
    OperationKind.REMOVE: Right.DELETE,
    OperationKind.PRUNE: Right.PRUNE,
    OperationKind.CHECK: Right.RUN,
    OperationKind.UNLOCK: Right.PRUNE,
    OperationKind.DELETE_CONFIGURATION: Right.CONFIGURE,
}
"""The permission to request an operation, to decide about it, and to cancel it."""


def right_of(operation: Operation) -> Right:
    """Return the permission to decide about an operation: with its backups, a configuration is more than that."""
    with_backups = operation.kind == OperationKind.DELETE_CONFIGURATION and operation.arguments.get("backups")
    return Right.DELETE if with_backups else RIGHTS[operation.kind]


APPROVAL = timedelta(hours=24)
"""The time for which an operation waits for a second person."""
MOST_OPEN = 20
"""The most unfinished operations of one user, so that others get their turn. Restores of the live system and rollbacks
do not count."""

OPEN = (OperationStatus.AWAITING_APPROVAL, OperationStatus.PENDING, OperationStatus.RUNNING)
_ACTIONS: Mapping[str, str] = {
    OperationKind.VERIFY: "backup.verify.request",
    OperationKind.PLAN: "restore.plan.request",
    OperationKind.RESTORE: "restore.request",
    OperationKind.ROLLBACK: "restore.rollback.request",
    OperationKind.RELEASE: "restore.release.request",
    OperationKind.REMOVE: "backup.remove.request",
    OperationKind.PRUNE: "storage.prune.request",
    OperationKind.CHECK: "storage.check.request",
    OperationKind.UNLOCK: "storage.unlock.request",
    OperationKind.DELETE_CONFIGURATION: "configuration.delete.request",
}
_DELETING = (
    OperationKind.REMOVE,
    OperationKind.RELEASE,
    OperationKind.PRUNE,
    OperationKind.DELETE_CONFIGURATION,
)


@dataclasses.dataclass(frozen=True, slots=True)
class OperationRequest:
    """The request of an operation. `target` is its object; `rivals` are operations that exclude it."""

    kind: OperationKind
    target: AuditObject
    subject: str
    rivals: Q
    arguments: Mapping[str, object] = dataclasses.field(default_factory=dict)
    job: BackupJob | None = None
    restore: RestoreJob | None = None

    @property
    def needs_second_person(self) -> bool:
        """Whether another user must approve it first, by BACKUP_SECOND_PERSON."""
        words = conf.load().second_person
        if self.arguments.get("dry_run"):
            return False
        return ("restore" in words and self._can_change_live) or ("delete" in words and self.kind in _DELETING)

    @property
    def _can_change_live(self) -> bool:
        """Whether it can change the live system.

        A new database from an uploaded package can, too: its dump can make the server do anything that the role here
        may do, also with the live database.
        """
        if self.kind == OperationKind.ROLLBACK:
            return True
        target, upload = self.arguments.get("target"), self.arguments.get("upload")
        return self.kind == OperationKind.RESTORE and (target == "live" or (target == "database" and bool(upload)))


def operation_create(request: OperationRequest, *, user: AbstractBaseUser, now: datetime) -> Operation:
    """Write an operation, PENDING or AWAITING_APPROVAL.

    Raises `AlreadyRunning` while a rival is unfinished, `TooManyOpen` if the user has `MOST_OPEN` others.
    """
    status = OperationStatus.AWAITING_APPROVAL if request.needs_second_person else OperationStatus.PENDING
    row = Operation(
        kind=request.kind,
        status=status,
        job=request.job,
        restore=request.restore,
        subject=storable_text(request.subject)[:300],
        arguments=dict(request.arguments),
        requested_by_id=user.pk,
        requested_by_name=str(user.get_username())[:200],
        queued_at=now,
    )
    with ledger_access("asking for an operation"), transaction.atomic(using=ledger_alias()):
        row.save(force_insert=True, using=ledger_alias())
        details = {**request.arguments, "operation": str(row.uuid)}
        audit_record(_ACTIONS[request.kind], request.target, details=details)
        # Only now: concurrent callers have waited for the lock of the audit trail, so that one sees the other's row.
        _refuse_rivals(row, request.rivals)
        if not _rows().filter(URGENT, pk=row.pk).exists():
            _refuse_too_many(row)
    return row


def operation_approve(operation: uuid.UUID, *, user: AbstractBaseUser, now: datetime) -> Operation:
    """Approve another user's operation: AWAITING_APPROVAL → PENDING. Raises `ApprovalRefused`, `IllegalTransition`."""
    return _decide(operation, user, now, status=OperationStatus.PENDING, action="operation.approve")


def operation_reject(operation: uuid.UUID, *, user: AbstractBaseUser, reason: str, now: datetime) -> Operation:
    """Reject another user's operation: AWAITING_APPROVAL → REJECTED. Raises `ApprovalRefused`, `IllegalTransition`."""
    text = f"{user.get_username()} did not agree{f': {reason}' if reason else ''}."
    return _decide(
        operation,
        user,
        now,
        status=OperationStatus.REJECTED,
        action="operation.reject",
        completed_at=now,
        error_message=storable_text(text),
    )


def operation_cancel_request(operation: uuid.UUID, reason: str, *, now: datetime) -> Operation:
    """Request the end of an operation: CANCELLED at once if it has not begun; a RUNNING one stops within seconds.

    Raises `OperationNotFound`, or `IllegalTransition` for one that has ended or has passed the point of no return.
    """
    text = storable_text(reason)
    with ledger_access("cancelling an operation"), transaction.atomic(using=ledger_alias()):
        rows = _rows().filter(uuid=operation)
        waiting = rows.filter(status__in=[OperationStatus.AWAITING_APPROVAL, OperationStatus.PENDING])
        if waiting.update(status=OperationStatus.CANCELLED, completed_at=now, error_message=text):
            _withdraw_restore(rows, text, now)
        elif not rows.filter(status=OperationStatus.RUNNING, irrevocable_at__isnull=True).update(
            cancel_requested_at=now, cancel_reason=text[:200]
        ):
            raise IllegalTransition(_not_cancellable(operation_of(operation)))
        row = operation_of(operation)
        audit_record("operation.cancel", audited(row), details={"reason": reason})
    return row


def _not_cancellable(operation: Operation) -> str:
    if operation.status == OperationStatus.RUNNING:
        return (
            f"The operation {operation.uuid} is swapping the live system and cannot be cancelled any more. Wait for its"
            " end; a restore can be rolled back then."
        )
    return f"The operation {operation.uuid} is {operation.status} already; there is nothing to cancel."


def operations_expire(*, now: datetime) -> list[uuid.UUID]:
    """Reject operations that have waited for a second person longer than `APPROVAL`; return their uuids."""
    ended = []
    with ledger_access("looking for what was never approved"):
        late = _rows().filter(status=OperationStatus.AWAITING_APPROVAL, queued_at__lt=now - APPROVAL)
        for operation in list(late.values_list("uuid", flat=True)):
            with transaction.atomic(using=ledger_alias()):
                rows = _rows().filter(uuid=operation)
                text = f"No one decided about it within {APPROVAL.total_seconds() / 3600:.0f} hours."
                waiting = rows.filter(status=OperationStatus.AWAITING_APPROVAL)
                if waiting.update(status=OperationStatus.REJECTED, completed_at=now, error_message=text):
                    _withdraw_restore(rows, text, now)
                    audit_record("operation.expire", audited(rows.get()))
                    ended.append(operation)
    return ended


def audited(operation: Operation) -> AuditObject:
    """Return the operation as an object of the audit trail."""
    return AuditObject("operation", str(operation.uuid), f"{operation.get_kind_display()}: {operation.subject}")


def _decide(
    operation: uuid.UUID, user: AbstractBaseUser, now: datetime, *, status: str, action: str, **columns: object
) -> Operation:
    with ledger_access("deciding about an operation"), transaction.atomic(using=ledger_alias()):
        rows = _rows().filter(uuid=operation)
        # By name as well: after a restore the row may name users by the primary keys of another database.
        others = rows.exclude(requested_by_id=user.pk).exclude(requested_by_name=str(user.get_username()))
        others = others.filter(status=OperationStatus.AWAITING_APPROVAL)
        if not others.update(status=status, decided_by_id=user.pk, decided_at=now, **columns):
            row = operation_of(operation)
            if row.status == OperationStatus.AWAITING_APPROVAL:
                raise ApprovalRefused("You requested this operation. Another user must approve or reject it.")
            raise IllegalTransition(f"The operation {operation} is {row.status}; there is nothing to decide.")
        if status == OperationStatus.REJECTED:
            _withdraw_restore(rows, str(columns["error_message"]), now)
        row = operation_of(operation)
        audit_record(action, audited(row), details={"requested_by": row.requested_by_name})
    return row


def _withdraw_restore(operations: QuerySet[Operation], reason: str, now: datetime) -> None:
    """Cancel the restore of a cancelled or rejected operation."""
    # Only of the kind RESTORE: a rollback or a release is about a restore that has ended.
    RestoreJob.objects.using(ledger_alias()).filter(
        operations__in=operations.filter(kind=OperationKind.RESTORE), status=RestoreStatus.PENDING
    ).update(status=RestoreStatus.CANCELLED, completed_at=now, error_message=reason)


def _refuse_rivals(row: Operation, rivals: Q) -> None:
    for other in _rows().filter(rivals, status__in=OPEN).exclude(pk=row.pk).select_for_update():
        # An operation whose process has ended does not block, also before it is found dead.
        if other.status != OperationStatus.RUNNING or not is_gone(process_of(other)):
            raise AlreadyRunning(
                f"{other.get_kind_display()} of {other.subject} is {other.status} already (operation {other.uuid});"
                " wait for its end, or cancel it."
            )


def _refuse_too_many(row: Operation) -> None:
    others = _rows().filter(requested_by_name=row.requested_by_name, status__in=OPEN).exclude(URGENT)
    if others.count() > MOST_OPEN:
        raise TooManyOpen(
            f"{row.requested_by_name} waits for {MOST_OPEN} operations already. Wait for their end, or cancel some of"
            " them; a restore of the live system or a rollback can be asked for all the same."
        )


def _rows() -> QuerySet[Operation]:
    return Operation.objects.using(ledger_alias())
