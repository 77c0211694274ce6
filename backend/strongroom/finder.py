"""Find files in snapshots by patterns of their paths, by their times, or by the blobs that they need."""

from __future__ import annotations

import dataclasses
import fnmatch
import functools
import re
from collections.abc import Iterator, Sequence

from strongroom.format.tree import Node, NodeKind
from strongroom.ids import BlobId, BlobKind, StorageId
from strongroom.repository import Index
from strongroom.snapshots import SnapshotView


@dataclasses.dataclass(frozen=True, slots=True)
class Query:
    """The wanted files. Those without a pattern match by their time alone; times in nanoseconds since the epoch."""

    patterns: Sequence[str] = ()
    ignore_case: bool = False
    oldest_ns: int | None = None
    newest_ns: int | None = None

    def matches(self, path: bytes, node: Node) -> bool:
        """Return whether the file at this path is wanted."""
        if self.oldest_ns is not None and node.mtime_ns < self.oldest_ns:
            return False
        if self.newest_ns is not None and node.mtime_ns > self.newest_ns:
            return False
        text = path.decode("utf-8", "surrogateescape")
        parts = (text.lower() if self.ignore_case else text).split("/")
        return any(_matches(pattern.lower() if self.ignore_case else pattern, parts) for pattern in self.patterns)


def find(view: SnapshotView, query: Query) -> Iterator[tuple[bytes, Node]]:
    """Yield the path and the node of each match. Raises Damaged."""
    return ((path, node) for path, node in view.walk() if query.matches(path, node))


def find_blobs(
    view: SnapshotView, wanted: Sequence[tuple[BlobKind, BlobId]]
) -> Iterator[tuple[bytes, Node, BlobKind, BlobId]]:
    """Yield each file that needs one of these data blobs, and each folder whose tree is one of them. Raises Damaged."""
    data = {blob for kind, blob in wanted if kind is BlobKind.DATA}
    trees = {blob for kind, blob in wanted if kind is BlobKind.TREE}
    if view.snapshot.tree in trees:
        yield b"", Node(name=b"", kind=NodeKind.DIR, subtree=view.snapshot.tree), BlobKind.TREE, view.snapshot.tree
    for path, node in view.walk():
        for blob in dict.fromkeys(node.content or ()):
            if blob in data:
                yield path, node, BlobKind.DATA, blob
        if node.subtree is not None and node.subtree in trees:
            yield path, node, BlobKind.TREE, node.subtree


def blobs_named(index: Index, prefix: str, kind: BlobKind) -> list[tuple[BlobKind, BlobId]]:
    """Return the blobs of this kind whose id in hex begins with `prefix`."""
    found = (places[0][1] for _number, places in index.blobs())
    return [(blob.kind, blob.id) for blob in found if blob.kind is kind and blob.id.hex().startswith(prefix)]


def blobs_of_packs(index: Index, prefix: str) -> list[tuple[BlobKind, BlobId]]:
    """Return the blobs in the packs whose name begins with `prefix`."""
    packs: list[StorageId] = [pack for pack in index.packs if pack.startswith(prefix)]
    return [(blob.kind, blob.id) for blobs in index.blobs_in(packs).values() for blob in blobs]


def _matches(pattern: str, parts: Sequence[str]) -> bool:
    """Return whether a pattern matches a path. As in restic, one without a leading slash matches at any depth, and a
    match of a folder includes everything below it."""
    wanted = _compiled(pattern.strip("/") if pattern != "/" else "")
    starts = range(1) if pattern.startswith("/") else range(len(parts))
    return any(_from(wanted, parts, start) for start in starts)


def _from(wanted: Sequence[re.Pattern[str] | None], parts: Sequence[str], start: int) -> bool:
    """Return whether the parts from `start` on begin with the wanted ones; None stands for any number of parts."""
    ends = {start}
    for one in wanted:
        if one is None:
            ends = set(range(min(ends), len(parts) + 1))
        else:
            ends = {end + 1 for end in ends if end < len(parts) and one.match(parts[end])}
        if not ends:
            return False
    return True


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> tuple[re.Pattern[str] | None, ...]:
    return tuple(
        None if part == "**" else re.compile(fnmatch.translate(part.replace("[^", "[!"))) for part in pattern.split("/")
    )
