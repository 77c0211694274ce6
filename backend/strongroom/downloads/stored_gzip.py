"""gzip without compression, whose length follows from that of its content.

Members of one MiB each, as packages have them, so that an offset is found without making what lies before it; written
here and not by zlib, whose versions need not lay out stored blocks alike.
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
    """Bytes of the gzip file for so many bytes of content."""
    whole, rest = divmod(length, BLOCK)
    return whole * _member_length(BLOCK) + (_member_length(rest) if rest else 0)


def _member_length(size: int) -> int:
    return _FRAME + size + 5 * -(-size // _MOST_STORED)


def stored(content: Iterable[bytes]) -> Iterator[Part]:
    """The members. All content is taken; a member is made only where it is asked for."""
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
