"""The context that each kind of operation works in, and its result."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator

from django.utils import timezone

from ..core.cancellation import CancelRequested, StopSignals
from ..core.progress import Tracker
from ..jobs.heartbeat import Heartbeat
from ..models import Operation
from ..services.operation_runs import OperationClaim, operation_make_irrevocable


@dataclasses.dataclass(frozen=True, slots=True)
class Done:
    """The result of an operation, as plain values. `error` says which part was not done."""

    result: dict[str, object]
    error: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """An operation that is ours to do."""

    operation: Operation
    claim: OperationClaim
    tracker: Tracker
    heartbeat: Heartbeat
    stop: StopSignals

    def tick(self) -> None:
        """Check the heartbeat; call it often. Raises the error that ends the work."""
        self.heartbeat.check()

    @contextlib.contextmanager
    def point_of_no_return(self) -> Iterator[None]:
        """Swap the database of the ledger in the block: cancellation is off, and this process does not write to it.

        Raises `LeaseLost` if the operation is no longer ours, `CancelRequested` if it was cancelled before.
        """
        self.tick()
        self.stop.disarm()
        with self.heartbeat.silenced():
            self.tick()
            reason = operation_make_irrevocable(self.claim, now=timezone.now())
            if reason is not None:
                raise CancelRequested(reason)
            yield
