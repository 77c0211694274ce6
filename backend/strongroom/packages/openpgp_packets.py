"""OpenPGP packets (RFC 9580, section 4.2): a kind, a length, and a body that may come in parts of known length.

The reader is strict, needs constant memory and treats its input as hostile: it allocates memory only for bytes that
arrive, and refuses many tiny parts. Every error message begins with `where`: "The package /x.tar.gz.gpg".
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Final, Protocol

from strongroom.errors import PackageDamaged, PackageRefused
from strongroom.streams import Buffer

PART: Final = 1 << 20
SMALLEST_PART: Final = 512
"""RFC 9580 requires it for the first part; programs keep to it for all parts but the last."""

_FULL_PART: Final = bytes([0xE0 | 20])


class Kind(IntEnum):
    """The kinds of packets in messages, with the numbers of the format."""

    PUBLIC_KEY_SESSION = 1
    PASSPHRASE_SESSION = 3
    COMPRESSED = 8
    UNPROTECTED = 9
    LITERAL = 11
    ENCRYPTED = 18
    ENCRYPTED_OCB = 20


class Source(Protocol):
    """A stream of bytes: `read` returns at most `size` bytes, b"" at the end."""

    def read(self, size: int, /) -> bytes: ...


class PacketWriter:
    """Write one packet of unknown length, in parts of 1 MiB and a last part.

    `write` gets a view of a buffer that is reused: it must not keep the view.
    """

    def __init__(self, write: Callable[[Buffer], object], kind: Kind) -> None:
        self._write = write
        self._part = memoryview(bytearray(PART))
        self._filled = 0
        write(bytes([0xC0 | kind]))

    def write(self, data: Buffer) -> None:
        """Write a piece of the body."""
        rest = memoryview(data)
        while rest:
            if self._filled == PART:
                # Only if more data follows: the last part has a definite length and is never empty.
                self._write(_FULL_PART)
                self._write(self._part)
                self._filled = 0
            taken = min(PART - self._filled, len(rest))
            self._part[self._filled : self._filled + taken] = rest[:taken]
            self._filled += taken
            rest = rest[taken:]

    def finish(self) -> None:
        """Write the last part."""
        self._write(encode_length(self._filled))
        self._write(self._part[: self._filled])
        self._filled = 0


def encode_packet(kind: Kind, body: bytes) -> bytes:
    """Return a packet of known length."""
    return bytes([0xC0 | kind]) + encode_length(len(body)) + body


def encode_length(length: int) -> bytes:
    """Encode a definite length in its shortest form."""
    if length < 192:
        return bytes([length])
    if length < 8384:
        return (length - 192 + 0xC000).to_bytes(2, "big")
    return b"\xff" + length.to_bytes(4, "big")


class PacketReader:
    """Read packets in order. Read the body of each packet to its end before the next packet."""

    def __init__(self, source: Source, where: str) -> None:
        self._source = source
        self.where = where

    def next(self) -> Packet | None:
        """Return the next packet, or None at the end of the source. Raises `PackageDamaged`."""
        first = self._source.read(1)
        if not first:
            return None
        tag = first[0]
        if not tag & 0x80:
            raise PackageDamaged(f"{self.where} has invalid data between its packets. Copy it again.")
        return Packet(self._source, self.where, tag)

    def require_end(self) -> None:
        """Raise `PackageRefused` if further data follows."""
        if self._source.read(1):
            raise PackageRefused(f"{self.where} has data after its end, so it was changed. Use another copy.")


class Packet:
    """The body of one packet, as a stream. `kind` is a plain number, since it may be unknown."""

    def __init__(self, source: Source, where: str, tag: int) -> None:
        self._source = source
        self._where = where
        self._more = False
        self._endless = False
        if tag & 0x40:
            self.kind = tag & 0x3F
            self._left = self._length()
        else:
            self.kind = tag >> 2 & 0x0F
            size = tag & 3
            self._endless = size == 3
            self._left = 0 if self._endless else int.from_bytes(self._from_source(1 << size), "big")

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; b"" at the end. Raises `PackageDamaged` if the source ends before the packet."""
        if self._endless:
            return self._source.read(size)
        while not self._left and self._more:
            self._left = self._length()
        data = self._source.read(min(size, self._left)) if self._left else b""
        if self._left and not data:
            raise self._broken_off()
        self._left -= len(data)
        return data

    def exactly(self, size: int) -> bytes:
        """Return exactly `size` bytes of the body. Raises `PackageDamaged` if it is shorter."""
        data = b""
        while len(data) < size and (piece := self.read(size - len(data))):
            data += piece
        if len(data) < size:
            raise PackageDamaged(f"{self._where} has a packet that is too short. Copy it again.")
        return data

    def whole(self, most: int) -> bytes:
        """Return the whole body. Raises `PackageRefused` if it is longer than `most`."""
        data = b""
        while piece := self.read(most + 1 - len(data)):
            data += piece
            if len(data) > most:
                raise PackageRefused(f"{self._where} has a packet that is too large for its kind. Do not trust it.")
        return data

    def _from_source(self, size: int) -> bytes:
        """Return exactly `size` bytes of the source, for the length fields."""
        data = b""
        while len(data) < size:
            piece = self._source.read(size - len(data))
            if not piece:
                raise self._broken_off()
            data += piece
        return data

    def _length(self) -> int:
        first = self._from_source(1)[0]
        self._more = 224 <= first < 255
        if first < 192:
            return first
        if first < 224:
            return (first - 192 << 8) + self._from_source(1)[0] + 192
        if first == 255:
            return int.from_bytes(self._from_source(4), "big")
        length = 1 << (first & 0x1F)
        if length < SMALLEST_PART:
            raise PackageRefused(
                f"{self._where} has parts of only {length} bytes; at least {SMALLEST_PART} are needed. Do not trust it."
            )
        return length

    def _broken_off(self) -> PackageDamaged:
        return PackageDamaged(f"{self._where} is incomplete. Copy it again.")
