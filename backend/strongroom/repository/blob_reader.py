"""Read blobs from a repository. Every blob is authenticated, decompressed within limits, and hashed."""

from __future__ import annotations

from strongroom import compression
from strongroom.backends.base import FileHandle
from strongroom.errors import BackendError, Damaged, FileMissing
from strongroom.format.pack import PackedBlob
from strongroom.ids import BlobId, BlobKind, FileKind, StorageId, blob_id
from strongroom.repository import Repository
from strongroom.repository.damage import Damage, DamageKind
from strongroom.repository.index import Index
from strongroom.streams import Buffer

MAX_BLOB_SIZE = {BlobKind.DATA: 256 << 20, BlobKind.TREE: 2 << 30}
"""The maximum size of a blob's plaintext in bytes. Data blobs of all known writers have at most 70 MiB; a tree of ten
million entries has 3 GiB."""

_REMEDY = (
    "(`strongroom check --read-data` lists all damage. A new backup stores the content again if its source still has"
    " it. `strongroom repair packs --damaged` saves the intact blobs.)"
)


def open_blob(repository: Repository, blob: PackedBlob, sealed: Buffer) -> bytes:
    """Open and verify a sealed blob. Return its plaintext. Raises Damaged."""
    if blob.size > MAX_BLOB_SIZE[blob.kind]:
        raise Damaged(f"The blob {blob.id.hex()} has a stated size of {blob.size} bytes, more than the maximum.")
    body = repository.master.open(memoryview(sealed))
    plaintext = compression.decompress(body, blob.plain_length) if blob.plain_length else body
    if len(plaintext) != blob.size:
        raise Damaged(f"The blob {blob.id.hex()} has {len(plaintext)} bytes instead of {blob.size}.")
    if blob_id(plaintext) != blob.id:
        raise Damaged(f"The content of the blob {blob.id.hex()} does not match its hash.")
    return plaintext


class BlobReader:
    """Read blobs by their ids. If a copy is damaged, read another one. Safe to share between threads."""

    def __init__(self, repository: Repository, index: Index) -> None:
        self.repository = repository
        self.index = index
        self.damage: dict[tuple[StorageId, BlobId | None], Damage] = {}
        """The copies that were found damaged, even if another copy is intact."""

    def read(self, kind: BlobKind, identity: BlobId) -> bytes:
        """Return the plaintext of a blob. Raises Damaged, which names every copy that was tried."""
        failures = []
        for pack, blob in self.index.find(kind, identity):
            try:
                return self._read_copy(pack, blob)
            except Damaged as error:
                self.damage[pack, identity] = Damage(
                    pack, DamageKind.BLOB, identity.hex(), kind.name.lower(), str(error)
                )
                failures.append(f"pack {pack[:8]}: {error}")
            except BackendError as error:
                if isinstance(error, FileMissing):
                    self.damage[pack, None] = Damage(pack, DamageKind.MISSING, reason=str(error))
                failures.append(f"pack {pack[:8]}: {error}")
        where = "; ".join(failures) or "it is in no index"
        raise Damaged(f"The {kind.name.lower()} blob {identity.hex()} cannot be read: {where} {_REMEDY}")

    def has_spare(self, pack: StorageId, blob: PackedBlob) -> bool:
        """Return whether another pack holds a readable copy of this blob."""
        for other, copy in self.index.find(blob.kind, blob.id):
            if other != pack:
                try:
                    self._read_copy(other, copy)
                except (Damaged, BackendError):
                    continue
                return True
        return False

    def is_whole(self, pack: StorageId, kind: BlobKind, identity: BlobId) -> bool:
        """Return whether the copy in this pack can be read. Raises BackendError."""
        for other, copy in self.index.find(kind, identity):
            if other == pack:
                try:
                    self._read_copy(other, copy)
                except Damaged:
                    return False
                return True
        return False

    def _read_copy(self, pack: StorageId, blob: PackedBlob) -> bytes:
        sealed = self.repository.backend.load_range(FileHandle(FileKind.PACK, pack), blob.offset, blob.length)
        return open_blob(self.repository, blob, sealed)
