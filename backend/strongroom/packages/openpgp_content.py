"""What an OpenPGP message holds: one file, compressed perhaps. Read from packets that have been found authentic."""

from __future__ import annotations

import zlib
from typing import Final

from strongroom.errors import PackageDamaged, PackageRefused
from strongroom.packages.openpgp_packets import Kind, Packet, PacketReader, Source

FREE: Final = 64 * 1024 * 1024
MOST_INFLATED: Final = 200
"""A package is compressed itself: beyond the first 64 MiB, more than this from one byte is a bomb."""

_ENGINES: Final = {1: -15, 2: 15}
_PIECE: Final = 1 << 20


class Content:
    """The file in a message, as a stream; b"" only when nothing else is in it. Raises `PackageRefused`."""

    def __init__(self, message: Source, where: str) -> None:
        readers = [PacketReader(message, where)]
        packet = readers[0].next()
        if packet is not None and packet.kind == Kind.COMPRESSED:
            readers.insert(0, PacketReader(_Inflated(packet, where), where))
            packet = readers[0].next()
        if packet is None or packet.kind != Kind.LITERAL or packet.exactly(1) != b"b":
            raise PackageRefused(f"{where} holds something else than one binary file; it is no package.")
        packet.exactly(packet.exactly(1)[0] + 4)  # a name and a time, of which we make nothing
        self._packet = packet
        self._readers = readers

    def read(self, size: int, /) -> bytes:
        data = self._packet.read(size)
        if not data:
            for reader in self._readers:
                reader.require_end()
        return data


class _Inflated:
    """A compressed packet's content."""

    def __init__(self, packet: Packet, where: str) -> None:
        algorithm = packet.exactly(1)[0]
        if algorithm not in _ENGINES:
            raise PackageRefused(
                f"{where} is compressed inside in a way that we do not read (number {algorithm}); encrypt it with"
                " --compress-algo none, a package is compressed already."
            )
        self._engine = zlib.decompressobj(_ENGINES[algorithm])
        self._packet = packet
        self._where = where
        self._taken = self._given = 0

    def read(self, size: int, /) -> bytes:
        data = b""
        while not data and not self._engine.eof:
            try:
                # It may have taken in everything and still hold back what there was no room for.
                data = self._engine.decompress(self._engine.unconsumed_tail, size)
                if not data and not self._engine.eof and not self._engine.unconsumed_tail:
                    data = self._engine.decompress(self._next(), size)
            except zlib.error as error:
                raise PackageDamaged(f"{self._where} is compressed inside and damaged there ({error}).") from error
        if not data and (self._engine.unused_data or self._packet.read(1)):
            raise PackageRefused(f"{self._where} has something after its compressed content; it is no package.")
        self._given += len(data)
        if self._given > FREE and self._given > self._taken * MOST_INFLATED:
            raise PackageRefused(
                f"{self._where} swells to more than {MOST_INFLATED} times its size; a package does not. If it is one"
                " all the same, `gpg -d` it and give what comes out, a .tar.gz."
            )
        return data

    def _next(self) -> bytes:
        piece = self._packet.read(_PIECE)
        if not piece:
            raise PackageDamaged(f"{self._where} is compressed inside and ends in the middle.")
        self._taken += len(piece)
        return piece
