"""Types of bytes and streams that all packages of the engine share."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol, TypeAlias

Buffer: TypeAlias = bytes | bytearray | memoryview


class Reader(Protocol):
    """A stream of bytes of unknown length.

    `read(size)` returns at most `size` bytes and waits for at least one. `b""` means that everything was delivered; a
    source that has failed raises an error instead.
    """

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


class PiecesReader:
    """Pieces of bytes, made when they are needed, as a stream. Each read gives a part of one piece."""

    def __init__(self, pieces: Generator[bytes, None, None]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = memoryview(piece)
        data = bytes(self._rest[:size])
        self._rest = self._rest[size:]
        return data

    def close(self) -> None:
        self._pieces.close()
