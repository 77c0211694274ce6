"""Tell a snapshot that repeats its folders without end from a large one.

A folder is stored once, however often a snapshot holds it. Sixty folders of which each holds the next one twice are a
few kilobytes, and more paths than anybody could ever list.
"""

from __future__ import annotations

from typing import Final

from strongroom.errors import Damaged
from strongroom.ids import BlobId, BlobKind
from strongroom.repository import Index
from strongroom.repository.blob_set import BlobSet

FREE: Final = 1_000_000
"""Entries up to which nobody asks how often folders are repeated."""
MOST_TIMES: Final = 1000
"""How many entries of a walk may come from one that is stored, on average: a thousand copies of everything."""


class Expansion:
    """What one walk through a snapshot has met, and how much of that is stored."""

    def __init__(self, index: Index, snapshot: str) -> None:
        self._seen = BlobSet(index)
        self._snapshot = snapshot
        self._met = self._stored = 0

    def enter(self, tree: BlobId | None, entries: int) -> None:
        """The walk goes into a folder with so many entries. Raises Damaged when it would have no end."""
        self._met += entries + 1
        if tree is not None and self._seen.add(BlobKind.TREE, tree):
            self._stored += entries + 1
        if self._met > FREE and self._met > MOST_TIMES * self._stored:
            raise Damaged(
                f"Snapshot {self._snapshot[:8]} repeats its folders so often that it has no end: {self._met:,} entries"
                f" so far come from {self._stored:,} that are stored. It was made to fill a disk, or is damaged."
            )
