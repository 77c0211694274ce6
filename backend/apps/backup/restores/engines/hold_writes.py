"""Make other sessions wait with their writes, from the backup of the live state to the swap."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

from django.db.utils import Error as DatabaseFailure

from .registry import engine_of


@contextlib.contextmanager
def writers_held(aliases: Iterable[str]) -> Iterator[list[str]]:
    """Keep other sessions from writing to these databases until the end of the block, or until the swap ends them.

    Yields notes for the user. Some engines cannot hold writes. A lock that cannot be acquired is a note: the writes
    that happen nevertheless are counted.
    """
    notes: list[str] = []
    with contextlib.ExitStack() as stack:
        for alias in aliases:
            try:
                stack.enter_context(engine_of(alias).hold_writes(alias))
            except DatabaseFailure as error:
                notes.append(
                    f"other sessions of the database {alias!r} could write until the swap: its tables could not be"
                    f" locked ({str(error).strip().splitlines()[0]})"
                )
        yield notes
