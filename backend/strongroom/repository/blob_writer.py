"""Write blobs to a repository: deduplicate, compress, seal, pack, and index them when their pack is durable.

The format requires this order of writes: a pack before the index file that names it, and both before a snapshot. A
crash leaves packs in no index, or indexed blobs that no snapshot needs, but never a snapshot with missing blobs.
"""

from __future__ import annotations

import dataclasses
import hashlib
import threading
import time
from types import TracebackType

from strongroom import compression
from strongroom.backends.base import FileHandle
from strongroom.crypto import OVERHEAD
from strongroom.format.index import encode_index
from strongroom.format.pack import MAX_ENTRIES, PackedBlob, encode_header, encode_length
from strongroom.ids import BlobId, BlobKind, FileKind, StorageId, blob_id
from strongroom.repository import Repository
from strongroom.repository.index import Index
from strongroom.streams import Buffer

PACK_SIZE = 16 << 20
"""The size in bytes from which a pack is complete: restic's default, so that its prune does not repack our packs."""
INDEX_BLOBS = 50_000
"""The number of blobs from which an index file is complete."""
_INDEX_SECONDS = 10 * 60


@dataclasses.dataclass(slots=True)
class Written:
    """Statistics of the added blobs: their number by kind, their size before and after compression and sealing."""

    data_blobs: int = 0
    tree_blobs: int = 0
    plain_bytes: int = 0
    stored_bytes: int = 0


class _OpenPack:
    """A pack that is being filled."""

    def __init__(self) -> None:
        self.blobs: list[PackedBlob] = []
        self.parts: list[Buffer] = []
        self.size = 0

    def add(self, kind: BlobKind, identity: BlobId, sealed: Buffer, plain_length: int) -> None:
        self.blobs.append(PackedBlob(kind, identity, self.size, len(sealed), plain_length))
        self.parts.append(sealed)
        self.size += len(sealed)

    @property
    def full(self) -> bool:
        return self.size >= PACK_SIZE or len(self.blobs) >= MAX_ENTRIES


class BlobWriter:
    """Store blobs. A context manager: leaving it without an error stores the last packs and the index.

    `store` may be called from many threads at once. As soon as one thread begins to store a blob, the others treat it
    as stored. If that thread fails, the whole writer fails, and no snapshot may be stored.
    """

    def __init__(self, repository: Repository, index: Index, *, compress: bool = True) -> None:
        repository.require_writable()
        self.repository = repository
        self.index = index
        self.written = Written()
        self.packs: list[StorageId] = []
        """The packs that this writer has stored."""
        self._compress = compress
        self._guard = threading.Lock()
        self._open = {kind: _OpenPack() for kind in BlobKind}
        self._pending: set[tuple[BlobKind, BlobId]] = set()
        self._unindexed: list[tuple[StorageId, list[PackedBlob]]] = []
        self._unindexed_blobs = 0
        self._index_due = time.monotonic() + _INDEX_SECONDS

    def __enter__(self) -> BlobWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.flush()

    def store(self, kind: BlobKind, plaintext: Buffer, *, identity: BlobId | None = None) -> BlobId:
        """Store a blob and return its id, computed unless given. The blob is durable after `flush`."""
        identity = identity or blob_id(plaintext)
        if self._take_on(kind, identity):
            sealed, plain_length = self._seal(kind, plaintext)
            self._pack(kind, identity, sealed, plain_length)
        return identity

    def store_sealed(self, blob: PackedBlob, sealed: Buffer) -> None:
        """Store a sealed blob from another pack of the repository. The caller has verified it."""
        if self._take_on(blob.kind, blob.id):
            self._pack(blob.kind, blob.id, sealed, blob.plain_length)

    def _take_on(self, kind: BlobKind, identity: BlobId) -> bool:
        with self._guard:
            if (kind, identity) in self._pending or (kind, identity) in self.index:
                return False
            self._pending.add((kind, identity))
            return True

    def _pack(self, kind: BlobKind, identity: BlobId, sealed: Buffer, plain_length: int) -> None:
        full = self._add(kind, identity, sealed, plain_length)
        if full:
            self._store_pack(full)

    def _seal(self, kind: BlobKind, plaintext: Buffer) -> tuple[bytearray, int]:
        seal = self.repository.master.seal
        # An empty blob cannot be marked as compressed. Trees are always compressed, data if requested and smaller.
        if plaintext and (self._compress or kind is BlobKind.TREE):
            compressed = compression.compress(plaintext)
            if kind is BlobKind.TREE or len(compressed) < len(plaintext):
                return seal(compressed), len(plaintext)
        return seal(plaintext), 0

    def _add(self, kind: BlobKind, identity: BlobId, sealed: Buffer, plain_length: int) -> _OpenPack | None:
        with self._guard:
            pack = self._open[kind]
            pack.add(kind, identity, sealed, plain_length)
            if kind is BlobKind.TREE:
                self.written.tree_blobs += 1
            else:
                self.written.data_blobs += 1
            self.written.plain_bytes += plain_length or len(sealed) - OVERHEAD
            self.written.stored_bytes += len(sealed)
            if not pack.full:
                return None
            self._open[kind] = _OpenPack()
            return pack

    def _store_pack(self, pack: _OpenPack) -> None:
        header = self.repository.master.seal(encode_header(pack.blobs))
        parts = [*pack.parts, header, encode_length(len(header))]
        digest = hashlib.sha256()
        for part in parts:
            digest.update(part)
        name = StorageId(digest.hexdigest())
        self.repository.backend.save(FileHandle(FileKind.PACK, name), parts)
        with self._guard:
            # Index first, pending second: the blob is always in one of them.
            self.index.add(name, pack.blobs)
            self._pending.difference_update((blob.kind, blob.id) for blob in pack.blobs)
            self.packs.append(name)
            self._unindexed.append((name, pack.blobs))
            self._unindexed_blobs += len(pack.blobs)
            due = self._unindexed_blobs >= INDEX_BLOBS or time.monotonic() >= self._index_due
            ready = self._take_unindexed() if due else []
        self._store_index(ready)

    def _take_unindexed(self) -> list[tuple[StorageId, list[PackedBlob]]]:
        ready, self._unindexed, self._unindexed_blobs = self._unindexed, [], 0
        self._index_due = time.monotonic() + _INDEX_SECONDS
        return ready

    def _store_index(self, packs: list[tuple[StorageId, list[PackedBlob]]]) -> None:
        if packs:
            self.repository.save_file(FileKind.INDEX, encode_index(packs))

    def flush(self) -> None:
        """Store the open packs and the index of all stored packs. No other thread may store meanwhile."""
        for kind in BlobKind:
            pack, self._open[kind] = self._open[kind], _OpenPack()
            if pack.blobs:
                self._store_pack(pack)
        with self._guard:
            ready = self._take_unindexed()
        self._store_index(ready)
