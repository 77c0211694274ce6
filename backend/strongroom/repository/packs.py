"""Verify whole packs, and build an index from damaged parts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from strongroom.backends.base import FileHandle
from strongroom.errors import Damaged
from strongroom.format.pack import PackedBlob
from strongroom.ids import FileKind, StorageId
from strongroom.repository import Repository
from strongroom.repository.blob_reader import open_blob
from strongroom.repository.index import Index
from strongroom.repository.pack_headers import read_header
from strongroom.streams import Buffer

_WHOLE = 64 << 20
"""The maximum size in bytes of a pack that is read at once. Ours have 16 to 24 MiB, others up to 4 GiB."""
_PIECE = 8 << 20


class PackFault(NamedTuple):
    """A fault of a pack, in words. `blob` is the damaged blob, None if the fault concerns the whole pack.

    `outer` means that the blobs can still be read at their offsets in the index.
    """

    text: str
    blob: PackedBlob | None = None
    outer: bool = False


def verify_pack(repository: Repository, index: Index, pack: StorageId) -> Iterator[PackFault]:
    """Read a pack and yield its faults: hash, header, differences from the index, damaged blobs.

    If the header cannot be read, the blobs of the index are verified. Raises BackendError if the pack cannot be read.
    """
    handle = FileHandle(FileKind.PACK, pack)
    known = index.blob_count(pack)
    size = repository.backend.size(handle)
    whole = repository.backend.load(handle) if size <= _WHOLE else None
    digest = hashlib.sha256(whole) if whole is not None else _hash_pieces(repository, handle, size)
    if digest.hexdigest() != pack:
        yield PackFault("its content does not match the hash in its name", outer=known > 0)
    try:
        blobs = read_header(repository.backend, repository.master, pack)
    except Damaged as error:
        yield PackFault(f"its header is damaged: {error}", outer=known > 0)
        blobs = index.blobs_in([pack])[pack]
    if known and known != len(blobs):
        yield PackFault(f"it holds {len(blobs)} blobs, but the index lists {known}")
    for blob in blobs:
        if known and (pack, blob) not in index.find(blob.kind, blob.id):
            yield PackFault(f"the index lists the blob {blob.id.hex()} elsewhere or not at all")
        sealed: Buffer
        try:
            if whole is not None:
                sealed = memoryview(whole)[blob.offset : blob.offset + blob.length]
            else:
                sealed = repository.backend.load_range(
                    handle, blob.offset, max(min(blob.length, size - blob.offset), 0)
                )
            open_blob(repository, blob, sealed)
        except Damaged as error:
            yield PackFault(f"the {blob.kind.name.lower()} blob {blob.id.hex()}: {error}", blob)


def _hash_pieces(repository: Repository, handle: FileHandle, size: int) -> hashlib._Hash:
    digest = hashlib.sha256()
    for offset in range(0, size, _PIECE):
        digest.update(repository.backend.load_range(handle, offset, min(_PIECE, size - offset)))
    return digest


def salvage_index(repository: Repository) -> Index:
    """Build an index from all readable parts: intact index files, and the headers of all other packs."""
    index = repository.load_index()
    repository.index_from_headers(index)
    return index
