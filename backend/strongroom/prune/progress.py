"""Progress of a prune, reported from one thread at most five times a second."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

_INTERVAL = 0.2


@dataclasses.dataclass(frozen=True, slots=True)
class PruneProgress:
    """The current step in words, with the number of finished items and bytes; `bytes_total` if it is known."""

    doing: str
    done: int
    bytes_done: int
    bytes_total: int | None


class ProgressReporter:
    """Calls the listener with the progress, at most every 0.2 seconds."""

    def __init__(self, listener: Callable[[PruneProgress], None] | None) -> None:
        self._listener = listener
        self._reported = 0.0

    def report(self, doing: str, done: int, bytes_done: int, bytes_total: int | None = None) -> None:
        """Report the progress, unless the last report was less than 0.2 seconds ago."""
        now = time.monotonic()
        if self._listener and now - self._reported >= _INTERVAL:
            self._reported = now
            self._listener(PruneProgress(doing, done, bytes_done, bytes_total))
