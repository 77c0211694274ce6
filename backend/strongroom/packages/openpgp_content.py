"""The content of an OpenPGP message: one file, possibly compressed. Read only from authentic packets."""

from __future__ import annotations

import zlib
from typing import Final

from strongroom.errors import PackageDamaged, PackageRefused
from strongroom.packages.openpgp_packets import Kind, Packet, PacketReader, Source

FREE: Final = 64 * 1024 * 1024
MOST_INFLATED: Final = 200
"""The maximum ratio after the first 64 MiB. A package is compressed itself, so a higher ratio is a bomb."""

_ENGINES: Final = {1: -15, 2: 15}
_PIECE: Final = 1 << 20


class Content:
    """The file in a message, as a stream. b"" means that the message has no other content. Raises `PackageRefused`."""

    def __init__(self, message: Source, where: str) -> None:
        readers = [PacketReader(message, where)]
        packet = readers[0].next()
        if packet is not None and packet.kind == Kind.COMPRESSED:
            readers.insert(0, PacketReader(_Inflated(packet, where), where))
            packet = readers[0].next()
        if packet is None or packet.kind != Kind.LITERAL or packet.exactly(1) != b"b":
            raise PackageRefused(f"{where} is not a package: it does not contain exactly one binary file.")
        packet.exactly(packet.exactly(1)[0] + 4)  # a name and a time, which are not used
        self._packet = packet
        self._readers = readers

    def read(self, size: int, /) -> bytes:
        data = self._packet.read(size)
        if not data:
            for reader in self._readers:
                reader.require_end()
        return data


class _Inflated:
    """The content of a compressed packet."""

    def __init__(self, packet: Packet, where: str) -> None:
        algorithm = packet.exactly(1)[0]
        if algorithm not in _ENGINES:
            raise PackageRefused(
                f"{where} is compressed by gpg with an unsupported algorithm (number {algorithm}). Encrypt it with"
                " --compress-algo none; a package is already compressed."
            )
        self._engine = zlib.decompressobj(_ENGINES[algorithm])
        self._packet = packet
        self._where = where
        self._taken = self._given = 0

    def read(self, size: int, /) -> bytes:
        data = b""
        while not data and not self._engine.eof:
            try:
                # The engine may have read all input and still hold back output.
                data = self._engine.decompress(self._engine.unconsumed_tail, size)
                if not data and not self._engine.eof and not self._engine.unconsumed_tail:
                    data = self._engine.decompress(self._next(), size)
            except zlib.error as error:
                raise PackageDamaged(
                    f"{self._where} has damaged compressed content ({error}). Copy it again."
                ) from error
        if not data and (self._engine.unused_data or self._packet.read(1)):
            raise PackageRefused(f"{self._where} is not a package: data follows its compressed content.")
        self._given += len(data)
        if self._given > FREE and self._given > self._taken * MOST_INFLATED:
            raise PackageRefused(
                f"{self._where} inflates to more than {MOST_INFLATED} times its size, which a package never does. If"
                " you trust it, decrypt it with `gpg -d` and use the resulting .tar.gz."
            )
        return data

    def _next(self) -> bytes:
        piece = self._packet.read(_PIECE)
        if not piece:
            raise PackageDamaged(f"{self._where} has incomplete compressed content. Copy it again.")
        self._taken += len(piece)
        return piece
