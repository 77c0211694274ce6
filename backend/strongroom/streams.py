"""The kinds of bytes and streams that pass between the rooms."""

from __future__ import annotations

from typing import Protocol, TypeAlias

Buffer: TypeAlias = bytes | bytearray | memoryview


class Reader(Protocol):
    """A stream of bytes of unknown length.

    `read(size)` gives at most `size` bytes and waits until there is at least one; `b""` is the end, and only a source
    that is sure to have delivered everything says so: one that has failed raises instead.
    """

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...
