"""Refuse a snapshot that repeats its folders without end, as a zip bomb does.

A folder is stored once, however often a snapshot holds it. Sixty folders that each hold the next one twice take a few
kilobytes, but have more paths than can ever be listed.
"""

from __future__ import annotations

from typing import Final

from strongroom.errors import Damaged
from strongroom.ids import BlobId, BlobKind
from strongroom.repository import Index
from strongroom.repository.blob_set import BlobSet

FREE: Final = 1_000_000
"""Entries of a walk up to which repetition is not checked."""
MOST_TIMES: Final = 1000
"""Entries of a walk for each stored entry, on average: a thousand copies of everything."""


class ExpansionLimit:
    """Count the entries of one walk through a snapshot, and how many of them are stored."""

    def __init__(self, index: Index, snapshot: str) -> None:
        self._seen = BlobSet(index)
        self._snapshot = snapshot
        self._met = self._stored = 0

    def enter(self, tree: BlobId | None, entries: int) -> None:
        """Count a folder with `entries` entries. Raises Damaged if the walk would have no end."""
        self._met += entries + 1
        if tree is not None and self._seen.add(BlobKind.TREE, tree):
            self._stored += entries + 1
        if self._met > FREE and self._met > MOST_TIMES * self._stored:
            raise Damaged(
                f"Snapshot {self._snapshot[:8]} repeats its folders without end: {self._met:,} entries so far come from"
                f" only {self._stored:,} stored ones. It was made to fill a disk, or is damaged. Use another snapshot."
            )
