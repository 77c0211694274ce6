"""Recovery of operations whose process has ended: complete or undo the restore, then write the operation's end."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from ..errors import BackupError
from ..ledger import ledger_access, ledger_alias
from ..models import Operation, OperationKind, OperationStatus, RestoreStatus, RollbackState
from ..restores import recover_restores
from ..selectors import restore_by_uuid
from ..services.operation_runs import operation_end_dead, operations_dead
from .restore import end_restore_row, remove_partial_folder

_SWAPPING = frozenset({OperationKind.RESTORE, OperationKind.ROLLBACK, OperationKind.RELEASE})


def settle_operations(*, now: datetime) -> list[str]:
    """End every RUNNING operation that is dead; return the steps in words. Raises `LedgerUnavailable`."""
    lines: list[str] = []
    for row, cause in operations_dead(now=now):
        lines += settle_dead(row, cause, now=now)
    return lines


def settle_dead(operation: Operation, cause: str, *, now: datetime) -> list[str]:
    """End one operation whose process has ended; return the steps in words."""
    recovered: list[str] = []
    if operation.kind in _SWAPPING:
        try:
            recovered = recover_restores()
        except BackupError as error:
            # The next round tries again, and so does the next restore or job. Until then the operation has no end.
            return [
                f"The operation {operation.uuid} was interrupted, and its leftovers could not be cleaned up: {error}"
            ]
    status, result = _outcome(operation)
    if operation.cancel_requested_at is not None and status == OperationStatus.FAILED:
        status = OperationStatus.CANCELLED
    reason = " ".join([cause, *recovered])
    done = status == OperationStatus.COMPLETED
    if done:
        result["notes"] = [reason]
    with ledger_access("noting the death of an operation"), transaction.atomic(using=ledger_alias()):
        if not operation_end_dead(operation, status=status, reason="" if done else reason, result=result, now=now):
            return recovered
        if not done:
            end_restore_row(operation, reason, cancelled=status == OperationStatus.CANCELLED)
    if not done:
        remove_partial_folder(operation)
    return [*recovered, f"{operation.get_kind_display()} of {operation.subject} was found dead, and is {status}."]


def _outcome(operation: Operation) -> tuple[str, dict[str, object]]:
    """Return the status and the result by the row of the restore, which recovery may have completed."""
    restore = None if operation.restore is None else restore_by_uuid(operation.restore.uuid)
    if restore is None or operation.kind not in _SWAPPING:
        return OperationStatus.FAILED, {}
    done = {
        OperationKind.RESTORE: restore.status == RestoreStatus.COMPLETED,
        OperationKind.ROLLBACK: restore.rollback_state == RollbackState.ROLLED_BACK,
        OperationKind.RELEASE: restore.rollback_state == RollbackState.RELEASED,
    }[OperationKind(operation.kind)]
    if not done:
        return OperationStatus.FAILED, {}
    return OperationStatus.COMPLETED, {"restore": str(restore.uuid)}
