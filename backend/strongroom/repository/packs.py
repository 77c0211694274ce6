"""Whole packs: their headers read, and everything in them verified."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from strongroom.backends.base import FileHandle
from strongroom.errors import Damaged
from strongroom.format.pack import LENGTH_SIZE, PackedBlob, decode_header, decode_length
from strongroom.ids import FileKind, StorageId
from strongroom.repository import Repository
from strongroom.repository.blobs import open_blob
from strongroom.repository.index import Index
from strongroom.streams import Buffer

_WHOLE = 64 << 20
"""Bytes up to which a pack is held in memory at once; ours have 16 to 24 MiB, others may have up to 4 GiB."""
_PIECE = 8 << 20


def read_header(repository: Repository, pack: StorageId) -> list[PackedBlob]:
    """The blobs that a pack says it holds. Raises Damaged or BackendError."""
    handle = FileHandle(FileKind.PACK, pack)
    size = repository.backend.size(handle)
    if size < LENGTH_SIZE:
        raise Damaged(f"The pack {pack} has only {size} bytes.")
    header_length = decode_length(repository.backend.load_range(handle, size - LENGTH_SIZE, LENGTH_SIZE), size)
    start = size - LENGTH_SIZE - header_length
    sealed = repository.backend.load_range(handle, start, header_length)
    return decode_header(repository.master.open(sealed), start)


def verify_pack(repository: Repository, index: Index, pack: StorageId) -> Iterator[str]:
    """Read a pack back; yields what is wrong with it, in words: its hash, its header, the index, any blob.

    Raises BackendError when it cannot be read.
    """
    handle = FileHandle(FileKind.PACK, pack)
    size = repository.backend.size(handle)
    whole = repository.backend.load(handle) if size <= _WHOLE else None
    digest = hashlib.sha256(whole) if whole is not None else _hash_pieces(repository, handle, size)
    if digest.hexdigest() != pack:
        yield "its bytes do not have the hash that is its name"
    try:
        blobs = read_header(repository, pack)
    except Damaged as error:
        yield f"its header cannot be read: {error}"
        return
    known = index.blob_count(pack)
    if known and known != len(blobs):
        yield f"it holds {len(blobs)} blobs where the index says {known}"
    for blob in blobs:
        if known and (pack, blob) not in index.find(blob.kind, blob.id):
            yield f"the index places the blob {blob.id.hex()} elsewhere or not at all"
        sealed: Buffer
        if whole is not None:
            sealed = memoryview(whole)[blob.offset : blob.offset + blob.length]
        else:
            sealed = repository.backend.load_range(handle, blob.offset, blob.length)
        try:
            open_blob(repository, blob, sealed)
        except Damaged as error:
            yield f"the {blob.kind.name.lower()} blob {blob.id.hex()}: {error}"


def _hash_pieces(repository: Repository, handle: FileHandle, size: int) -> hashlib._Hash:
    digest = hashlib.sha256()
    for offset in range(0, size, _PIECE):
        digest.update(repository.backend.load_range(handle, offset, min(_PIECE, size - offset)))
    return digest


def salvage_index(repository: Repository) -> tuple[Index, list[str]]:
    """An index from whatever can be read: the index files that are whole, and the headers of all other packs.

    Also gives what was wrong, in words.
    """
    faults: list[str] = []
    index = repository.load_index(faults)
    for stored in repository.backend.list_files(FileKind.PACK):
        if not index.blob_count(stored.name):
            try:
                index.add(stored.name, read_header(repository, stored.name))
            except Damaged as error:
                faults.append(f"The pack {stored.name} is in no index, and its header cannot be read: {error}")
    return index, faults
