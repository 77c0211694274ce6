"""The context of a running operation, and its result."""

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
class OperationResult:
    """The result of an operation, as plain values. `error` names the part that failed, if any."""

    result: dict[str, object]
    error: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """An operation that this process has claimed."""

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
        """Swap the database of the catalogue in the block: cancellation is off, and this process does not write to it.

        Raises `LeaseLost` if another process decided about the operation, `CancelRequested` if it was cancelled before.
        """
        self.tick()
        self.stop.disarm()
        with self.heartbeat.paused():
            self.tick()
            reason = operation_make_irrevocable(self.claim, now=timezone.now())
            if reason is not None:
                raise CancelRequested(reason)
            yield
