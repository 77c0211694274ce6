"""SIGTERM and SIGINT end a job as CANCELLED, with its locks and working folders removed."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class JobCancelled(BaseException):
    """The process was told to stop. No `Exception`: nothing on the way may take it for a failure of its own."""


class StopSignals:
    """What the handlers know: whether a signal may still end the work."""

    def __init__(self) -> None:
        self._armed = True

    def disarm(self) -> None:
        """From here on the result is being written down, and a signal changes nothing any more."""
        self._armed = False

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Raise `JobCancelled` for the first signal; later ones must not break the tidying up."""
        if self._armed:
            self._armed = False
            raise JobCancelled(f"The job was stopped by {signal.Signals(number).name}.")


@contextlib.contextmanager
def stop_signals() -> Iterator[StopSignals]:
    """While the block runs, SIGTERM and SIGINT raise `JobCancelled` in it. Outside of the main thread they do not."""
    stop = StopSignals()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    previous = {number: signal.signal(number, stop.handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
