"""Content whose length is known: parts one after the other, of which any stretch can be read."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Generator, Iterable, MutableMapping
from typing import NamedTuple, Protocol, TypeAlias

from strongroom.errors import Damaged
from strongroom.format.tree import Node, NodeKind


@dataclasses.dataclass(slots=True)
class LeftOut:
    """How many entries are stored but not in the download: symbolic links, devices and other special files, and what
    was withheld on purpose, with everything below it."""

    links: int = 0
    specials: int = 0
    withheld: int = 0

    def __bool__(self) -> bool:
        return bool(self.links or self.specials or self.withheld)

    def count(self, node: Node) -> None:
        """One link or special file."""
        if node.kind is NodeKind.SYMLINK:
            self.links += 1
        else:
            self.specials += 1


@dataclasses.dataclass(frozen=True, slots=True)
class Measure:
    """What is found out by reading the trees of a download. `listed` is the length of a package's list of hashes."""

    length: int
    left_out: LeftOut
    listed: int = 0


Measures: TypeAlias = MutableMapping[str, Measure]
"""By identity: where a measure is, the trees need not be read for it again. Whoever keeps them bounds their number."""


Stretch: TypeAlias = Generator[bytes, None, None]
"""Bytes in pieces of a few MB. Closing it lets go of what it holds."""


class Download(Protocol):
    """Bytes that can be handed out. `length` is theirs; `identity` is the same for the same bytes only, in hex.

    `read` gives those from `start` up to `stop`. It raises Damaged, and BackendError, before it
    gives anything that is not what was stored, and never ends early.
    """

    length: int
    identity: str
    left_out: LeftOut

    def read(self, start: int, stop: int) -> Stretch: ...


class Part(NamedTuple):
    """So many bytes; `make` gives all of them."""

    size: int
    make: Callable[[], bytes]


def fixed(data: bytes) -> Part:
    """Bytes that are there already."""
    return Part(len(data), lambda: data)


def cut(parts: Iterable[Part], start: int, stop: int) -> Stretch:
    """The bytes from `start` up to `stop`; parts that lie before or after them are not made. Raises Damaged."""
    position = 0
    for part in parts:
        if position >= stop:
            return
        end = position + part.size
        if end > start:
            data = part.make()
            if len(data) != part.size:
                raise Damaged(f"A part of {part.size} bytes has {len(data)}; an index of the repository is wrong.")
            if position < start or end > stop:
                data = data[max(start - position, 0) : stop - position]
            if data:
                yield data
        position = end
    if position < stop:
        raise Damaged(f"The content ends at byte {position} instead of {stop}.")


def identity_of(*facts: object) -> str:
    """A name for content that these facts determine."""
    digest = hashlib.sha256()
    for fact in facts:
        text = fact if isinstance(fact, bytes) else repr(fact).encode()
        digest.update(b"%d:%b" % (len(text), text))
    return digest.hexdigest()
