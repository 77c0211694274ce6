"""The thread that keeps the lease of what is at work, writes its progress, and hears when it is to stop.

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
    """What the ledger is told of somebody's work, and asked about it. All raise `LedgerUnavailable`."""

    @property
    def name(self) -> str:
        """Of the work, for the thread."""
        ...

    def cancel_reason(self) -> str | None:
        """Why the work is to stop, or None while it is not."""
        ...

    def beat(self, progress: Progress | None) -> None:
        """A sign of life, with the progress if there is any. Raises `LeaseLost`."""
        ...

    def enter(self, phase: str) -> None:
        """A phase has begun."""
        ...


class JobPulse:
    """Of a job: its phases are lines of its log."""

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
    """A context manager around the work. `check` raises as soon as the work is known to be in vain.

    `limit` is how long it may take from now on; `stop` is told when that time is over or somebody cancels the work.
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
        # Not the clock on the wall: that may jump.
        self._ends = None if limit is None else time.monotonic() + limit.total_seconds()
        self._stop = False
        self._wake = threading.Event()
        self._hush = threading.Event()
        self._silent = threading.Event()
        self.verdict: BaseException | None = None
        """What `check` raises, once there is anything."""
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
        """Raise what ends the work.

        `LeaseLost` if it is no longer ours, `LedgerUnavailable` if the ledger was away a whole lease, a `JobCancelled`
        if it is to stop.
        """
        if self.verdict is not None:
            raise self.verdict

    @contextlib.contextmanager
    def silenced(self) -> Iterator[None]:
        """While the block runs the thread says nothing and has no connection: the ledger's database is exchanged."""
        self._silent.clear()
        self._hush.set()
        self._wake.set()
        while self._thread.is_alive() and not self._silent.wait(_TICK_SECONDS):
            continue
        try:
            yield
        finally:
            self._hush.clear()

    def _beat(self) -> None:
        try:
            last_alive = time.monotonic()
            clocks = time.time() - last_alive
            written: Progress | None = None
            while not self._stopped():
                if self._hush.is_set():
                    connections[ledger_alias()].close()
                    self._silent.set()
                    # Silence that was wanted is no reason to take the ledger for lost.
                    last_alive = time.monotonic()
                    continue
                progress = self._tracker.now()
                if self._observer is not None:
                    self._observer(progress)
                if self._ends is not None and time.monotonic() > self._ends:
                    self._interrupt(TimeIsUp(f"The job was stopped after its time limit of {self._limit}."))
                    return
                moved = _counts(progress) != _counts(written)
                # After the machine has slept, or its clock was set, the lease looks expired to everybody else.
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
                    self.verdict = error
                    return
                except LedgerUnavailable as error:
                    # A database may be restarted or busy; after a whole lease of silence we count as dead to others.
                    if time.monotonic() - last_alive > LEASE.total_seconds():
                        self.verdict = error
                        return
                    # One that is broken stays so.
                    renew_connection()
                    continue
                last_alive, written = time.monotonic(), progress
                clocks = time.time() - last_alive
        finally:
            connections[ledger_alias()].close()

    def _stopped(self) -> bool:
        """Whether the work has ended; asked once a tick, or when there is something to do."""
        self._wake.wait(_TICK_SECONDS)
        self._wake.clear()
        return self._stop

    def _interrupt(self, reason: CancelRequested | TimeIsUp) -> None:
        # Said twice: what a signal raises is lost where Python cannot raise it, in a destructor for example.
        self.verdict = reason
        self._signals.interrupt(reason)


def _counts(progress: Progress | None) -> tuple[str, int, int] | None:
    return None if progress is None else (progress.phase, progress.files_done, progress.bytes_done)
