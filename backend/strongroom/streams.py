"""Types of bytes and streams that all packages of the engine share."""

from __future__ import annotations

from typing import Protocol, TypeAlias

Buffer: TypeAlias = bytes | bytearray | memoryview


class Reader(Protocol):
    """A stream of bytes of unknown length.

    `read(size)` returns at most `size` bytes and waits for at least one. `b""` means that everything was delivered; a
    source that has failed raises an error instead.
    """

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...
