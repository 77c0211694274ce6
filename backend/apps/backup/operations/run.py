"""The run of one operation, from its claim to its end, in this process. Errors are written into its row and raised."""

from __future__ import annotations

import uuid

from django.utils import timezone

from ..core.cancellation import JobCancelled, StopSignals, stop_signals
from ..core.processes import own_identity
from ..core.progress import Tracker
from ..errors import LeaseLost
from ..jobs.heartbeat import Heartbeat
from ..ledger import reason_of, write_end
from ..models import Operation, OperationStatus
from ..restores import RestoreUnfinished
from ..selectors.operations import operation_of
from ..services.actor import Actor, acting
from ..services.operation_runs import (
    OperationClaim,
    operation_cancel,
    operation_claim,
    operation_complete,
    operation_fail,
)
from .context import OperationResult, Work
from .kinds import WORKS
from .pulse import OperationPulse
from .restore import end_restore_row, remove_partial_folder


def run_operation(operation: uuid.UUID) -> str:
    """Run a PENDING operation and return the status at its end.

    Raises the error that stopped it, after writing it into the row as FAILED; `JobCancelled` after a signal or a
    cancellation; `LeaseLost` if another process decided about it; `LedgerUnavailable` if its end could not be written;
    `RestoreUnfinished` for a restore, rollback or release that recovery completes.
    """
    # A signal waits until the claim is complete, so that it never interrupts the claim itself.
    with stop_signals(armed=False) as stop:
        claim = operation_claim(operation, worker=own_identity(), now=timezone.now())
        row = operation_of(operation)
        key = "" if row.requested_by_id is None else str(row.requested_by_id)
        with acting(Actor(row.requested_by_name, key)):
            return _run(row, claim, stop)


def _run(row: Operation, claim: OperationClaim, stop: StopSignals) -> str:
    tracker = Tracker()
    heartbeat = Heartbeat(OperationPulse(claim), tracker, stop)
    try:
        stop.arm()
        with heartbeat:
            done = WORKS[row.kind](Work(row, claim, tracker, heartbeat, stop))
        stop.disarm()
        write_end(lambda: _finish(claim, done), "The work is done.", of="operation")
    except (LeaseLost, RestoreUnfinished):
        # The row stays RUNNING: recovery completes the restore, and then ends the operation.
        raise
    except JobCancelled as error:
        # The heartbeat may know a more exact reason than the error of a nested part.
        reason = str(heartbeat.stop_error or error)
        # The restore first: a reader that sees the operation ended must see the restore ended, too.
        end_restore_row(row, reason, cancelled=True)
        write_end(lambda: operation_cancel(claim, reason, now=timezone.now()), reason, of="operation")
        remove_partial_folder(row)
        raise
    except BaseException as error:
        stop.disarm()
        failed = reason_of(error)
        end_restore_row(row, failed, cancelled=False)
        write_end(lambda: operation_fail(claim, failed, now=timezone.now()), failed, of="operation", after=error)
        remove_partial_folder(row)
        raise
    return OperationStatus.FAILED if done.error else OperationStatus.COMPLETED


def _finish(claim: OperationClaim, done: OperationResult) -> None:
    if done.error:
        operation_fail(claim, done.error, now=timezone.now(), result=done.result)
    else:
        operation_complete(claim, done.result, now=timezone.now())
