"""How far a prune is: told from one thread, not too often."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

_INTERVAL = 0.2


@dataclasses.dataclass(frozen=True, slots=True)
class PruneProgress:
    """What is being done, in words, and to how many things and bytes so far; `bytes_total` where it is known."""

    doing: str
    done: int
    bytes_done: int
    bytes_total: int | None


class Teller:
    """Passes progress on to whoever wants to know."""

    def __init__(self, listener: Callable[[PruneProgress], None] | None) -> None:
        self._listener = listener
        self._told = 0.0

    def tell(self, doing: str, done: int, bytes_done: int, bytes_total: int | None = None) -> None:
        """Once in a while."""
        now = time.monotonic()
        if self._listener and now - self._told >= _INTERVAL:
            self._told = now
            self._listener(PruneProgress(doing, done, bytes_done, bytes_total))
