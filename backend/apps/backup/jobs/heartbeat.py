"""The thread that renews the lease of a running job or operation, writes its progress, and stops it on request.

It has a database connection of its own.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from types import TracebackType
from typing import Protocol

from django.db import connections
from django.utils import timezone

from ..core.cancellation import CancelRequested, StopSignals, TimeIsUp
from ..core.progress import Observer, Progress, Tracker
from ..errors import LeaseLost, LedgerUnavailable
from ..ledger import close_ledger_file, ledger_alias, renew_connection
from ..services.dead_jobs import LEASE
from ..services.job_log import job_event
from ..services.jobs import Claim, job_cancel_reason, job_heartbeat, job_progress

_TICK_SECONDS = 1.0
_QUIET_SECONDS = 15.0
_JUMP_SECONDS = 5.0


class Pulse(Protocol):
    """The heartbeat's access to the row of its work. All methods raise `LedgerUnavailable`."""

    @property
    def name(self) -> str:
        """The name of the work, for its thread."""
        ...

    def cancel_reason(self) -> str | None:
        """Return the reason why the work must stop, or None."""
        ...

    def beat(self, progress: Progress | None) -> None:
        """Renew the lease, and write the progress if there is any. Raises `LeaseLost`."""
        ...

    def enter(self, phase: str) -> None:
        """Write that a phase has begun."""
        ...


class JobPulse:
    """The pulse of a job: its phases are lines of its log."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self.name = str(claim.job)

    def cancel_reason(self) -> str | None:
        return job_cancel_reason(self._claim)

    def beat(self, progress: Progress | None) -> None:
        if progress is None:
            job_heartbeat(self._claim, now=timezone.now())
        else:
            job_progress(self._claim, progress.to_json(), now=timezone.now())

    def enter(self, phase: str) -> None:
        job_event(self._claim.job, f"{phase.capitalize()}.", now=timezone.now())


class Heartbeat:
    """A context manager around the work. `check` raises as soon as the work must end.

    `limit` is the time limit from now on. `stop` is interrupted when the limit is reached or a user cancels the work.
    """

    def __init__(
        self,
        pulse: Pulse,
        tracker: Tracker,
        stop: StopSignals,
        *,
        limit: timedelta | None = None,
        observer: Observer | None = None,
    ) -> None:
        self._pulse = pulse
        self._tracker = tracker
        self._observer = observer
        self._signals = stop
        self._limit = limit
        # Monotonic, because the system's clock may jump.
        self._ends = None if limit is None else time.monotonic() + limit.total_seconds()
        self._stop = False
        self._wake = threading.Event()
        self._pause_requested = threading.Event()
        self._is_paused = threading.Event()
        self.stop_error: BaseException | None = None
        """The error that `check` raises, once the work must end."""
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat-{pulse.name}", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop = True
        self._wake.set()
        self._thread.join()

    def check(self) -> None:
        """Raise the error that ends the work, if there is one.

        `LeaseLost` if another process decided about the work, `LedgerUnavailable` if the catalogue was unavailable for
        a whole lease, a `JobCancelled` if the work must stop.
        """
        if self.stop_error is not None:
            raise self.stop_error

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Pause the thread and close its connection while the block runs, which swaps the catalogue's database."""
        self._is_paused.clear()
        self._pause_requested.set()
        self._wake.set()
        while self._thread.is_alive() and not self._is_paused.wait(_TICK_SECONDS):
            continue
        try:
            yield
        finally:
            self._pause_requested.clear()

    def _beat(self) -> None:
        try:
            last_alive = time.monotonic()
            clocks = time.time() - last_alive
            written: Progress | None = None
            while not self._stopped():
                if self._pause_requested.is_set():
                    connections[ledger_alias()].close()
                    self._is_paused.set()
                    # A requested pause does not count as a time without the catalogue.
                    last_alive = time.monotonic()
                    continue
                progress = self._tracker.now()
                if self._observer is not None:
                    self._observer(progress)
                if self._ends is not None and time.monotonic() > self._ends:
                    self._interrupt(TimeIsUp(f"The job was stopped after its time limit of {self._limit}."))
                    return
                moved = _counts(progress) != _counts(written)
                # After the machine has slept, or its clock was set, the lease looks expired to other processes.
                jumped = abs(time.time() - time.monotonic() - clocks) > _JUMP_SECONDS
                quiet = not moved and not jumped and time.monotonic() - last_alive < _QUIET_SECONDS
                try:
                    close_ledger_file()
                    reason = self._pulse.cancel_reason()
                    if reason is not None:
                        self._interrupt(CancelRequested(reason))
                        return
                    if quiet:
                        continue
                    self._pulse.beat(progress if moved else None)
                    if written is None or written.phase != progress.phase:
                        self._pulse.enter(progress.phase)
                except LeaseLost as error:
                    self.stop_error = error
                    return
                except LedgerUnavailable as error:
                    # A database may restart or be busy. After a whole lease without a heartbeat the job counts as dead.
                    if time.monotonic() - last_alive > LEASE.total_seconds():
                        self.stop_error = error
                        return
                    # A broken connection stays broken.
                    renew_connection()
                    continue
                last_alive, written = time.monotonic(), progress
                clocks = time.time() - last_alive
        finally:
            connections[ledger_alias()].close()

    def _stopped(self) -> bool:
        """Wait for the next tick, or until woken, and return whether the work has ended."""
        self._wake.wait(_TICK_SECONDS)
        self._wake.clear()
        return self._stop

    def _interrupt(self, reason: CancelRequested | TimeIsUp) -> None:
        # `check` raises it, too: Python ignores an error of a signal's handler in a destructor, for example.
        self.stop_error = reason
        self._signals.interrupt(reason)


def _counts(progress: Progress | None) -> tuple[str, int, int] | None:
    return None if progress is None else (progress.phase, progress.files_done, progress.bytes_done)
