"""The interface of downloads: content of known length, of which any byte range can be read."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Generator, Iterable, MutableMapping
from typing import NamedTuple, Protocol, TypeAlias

from strongroom.errors import Damaged
from strongroom.format.tree import Node, NodeKind


@dataclasses.dataclass(slots=True)
class LeftOut:
    """The number of stored entries that are not in the download.

    They are symbolic links, devices and other special files, and entries that are withheld because they hold secrets,
    with everything below them.
    """

    links: int = 0
    specials: int = 0
    withheld: int = 0

    def __bool__(self) -> bool:
        return bool(self.links or self.specials or self.withheld)

    def count(self, node: Node) -> None:
        """Count one link or special file."""
        if node.kind is NodeKind.SYMLINK:
            self.links += 1
        else:
            self.specials += 1


@dataclasses.dataclass(frozen=True, slots=True)
class Measure:
    """The measures of a download, from its trees. `listed` is the length of a package's list of hashes."""

    length: int
    left_out: LeftOut
    listed: int = 0


Measures: TypeAlias = MutableMapping[str, Measure]
"""A cache of measures by identity, so that the trees need not be read again. The caller limits its size."""


Stretch: TypeAlias = Generator[bytes, None, None]
"""Bytes in pieces of a few MB. Closing it releases its resources."""


class Download(Protocol):
    """Bytes to download. `length` is their number; `identity`, in hex, is the same only for the same bytes.

    `read` yields the bytes from `start` up to `stop`. It raises Damaged or BackendError before it yields a wrong byte,
    and it never ends early.
    """

    length: int
    identity: str
    left_out: LeftOut

    def read(self, start: int, stop: int) -> Stretch: ...


class Part(NamedTuple):
    """A part of `size` bytes; `make` returns all of them."""

    size: int
    make: Callable[[], bytes]


def fixed(data: bytes) -> Part:
    """Return a part of bytes in memory."""
    return Part(len(data), lambda: data)


def read_range(parts: Iterable[Part], start: int, stop: int) -> Stretch:
    """Yield the bytes from `start` up to `stop`. Parts outside of the range are not made. Raises Damaged."""
    position = 0
    for part in parts:
        if position >= stop:
            return
        end = position + part.size
        if end > start:
            data = part.make()
            if len(data) != part.size:
                raise Damaged(
                    f"A part of {part.size} bytes has {len(data)}: the index of the repository is wrong. Run"
                    " `strongroom check`."
                )
            if position < start or end > stop:
                data = data[max(start - position, 0) : stop - position]
            if data:
                yield data
        position = end
    if position < stop:
        raise Damaged(f"The content ends at byte {position} instead of {stop}. Run `strongroom check`.")


def identity_of(*facts: object) -> str:
    """Return an identity for content that these facts determine."""
    digest = hashlib.sha256()
    for fact in facts:
        text = fact if isinstance(fact, bytes) else repr(fact).encode()
        digest.update(b"%d:%b" % (len(text), text))
    return digest.hexdigest()
