"""Pack files: sealed blobs one after another, then a sealed header that lists them, then its length."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from strongroom.crypto import OVERHEAD
from strongroom.errors import Damaged
from strongroom.ids import ID_SIZE, BlobId, BlobKind

_PLAIN = struct.Struct("<BI32s")
_COMPRESSED = struct.Struct("<BII32s")
_LENGTH = struct.Struct("<I")
LENGTH_SIZE = _LENGTH.size
MAX_HEADER_SIZE = 16 << 20
MAX_ENTRIES = 409_199
"""The number of compressed entries that fit into a header of MAX_HEADER_SIZE."""


class PackedBlob(NamedTuple):
    """A blob in a pack. `length` is the length of the sealed blob; `plain_length` is 0 if it is not compressed."""

    kind: BlobKind
    id: BlobId
    offset: int
    length: int
    plain_length: int

    @property
    def size(self) -> int:
        """Return the size of the plaintext in bytes."""
        return self.plain_length or self.length - OVERHEAD


def entry_size(blob: PackedBlob) -> int:
    """Return the size of a blob's header entry in bytes."""
    return _COMPRESSED.size if blob.plain_length else _PLAIN.size


def header_size(blobs: Iterable[PackedBlob]) -> int:
    """Return the size in bytes of the sealed header and its length field at the end of a pack."""
    return sum(entry_size(blob) for blob in blobs) + OVERHEAD + LENGTH_SIZE


def pack_size(blobs: Sequence[PackedBlob]) -> int:
    """Return the exact size in bytes of a pack of these blobs."""
    return header_size(blobs) + sum(blob.length for blob in blobs)


def encode_header(blobs: Iterable[PackedBlob]) -> bytes:
    """Return the plaintext of a header. The order of the blobs implies their offsets."""
    parts = []
    for blob in blobs:
        if blob.plain_length:
            parts.append(_COMPRESSED.pack(blob.kind | 2, blob.length, blob.plain_length, blob.id))
        else:
            parts.append(_PLAIN.pack(blob.kind, blob.length, blob.id))
    return b"".join(parts)


def encode_length(sealed_header_size: int) -> bytes:
    """Return the last four bytes of a pack."""
    return _LENGTH.pack(sealed_header_size)


def decode_length(tail: bytes, pack_size: int) -> int:
    """Return the size of the sealed header from the last four bytes. Raises Damaged for an impossible size."""
    size: int = _LENGTH.unpack(tail)[0]
    if not OVERHEAD <= size <= min(MAX_HEADER_SIZE, pack_size - LENGTH_SIZE):
        raise Damaged(f"A pack of {pack_size} bytes has an impossible header size of {size} bytes.")
    return size


def decode_header(header: bytes, data_size: int) -> list[PackedBlob]:
    """Return the blobs of a header. Raises Damaged unless they fill exactly `data_size` bytes."""
    blobs: list[PackedBlob] = []
    position = offset = 0
    while position < len(header):
        first = header[position]
        layout = _COMPRESSED if first & 2 else _PLAIN
        if first > 3 or position + layout.size > len(header):
            raise Damaged("A pack's header has an entry that cannot be read.")
        if first & 2:
            _, length, plain_length, identity = _COMPRESSED.unpack_from(header, position)
        else:
            _, length, identity = _PLAIN.unpack_from(header, position)
            plain_length = 0
        if length < OVERHEAD:
            raise Damaged(f"A pack's header lists a blob of only {length} bytes.")
        blobs.append(PackedBlob(BlobKind(first & 1), BlobId(identity), offset, length, plain_length))
        position += layout.size
        offset += length
    if offset != data_size:
        raise Damaged(f"A pack's header lists {offset} bytes of blobs, but the pack has {data_size}.")
    return blobs


assert _PLAIN.size == 5 + ID_SIZE  # noqa: S101 the layout of the format, checked once at import
assert _COMPRESSED.size == 9 + ID_SIZE  # noqa: S101
