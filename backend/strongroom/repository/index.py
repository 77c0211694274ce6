"""The index in memory: the pack and offset of every blob of a repository."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Collection, Iterator, Sequence

from strongroom.format.pack import PackedBlob, pack_size
from strongroom.ids import BlobId, BlobKind, StorageId


class Index:
    """Maps blobs to their packs and offsets; about 170 bytes for each blob.

    Safe for several writers and many readers. The index keeps all copies of a blob, so that a reader can use another
    copy. A distrusted copy is still found, after all others, but does not count as stored.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._packs: list[StorageId] = []
        self._pack_numbers: dict[StorageId, int] = {}
        self._blob_counts: dict[StorageId, int] = {}
        self._pack_sizes: dict[StorageId, int] = {}
        self._rows: tuple[dict[BlobId, int], dict[BlobId, int]] = ({}, {})
        self._copies: dict[tuple[BlobKind, BlobId], list[int]] = {}
        self._pack = array("I")
        self._offset = array("I")
        self._length = array("I")
        self._plain_length = array("I")
        self._doubted_packs: set[int] = set()
        self._doubted_rows: set[int] = set()
        self.faults: list[str] = []
        """The faults that were met when the index was loaded, in words."""
        self.damaged_files: dict[StorageId, str] = {}
        """The index files that could not be read, with the reasons."""

    def __len__(self) -> int:
        """Return the number of different blobs."""
        return len(self._rows[0]) + len(self._rows[1])

    def __contains__(self, blob: tuple[BlobKind, BlobId]) -> bool:
        """Return whether a trusted copy of the blob is stored."""
        first = self._rows[blob[0]].get(blob[1])
        if first is None or not (self._doubted_packs or self._doubted_rows):
            return first is not None
        return any(self._trusted(row) for row in self._copies.get(blob) or [first])

    @property
    def numbers(self) -> int:
        """Return the limit of the blob numbers: all numbers are below it."""
        return len(self._pack)

    def number(self, kind: BlobKind, identity: BlobId) -> int | None:
        """Return the number of the blob in this index, the same for all its copies; None if it is not stored."""
        return self._rows[kind].get(identity)

    def blobs(self) -> Iterator[tuple[int, list[tuple[StorageId, PackedBlob]]]]:
        """Yield every blob once: its number and all its copies. No thread may add packs meanwhile."""
        for kind in BlobKind:
            for identity, number in self._rows[kind].items():
                yield number, self.find(kind, identity)

    @property
    def packs(self) -> Sequence[StorageId]:
        """Return all packs that hold blobs."""
        return self._packs

    def add(self, pack: StorageId, blobs: Sequence[PackedBlob]) -> None:
        """Add a stored pack. A pack that is already indexed is not changed."""
        with self._guard:
            if pack in self._pack_numbers:
                return
            number = self._pack_numbers[pack] = len(self._packs)
            self._packs.append(pack)
            self._blob_counts[pack] = len(blobs)
            self._pack_sizes[pack] = pack_size(blobs)
            for blob in blobs:
                row = len(self._pack)
                self._pack.append(number)
                self._offset.append(blob.offset)
                self._length.append(blob.length)
                self._plain_length.append(blob.plain_length)
                first = self._rows[blob.kind].setdefault(blob.id, row)
                if first != row:
                    self._copies.setdefault((blob.kind, blob.id), [first]).append(row)

    def find(self, kind: BlobKind, identity: BlobId) -> list[tuple[StorageId, PackedBlob]]:
        """Return all copies of a blob, distrusted ones last; empty if it is not stored."""
        first = self._rows[kind].get(identity)
        if first is None:
            return []
        rows = self._copies.get((kind, identity)) or [first]
        if len(rows) > 1 and (self._doubted_packs or self._doubted_rows):
            rows = sorted(rows, key=lambda row: not self._trusted(row))
        return [(self._packs[self._pack[row]], self._blob(kind, identity, row)) for row in rows]

    def size(self, kind: BlobKind, identity: BlobId) -> int | None:
        """Return the size of a blob's plaintext in bytes; None if it is not stored."""
        row = self._rows[kind].get(identity)
        return None if row is None else self._blob(kind, identity, row).size

    def first_pack(self, kind: BlobKind, identity: BlobId) -> StorageId | None:
        """Return the pack that a blob is read from; None if it is not stored."""
        places = self.find(kind, identity)
        return places[0][0] if places else None

    def blob_count(self, pack: StorageId) -> int:
        """Return the number of blobs in a pack; 0 for an unknown pack."""
        return self._blob_counts.get(pack, 0)

    def pack_size(self, pack: StorageId) -> int:
        """Return the expected size of a pack in bytes; 0 for an unknown pack."""
        return self._pack_sizes.get(pack, 0)

    def blobs_in(self, packs: Collection[StorageId]) -> dict[StorageId, list[PackedBlob]]:
        """Return the blobs of these packs in order of offset. Scans all blobs; no thread may add packs meanwhile."""
        found: dict[StorageId, list[PackedBlob]] = {pack: [] for pack in packs}
        numbers = {self._pack_numbers[pack] for pack in packs if pack in self._pack_numbers}
        if numbers:
            for kind in BlobKind:
                for identity, first in self._rows[kind].items():
                    for row in self._copies.get((kind, identity)) or (first,):
                        if self._pack[row] in numbers:
                            found[self._packs[self._pack[row]]].append(self._blob(kind, identity, row))
        for blobs in found.values():
            blobs.sort(key=lambda blob: blob.offset)
        return found

    def distrust(self, pack: StorageId, blob: tuple[BlobKind, BlobId] | None = None) -> None:
        """Treat a whole pack, or one blob's copy in it, as not stored. An unknown pack is ignored."""
        number = self._pack_numbers.get(pack)
        if number is None:
            return
        if blob is None:
            self._doubted_packs.add(number)
        elif (first := self._rows[blob[0]].get(blob[1])) is not None:
            rows = self._copies.get(blob) or [first]
            self._doubted_rows.update(row for row in rows if self._pack[row] == number)

    def _trusted(self, row: int) -> bool:
        return row not in self._doubted_rows and self._pack[row] not in self._doubted_packs

    def _blob(self, kind: BlobKind, identity: BlobId, row: int) -> PackedBlob:
        return PackedBlob(kind, identity, self._offset[row], self._length[row], self._plain_length[row])
