"""gzip without compression. The length of the content determines the length of the file.

The file has members of one MiB, as in packages, so that an offset is found without making the members before it. Not
written by zlib, since its versions may lay out stored blocks differently.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from strongroom.downloads.base import Part

BLOCK: Final = 1 << 20
_MOST_STORED: Final = 65_535
# RFC 1952: gzip, deflate, no flags, no time, fastest algorithm, unknown system.
_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
_FRAME: Final = len(_HEADER) + 8


def stored_length(length: int) -> int:
    """Return the size of the gzip file in bytes for `length` bytes of content."""
    whole, rest = divmod(length, BLOCK)
    return whole * _member_length(BLOCK) + (_member_length(rest) if rest else 0)


def _member_length(size: int) -> int:
    return _FRAME + size + 5 * -(-size // _MOST_STORED)


def stored(content: Iterable[bytes]) -> Iterator[Part]:
    """Yield the members as parts. All content is read, but a member is encoded only if it is needed."""
    waiting = bytearray()
    for piece in content:
        waiting += piece
        while len(waiting) >= BLOCK:
            block = bytes(waiting[:BLOCK])
            del waiting[:BLOCK]
            yield _part(block)
    if waiting:
        yield _part(bytes(waiting))


def _part(block: bytes) -> Part:
    return Part(_member_length(len(block)), lambda: _member(block))


def _member(block: bytes) -> bytes:
    pieces = [_HEADER]
    for start in range(0, len(block), _MOST_STORED):
        piece = block[start : start + _MOST_STORED]
        is_last = start + _MOST_STORED >= len(block)
        pieces += [
            bytes([is_last]),
            len(piece).to_bytes(2, "little"),
            (len(piece) ^ 0xFFFF).to_bytes(2, "little"),
            piece,
        ]
    pieces += [zlib.crc32(block).to_bytes(4, "little"), len(block).to_bytes(4, "little")]
    return b"".join(pieces)
