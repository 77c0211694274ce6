"""What every kind of database offers at the cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from strongroom.streams import Reader

from ..core.manifest import DatabaseRecord

Finished = Callable[[int, str], None]
"""Called with size and SHA-256 when a dump has been read to its end."""


@dataclass(frozen=True)
class DatabaseCut:
    """One database at its cut: what is known of it, and its dump as a stream that can be opened once.

    Size and hash in `record` are unknown (-1, "") until the stream has been read; `finished` receives them.
    """

    record: DatabaseRecord
    open_dump: Callable[[Finished], Reader]
    size_hint: int | None = None
    position: str = ""
    """What the server calls the state of the cut, to be compared with later; "" where it has no name for it."""
