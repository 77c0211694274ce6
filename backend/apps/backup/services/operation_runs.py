"""The states of an operation that is run: PENDING → RUNNING → COMPLETED, FAILED or CANCELLED.

As with jobs, a claim gives it a new token, and every later step names that token: a process that was declared dead
changes nothing any more.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from ..core.processes import ProcessIdentity, is_gone, process_of
from ..errors import IllegalTransition, LeaseLost
from ..ledger import ledger_access, ledger_alias
from ..models import Operation, OperationStatus
from ..selectors.operations import operation_of
from .audit import audit_record
from .dead_jobs import LEASE
from .job_log import storable_text
from .operations import audited

_LOST: Final = "The operation {} does not belong to this process any more: it was declared dead, or was ended."


@dataclasses.dataclass(frozen=True, slots=True)
class OperationClaim:
    """The claim of one process on one operation, until another process gets it."""

    operation: uuid.UUID
    token: uuid.UUID


def operation_claim(operation: uuid.UUID, *, worker: ProcessIdentity, now: datetime) -> OperationClaim:
    """Claim an operation: PENDING → RUNNING with a new token. Raises `OperationNotFound`, `IllegalTransition`."""
    token = uuid.uuid4()
    with ledger_access("claiming an operation"):
        changed = (
            _rows()
            .filter(uuid=operation, status=OperationStatus.PENDING)
            .update(
                status=OperationStatus.RUNNING,
                token=token,
                worker=str(worker),
                worker_host=worker.host,
                worker_pid=worker.pid,
                worker_process_start=worker.start,
                started_at=now,
                heartbeat_at=now,
            )
        )
        if changed != 1:
            raise IllegalTransition(f"The operation {operation} is {operation_of(operation).status}, not PENDING.")
    return OperationClaim(operation=operation, token=token)


def operation_heartbeat(claim: OperationClaim, *, now: datetime) -> None:
    """Write a heartbeat. Raises `LeaseLost`."""
    _fenced(claim, "writing a heartbeat", heartbeat_at=now)


def operation_progress(claim: OperationClaim, progress: Mapping[str, object], *, now: datetime) -> None:
    """Write the progress; call it at most once a second. Raises `LeaseLost`."""
    _fenced(claim, "writing its progress", progress=dict(progress), heartbeat_at=now)


def operation_cancel_reason(claim: OperationClaim) -> str | None:
    """Return the reason why the operation must stop, or None."""
    with ledger_access("looking whether the operation is cancelled"):
        rows = _rows().filter(uuid=claim.operation, token=claim.token, cancel_requested_at__isnull=False)
        return rows.values_list("cancel_reason", flat=True).first()


def operation_make_irrevocable(claim: OperationClaim, *, now: datetime) -> str | None:
    """Forbid to cancel the operation from now on; return the reason if it was cancelled before. Raises `LeaseLost`."""
    with ledger_access("recording the point of no return"):
        rows = _rows().filter(uuid=claim.operation, status=OperationStatus.RUNNING, token=claim.token)
        if rows.filter(cancel_requested_at__isnull=True).update(irrevocable_at=now, heartbeat_at=now):
            return None
        reason = rows.values_list("cancel_reason", flat=True).first()
    if reason is None:
        raise LeaseLost(_LOST.format(claim.operation))
    return reason


def operation_complete(claim: OperationClaim, result: Mapping[str, object], *, now: datetime) -> None:
    """End an operation as COMPLETED. Raises `LeaseLost`."""
    _end(claim, OperationStatus.COMPLETED, now, result=dict(result))


def operation_fail(
    claim: OperationClaim, reason: str, *, now: datetime, result: Mapping[str, object] | None = None
) -> None:
    """End an operation as FAILED; `result` holds the part that was done, if any. Raises `LeaseLost`."""
    _end(claim, OperationStatus.FAILED, now, error_message=storable_text(reason), result=dict(result or {}))


def operation_cancel(claim: OperationClaim, reason: str, *, now: datetime) -> None:
    """End an operation as CANCELLED. Raises `LeaseLost`."""
    _end(claim, OperationStatus.CANCELLED, now, error_message=storable_text(reason))


def operation_hand_over(operation: uuid.UUID, *, now: datetime) -> None:
    """Note that a PENDING operation is left to the agent, or that a message for it was sent to the workers."""
    with ledger_access("handing an operation over"):
        _rows().filter(uuid=operation, status=OperationStatus.PENDING).update(dispatched_at=now)


def operations_dead(*, now: datetime) -> list[tuple[Operation, str]]:
    """Return the dead RUNNING operations, each with the cause.

    The process on this host has ended, or it has sent no heartbeat for `LEASE`.
    """
    with ledger_access("looking for dead operations"):
        rows = list(_rows().filter(status=OperationStatus.RUNNING).select_related("restore"))
    causes = ((row, _cause_of_death(row, now)) for row in rows)
    return [(row, cause) for row, cause in causes if cause]


def operation_end_dead(
    operation: Operation, *, status: str, reason: str, result: Mapping[str, object], now: datetime
) -> bool:
    """End an operation whose process is dead; return False if it has sent a heartbeat or has ended meanwhile."""
    with ledger_access("noting the death of an operation"), transaction.atomic(using=ledger_alias()):
        same = _rows().filter(uuid=operation.uuid, status=operation.status, token=operation.token)
        changed = same.filter(heartbeat_at=operation.heartbeat_at).update(
            status=status, completed_at=now, error_message=storable_text(reason), result=dict(result)
        )
        if changed:
            _record(operation.uuid)
    return changed == 1


def _cause_of_death(row: Operation, now: datetime) -> str | None:
    process = process_of(row)
    if is_gone(process):
        return f"The process {process} that did this is gone (killed, out of memory, or the machine restarted)."
    if row.heartbeat_at is not None and row.heartbeat_at < now - LEASE:
        return f"The process {process} sent no heartbeat for {LEASE.total_seconds():.0f} s."
    return None


def _end(claim: OperationClaim, status: str, now: datetime, **columns: object) -> None:
    with ledger_access(f"ending it as {status}"), transaction.atomic(using=ledger_alias()):
        _fenced(claim, f"ending it as {status}", status=status, completed_at=now, **columns)
        _record(claim.operation)


def _record(operation: uuid.UUID) -> None:
    row = operation_of(operation)
    audit_record(f"operation.{row.status.lower()}", audited(row), details={"reason": row.error_message[:500]})


def _fenced(claim: OperationClaim, doing: str, **columns: object) -> None:
    with ledger_access(doing):
        rows = _rows().filter(uuid=claim.operation, status=OperationStatus.RUNNING, token=claim.token)
        changed = rows.update(**columns)
    if changed != 1:
        raise LeaseLost(_LOST.format(claim.operation))


def _rows() -> QuerySet[Operation]:
    return Operation.objects.using(ledger_alias())
