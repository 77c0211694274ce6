"""The thread that keeps a job's lease and writes its progress, on a database connection of its own."""

import threading
import time
from types import TracebackType

from django.db import connections
from django.utils import timezone

from .errors import LeaseLost, LedgerError, LedgerUnavailable
from .ledger import ledger_alias
from .progress import Observer, Progress, Tracker
from .services.jobs import LEASE, Claim, job_heartbeat, job_progress

_TICK_SECONDS = 1.0
_QUIET_SECONDS = 15.0


class Heartbeat:
    """A context manager around the work. `check` raises as soon as the work is known to be in vain."""

    def __init__(self, claim: Claim, tracker: Tracker, observer: Observer | None = None) -> None:
        self._claim = claim
        self._tracker = tracker
        self._observer = observer
        self._stop = threading.Event()
        self._verdict: LedgerError | None = None
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
        """Raise `LeaseLost` if the job is no longer ours, `LedgerUnavailable` if the ledger was away a whole lease."""
        if self._verdict is not None:
            raise self._verdict

    def _beat(self) -> None:
        try:
            last_alive = time.monotonic()
            written: Progress | None = None
            while not self._stop.wait(_TICK_SECONDS):
                progress = self._tracker.now()
                if self._observer is not None:
                    self._observer(progress)
                moved = _counts(progress) != _counts(written)
                if not moved and time.monotonic() - last_alive < _QUIET_SECONDS:
                    continue
                try:
                    self._write(progress if moved else None)
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
        finally:
            connections[ledger_alias()].close()

    def _write(self, progress: Progress | None) -> None:
        now = timezone.now()
        if progress is None:
            job_heartbeat(self._claim, now=now)
        else:
            job_progress(self._claim, progress.to_json(), now=now)


def _counts(progress: Progress | None) -> tuple[str, int, int] | None:
    return None if progress is None else (progress.phase, progress.files_done, progress.bytes_done)
