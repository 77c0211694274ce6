"""A set of the blobs of one index."""

from __future__ import annotations

from strongroom.ids import BlobId, BlobKind
from strongroom.repository.index import Index


class BlobSet:
    """A set of the blobs of one index. It takes one byte for each blob of the index."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._flags = bytearray(index.numbers)

    def add(self, kind: BlobKind, identity: BlobId) -> bool | None:
        """Add a blob. Return whether it is new; None if the index does not have it."""
        number = self._index.number(kind, identity)
        if number is None:
            return None
        new = not self._flags[number]
        self._flags[number] = 1
        return new

    def __contains__(self, number: int | None) -> bool:
        return number is not None and bool(self._flags[number])

    def missing_from(self, other: BlobSet) -> int:
        """Return the number of blobs that are not in another set of the same index."""
        left = int.from_bytes(self._flags, "big") & ~int.from_bytes(other._flags, "big")
        return left.bit_count()
