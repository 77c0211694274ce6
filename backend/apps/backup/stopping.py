"""What ends a job before its work is done: a signal, somebody's wish, its time limit.

All three arrive in the main thread as a `JobCancelled` raised wherever it is at work, so that locks and working folders
are removed on the way out.
"""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class JobCancelled(BaseException):
    """The process was told to stop. No `Exception`: nothing on the way may take it for a failure of its own."""


class CancelRequested(JobCancelled):
    """Somebody asked for the end of this job."""


class TimeIsUp(JobCancelled):
    """The job took longer than it may."""


class StopSignals:
    """What the handlers know: whether anything may still end the work, and why it is to end."""

    def __init__(self, *, watched: bool) -> None:
        self._armed = True
        self._watched = watched
        self._reason: JobCancelled | None = None

    def disarm(self) -> None:
        """From here on the result is being written down, and a signal changes nothing any more."""
        self._armed = False

    def interrupt(self, reason: JobCancelled) -> bool:
        """Have the main thread raise `reason`, from another thread. False where that thread has other work."""
        if not self._watched:
            return False
        self._reason = reason
        if self._armed:
            # A signal, because it also ends a system call that the main thread may be waiting in.
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
        return True

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Raise `JobCancelled` for the first signal; later ones must not break the tidying up."""
        if self._armed:
            self._armed = False
            raise self._reason or JobCancelled(f"The job was stopped by {signal.Signals(number).name}.")


@contextlib.contextmanager
def stop_signals() -> Iterator[StopSignals]:
    """While the block runs, SIGTERM and SIGINT raise `JobCancelled` in it. Outside of the main thread they do not."""
    if threading.current_thread() is not threading.main_thread():
        yield StopSignals(watched=False)
        return
    stop = StopSignals(watched=True)
    previous = {number: signal.signal(number, stop.handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
