"""What every kind of work is given, and what comes of it."""

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
    """What came of an operation: plain values; `error` says what was not done, where not all was."""

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
        """To be called now and then; raises what ends the work."""
        self.heartbeat.check()

    @contextlib.contextmanager
    def point_of_no_return(self) -> Iterator[None]:
        """The database that holds the ledger is exchanged in the block: from here on nothing stops us any more, and
        nobody of this process writes to it. Raises `LeaseLost` if the operation is no longer ours, `CancelRequested`
        if somebody does not want it any more."""
        self.tick()
        self.stop.disarm()
        with self.heartbeat.silenced():
            self.tick()
            reason = operation_make_irrevocable(self.claim, now=timezone.now())
            if reason is not None:
                raise CancelRequested(reason)
            yield
