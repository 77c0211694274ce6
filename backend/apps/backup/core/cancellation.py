"""What ends a job before its work is done: a signal, somebody's wish, its time limit.

All three arrive in the main thread as a `JobCancelled` raised wherever it is at work, so that locks and working folders
are removed on the way out.
"""

import contextlib
import enum
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


class _State(enum.Enum):
    WAITING = enum.auto()
    ARMED = enum.auto()
    OVER = enum.auto()


class StopSignals:
    """What the handlers know: whether anything may end the work by now, or still, and why it is to end."""

    def __init__(self, *, watched: bool, armed: bool) -> None:
        self._state = _State.ARMED if armed else _State.WAITING
        self._watched = watched
        self._reason: JobCancelled | None = None

    def defer(self) -> None:
        """From here on a signal waits for `arm`: what is being done is either done or not, and nothing in between."""
        if self._state is _State.ARMED:
            self._state = _State.WAITING

    def arm(self) -> None:
        """From here on a signal ends the work; raises `JobCancelled` if one has waited."""
        if self._state is not _State.WAITING:
            return
        self._state = _State.ARMED
        if self._reason is not None:
            self._state = _State.OVER
            raise self._reason

    def disarm(self) -> None:
        """From here on the result is being written down, and a signal changes nothing any more."""
        self._state = _State.OVER

    def interrupt(self, reason: JobCancelled) -> None:
        """Have the main thread raise `reason`, from another thread; nothing where that thread has other work."""
        if not self._watched or self._state is _State.OVER:
            return
        self._reason = reason
        if self._state is _State.ARMED:
            # A signal, because it also ends a system call that the main thread may be waiting in.
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Raise `JobCancelled` for the first signal; later ones must not break the tidying up."""
        reason = self._reason or JobCancelled(f"The job was stopped by {signal.Signals(number).name}.")
        if self._state is _State.WAITING:
            self._reason = reason
        elif self._state is _State.ARMED:
            self._state = _State.OVER
            raise reason


@contextlib.contextmanager
def stop_signals(*, armed: bool = True) -> Iterator[StopSignals]:
    """While the block runs, SIGTERM and SIGINT raise `JobCancelled` in it; without `armed` from `arm` on.

    Outside of the main thread they do not.
    """
    if threading.current_thread() is not threading.main_thread():
        yield StopSignals(watched=False, armed=armed)
        return
    stop = StopSignals(watched=True, armed=armed)
    previous = {number: signal.signal(number, stop.handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
