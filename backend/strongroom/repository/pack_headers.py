"""Read the header of a pack, which lists its blobs."""

from __future__ import annotations

from strongroom.backends.base import Backend, FileHandle
from strongroom.crypto import SealingKey
from strongroom.errors import Damaged
from strongroom.format.pack import LENGTH_SIZE, PackedBlob, decode_header, decode_length
from strongroom.ids import FileKind, StorageId


def read_header(backend: Backend, master: SealingKey, pack: StorageId) -> list[PackedBlob]:
    """Return the blobs that the header of a pack lists. Raises Damaged or BackendError."""
    handle = FileHandle(FileKind.PACK, pack)
    size = backend.size(handle)
    if size < LENGTH_SIZE:
        raise Damaged(f"The pack {pack} has only {size} bytes.")
    header_length = decode_length(backend.load_range(handle, size - LENGTH_SIZE, LENGTH_SIZE), size)
    start = size - LENGTH_SIZE - header_length
    sealed = backend.load_range(handle, start, header_length)
    return decode_header(master.open(sealed), start)
