"""Early ends of a job: by a signal, by a request of a user, or by its time limit.

All three reach the main thread as a `JobCancelled`, raised at any point of its work, so that locks and working folders
are removed on the way out.
"""

import contextlib
import enum
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class JobCancelled(BaseException):
    """The process was told to stop. It is no `Exception`, so that no handler on the way takes it for a failure."""


class CancelRequested(JobCancelled):
    """A user requested the end of this job."""


class TimeIsUp(JobCancelled):
    """The job reached its time limit."""


class _State(enum.Enum):
    WAITING = enum.auto()
    ARMED = enum.auto()
    OVER = enum.auto()


class StopSignals:
    """The state of the signal handlers: whether a signal may end the work now, and the reason once it is to end."""

    def __init__(self, *, watched: bool, armed: bool) -> None:
        self._state = _State.ARMED if armed else _State.WAITING
        self._watched = watched
        self._reason: JobCancelled | None = None

    def defer(self) -> None:
        """Make signals wait for `arm`: the step that follows must not be interrupted."""
        if self._state is _State.ARMED:
            self._state = _State.WAITING

    def arm(self) -> None:
        """Let signals end the work from now on. Raises `JobCancelled` if one has waited."""
        if self._state is not _State.WAITING:
            return
        self._state = _State.ARMED
        if self._reason is not None:
            self._state = _State.OVER
            raise self._reason

    def disarm(self) -> None:
        """Ignore signals from now on: the result is being written."""
        self._state = _State.OVER

    def interrupt(self, reason: JobCancelled) -> None:
        """Make the main thread raise `reason`; called from another thread.

        Does nothing if `stop_signals` was entered outside of the main thread, or after the end of the work.
        """
        if not self._watched or self._state is _State.OVER:
            return
        self._reason = reason
        if self._state is _State.ARMED:
            # A signal, because it also ends a system call that the main thread may be waiting in.
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Raise `JobCancelled` for the first signal; later ones must not interrupt the clean-up."""
        reason = self._reason or JobCancelled(f"The job was stopped by {signal.Signals(number).name}.")
        if self._state is _State.WAITING:
            self._reason = reason
        elif self._state is _State.ARMED:
            self._state = _State.OVER
            raise reason


@contextlib.contextmanager
def stop_signals(*, armed: bool = True) -> Iterator[StopSignals]:
    """Turn SIGTERM and SIGINT into a `JobCancelled` while the block runs; if not `armed`, from a call of `arm` on.

    Outside of the main thread signals are not handled.
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
