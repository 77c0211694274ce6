"""The progress of a job: the work counts it, other threads read and write or show it."""

import dataclasses
import threading
import time
from collections.abc import Callable


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a job at one time. Counts are those of the phase; total, rate and ETA are None if unknown."""

    phase: str
    files_done: int = 0
    bytes_done: int = 0
    bytes_total: int | None = None
    bytes_per_second: float | None = None
    eta_seconds: float | None = None

    def to_json(self) -> dict[str, object]:
        """Return the form for the job's row."""
        values = dataclasses.asdict(self)
        for name in ("bytes_per_second", "eta_seconds"):
            if values[name] is not None:
                values[name] = round(values[name])
        return values


Observer = Callable[[Progress], None]
"""Called at most once a second, from a thread of its own."""


class Tracker:
    """A thread-safe counter of progress, cheap enough to be called for every chunk."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._phase = "starting"
        self._since = time.monotonic()
        self._files = 0
        self._bytes = 0
        self._total: int | None = None

    def begin(self, phase: str, *, total_bytes: int | None = None) -> None:
        """Begin a new phase with its counts at zero."""
        with self._lock:
            self._phase, self._since = phase, time.monotonic()
            self._files, self._bytes, self._total = 0, 0, total_bytes

    def reached(self, *, bytes_done: int, files: int = 0, total_bytes: int | None = None) -> None:
        """Set the counts of the phase, from its beginning; also its total, once it is known."""
        with self._lock:
            self._files, self._bytes = files, bytes_done
            if total_bytes is not None:
                self._total = total_bytes

    def now(self) -> Progress:
        """Return the present counts with the mean rate of the phase."""
        with self._lock:
            elapsed = time.monotonic() - self._since
            rate = self._bytes / elapsed if elapsed > 0 and self._bytes else None
            # A total is an estimate made before reading. Work beyond it shows that the estimate was wrong.
            total = self._total if self._total is not None and self._total >= self._bytes else None
            eta = (total - self._bytes) / rate if total is not None and rate else None
            return Progress(self._phase, self._files, self._bytes, total, rate, eta)
