"""OpenPGP packets as frames (RFC 9580, section 4.2): a kind, a length, a body that may come in parts of known length.

Read strictly, at constant memory, from anybody: a length is believed only as far as bytes come, and parts so small that
their number would cost more than their content are refused. `where` begins every message: "The package /x.tar.gz.gpg".
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Final, Protocol

from strongroom.errors import PackageDamaged, PackageRefused
from strongroom.streams import Buffer

PART: Final = 1 << 20
SMALLEST_PART: Final = 512
"""RFC 9580 wants it of the first part; what writes messages keeps to it for all but the last."""

_FULL_PART: Final = bytes([0xE0 | 20])


class Kind(IntEnum):
    """The kinds of packets that are met, as numbered by the format."""

    PUBLIC_KEY_SESSION = 1
    PASSPHRASE_SESSION = 3
    COMPRESSED = 8
    UNPROTECTED = 9
    LITERAL = 11
    ENCRYPTED = 18
    ENCRYPTED_OCB = 20


class Source(Protocol):
    """Bytes in order: `read` gives at most `size` of them, b"" at the end."""

    def read(self, size: int, /) -> bytes: ...


class PacketWriter:
    """One packet of a length that is not known before, in parts of 1 MiB and a last one.

    `write` is handed a view of a buffer that is used again: it must not keep it.
    """

    def __init__(self, write: Callable[[Buffer], object], kind: Kind) -> None:
        self._write = write
        self._part = memoryview(bytearray(PART))
        self._filled = 0
        write(bytes([0xC0 | kind]))

    def write(self, data: Buffer) -> None:
        """Take in a piece of the body."""
        rest = memoryview(data)
        while rest:
            if self._filled == PART:
                # Only when more comes: the last part is one of definite length, and is never empty.
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
    """A packet of known length."""
    return bytes([0xC0 | kind]) + encode_length(len(body)) + body


def encode_length(length: int) -> bytes:
    """A definite length in its shortest form."""
    if length < 192:
        return bytes([length])
    if length < 8384:
        return (length - 192 + 0xC000).to_bytes(2, "big")
    return b"\xff" + length.to_bytes(4, "big")


class PacketReader:
    """Packets one after the other; the body of each must be read to its end before the next is asked for."""

    def __init__(self, source: Source, where: str) -> None:
        self._source = source
        self.where = where

    def next(self) -> Packet | None:
        """The next packet, or None where the source ends. Raises `PackageDamaged`."""
        first = self._source.read(1)
        if not first:
            return None
        tag = first[0]
        if not tag & 0x80:
            raise PackageDamaged(f"{self.where} has something between its packets that is none; fetch it again.")
        return Packet(self._source, self.where, tag)

    def require_end(self) -> None:
        """Raise `PackageRefused` if anything follows."""
        if self._source.read(1):
            raise PackageRefused(f"{self.where} has something after its end; it was not written like that.")


class Packet:
    """The body of one packet, as a stream. `kind` is a bare number: it may be one that nobody knows."""

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
        """At most `size` bytes; b"" at the end. Raises `PackageDamaged` when the source ends before the packet."""
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
        """So many bytes of the body."""
        data = b""
        while len(data) < size and (piece := self.read(size - len(data))):
            data += piece
        if len(data) < size:
            raise PackageDamaged(f"{self._where} has a packet that is too short; fetch it again.")
        return data

    def whole(self, most: int) -> bytes:
        """The whole body, which may not be longer than `most`."""
        data = b""
        while piece := self.read(most + 1 - len(data)):
            data += piece
            if len(data) > most:
                raise PackageRefused(f"{self._where} has a packet that is too large for its kind; it is not ours.")
        return data

    def _from_source(self, size: int) -> bytes:
        """So many bytes of what lies below the packet: its lengths."""
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
            raise PackageRefused(f"{self._where} comes in parts of {length} bytes; that is an attack or an accident.")
        return length

    def _broken_off(self) -> PackageDamaged:
        return PackageDamaged(f"{self._where} ends in the middle; fetch it again.")
