"""The thread that keeps a job's lease, writes its progress and log, and hears when the job is to stop.

It has a database connection of its own.
"""

import threading
import time
from datetime import timedelta
from types import TracebackType

from django.db import connections
from django.utils import timezone

from .errors import LeaseLost, LedgerUnavailable
from .ledger import ledger_alias
from .progress import Observer, Progress, Tracker
from .services.events import job_event
from .services.jobs import Claim, job_cancel_reason, job_heartbeat, job_progress
from .services.reaping import LEASE
from .stopping import CancelRequested, StopSignals, TimeIsUp

_TICK_SECONDS = 1.0
_QUIET_SECONDS = 15.0
_JUMP_SECONDS = 5.0


class Heartbeat:
    """A context manager around the work. `check` raises as soon as the work is known to be in vain.

    `limit` is how long the job may run from now on; `stop` is told when that time is over or somebody cancels the job.
    """

    def __init__(
        self,
        claim: Claim,
        tracker: Tracker,
        stop: StopSignals,
        *,
        limit: timedelta | None = None,
        observer: Observer | None = None,
    ) -> None:
        self._claim = claim
        self._tracker = tracker
        self._observer = observer
        self._signals = stop
        self._limit = limit
        # Not the clock on the wall: that may jump.
        self._ends = None if limit is None else time.monotonic() + limit.total_seconds()
        self._stop = threading.Event()
        self._verdict: BaseException | None = None
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat-{claim.job}", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def check(self) -> None:
        """Raise what ends the work.

        `LeaseLost` if the job is no longer ours, `LedgerUnavailable` if the ledger was away a whole lease, a
        `JobCancelled` if the job is to stop.
        """
        if self._verdict is not None:
            raise self._verdict

    def _beat(self) -> None:
        try:
            last_alive = time.monotonic()
            clocks = time.time() - last_alive
            written: Progress | None = None
            while not self._stop.wait(_TICK_SECONDS):
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
                    reason = job_cancel_reason(self._claim)
                    if reason is not None:
                        self._interrupt(CancelRequested(reason))
                        return
                    if quiet:
                        continue
                    self._write(progress if moved else None)
                    if written is None or written.phase != progress.phase:
                        job_event(self._claim.job, f"{progress.phase.capitalize()}.", now=timezone.now())
                except LeaseLost as error:
                    self._verdict = error
                    return
                except LedgerUnavailable as error:
                    # A database may be restarted or busy; after a whole lease of silence we count as dead to others.
                    if time.monotonic() - last_alive > LEASE.total_seconds():
                        self._verdict = error
                        return
                    continue
                last_alive, written = time.monotonic(), progress
                clocks = time.time() - last_alive
        finally:
            connections[ledger_alias()].close()

    def _interrupt(self, reason: CancelRequested | TimeIsUp) -> None:
        # Said twice: what a signal raises is lost where Python cannot raise it, in a destructor for example.
        self._verdict = reason
        self._signals.interrupt(reason)

    def _write(self, progress: Progress | None) -> None:
        now = timezone.now()
        if progress is None:
            job_heartbeat(self._claim, now=now)
        else:
            job_progress(self._claim, progress.to_json(), now=now)


def _counts(progress: Progress | None) -> tuple[str, int, int] | None:
    return None if progress is None else (progress.phase, progress.files_done, progress.bytes_done)
