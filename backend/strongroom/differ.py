"""Compare two snapshots of one repository, as `restic diff` does."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from strongroom.errors import Damaged
from strongroom.expansion_limit import ExpansionLimit
from strongroom.format.tree import Node, NodeKind
from strongroom.ids import BlobId, BlobKind
from strongroom.repository.blob_set import BlobSet
from strongroom.snapshots import MAX_DEPTH, SnapshotView


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One difference. `modifier` is restic's: + added, - removed, M content, T type, U metadata."""

    modifier: str
    path: bytes
    is_folder: bool


@dataclasses.dataclass(slots=True)
class Tally:
    """The entries and blobs that one of the snapshots has alone; bytes as in the plaintext of the blobs."""

    files: int = 0
    folders: int = 0
    others: int = 0
    data_blobs: int = 0
    tree_blobs: int = 0
    bytes: int = 0

    def count(self, node: Node) -> None:
        """Count one entry."""
        if node.kind is NodeKind.FILE:
            self.files += 1
        elif node.kind is NodeKind.DIR:
            self.folders += 1
        else:
            self.others += 1


class Comparison:
    """The comparison of two snapshots. `added`, `removed` and `changed_files` are complete when `changes` has ended.

    Folders with the same tree are not compared. Needs three bytes for each blob of the index.
    """

    def __init__(self, before: SnapshotView, after: SnapshotView, *, metadata: bool = False) -> None:
        self._before, self._after = before, after
        self._metadata = metadata
        self._index = after.reader.index
        self._used_before, self._used_after = BlobSet(self._index), BlobSet(self._index)
        self._shared = BlobSet(self._index)
        self._limit: ExpansionLimit = after.expansion_limit()
        self.added, self.removed = Tally(), Tally()
        self.changed_files = 0

    def changes(self) -> Iterator[Change]:
        """Yield each difference in order of its path. Raises Damaged."""
        roots = self._before.snapshot.tree, self._after.snapshot.tree
        self._used_before.add(BlobKind.TREE, roots[0])
        self._used_after.add(BlobKind.TREE, roots[1])
        yield from self._trees(b"", *roots)
        self._count_blobs()

    def _trees(self, above: bytes, before: BlobId | None, after: BlobId | None) -> Iterator[Change]:
        """Compare two folders without recursion: a snapshot may be nested deeper than Python's stack."""
        stack = [iter(self._pairs(above, before, after))]
        while stack:
            pair = next(stack[-1], None)
            if pair is None:
                stack.pop()
                continue
            path, old, new = pair
            yield from self._difference(path, old, new)
            trees = old.subtree if old else None, new.subtree if new else None
            if trees == (None, None) or (old and new and old.kind is not new.kind):
                continue
            if trees[0] == trees[1]:
                self._share(trees[0])
                continue
            if len(stack) >= MAX_DEPTH:
                raise Damaged(f"The snapshots are nested more than {MAX_DEPTH} folders deep.")
            stack.append(iter(self._pairs(path, *trees)))

    def _pairs(
        self, above: bytes, before: BlobId | None, after: BlobId | None
    ) -> Iterator[tuple[bytes, Node | None, Node | None]]:
        old, new = self._nodes(self._before, before), self._nodes(self._after, after)
        for name in sorted(old.keys() | new.keys()):
            yield above + b"/" + name, old.get(name), new.get(name)

    def _nodes(self, view: SnapshotView, tree: BlobId | None) -> Mapping[bytes, Node]:
        if tree is None:
            return {}
        nodes = view.nodes(tree)
        self._limit.enter(tree, len(nodes))
        return {node.name: node for node in nodes}

    def _difference(self, path: bytes, old: Node | None, new: Node | None) -> Iterator[Change]:
        _mark(self._used_before, old)
        _mark(self._used_after, new)
        if old is None and new is not None:
            self.added.count(new)
            yield Change("+", path, new.kind is NodeKind.DIR)
        elif new is None and old is not None:
            self.removed.count(old)
            yield Change("-", path, old.kind is NodeKind.DIR)
        elif old is not None and new is not None and (modifier := self._modifier(old, new)):
            yield Change(modifier, path, new.kind is NodeKind.DIR)

    def _modifier(self, old: Node, new: Node) -> str:
        modifier = "T" if old.kind is not new.kind else ""
        if old.kind is new.kind is NodeKind.FILE and old.content != new.content:
            self.changed_files += 1
            return modifier + "M"
        if self._metadata and old != new:
            modifier += "U"
        return modifier

    def _share(self, tree: BlobId | None) -> None:
        """Mark the blobs of a folder that both snapshots have."""
        stack = [tree] if tree is not None else []
        while stack:
            for node in self._after.nodes(stack.pop()):
                fresh = node.subtree is not None and self._shared.add(BlobKind.TREE, node.subtree)
                for blob in node.content or ():
                    self._shared.add(BlobKind.DATA, blob)
                if fresh and node.subtree is not None:
                    stack.append(node.subtree)

    def _count_blobs(self) -> None:
        for number, places in self._index.blobs():
            before, after = number in self._used_before, number in self._used_after
            if before == after or number in self._shared:
                continue
            tally = self.added if after else self.removed
            blob = places[0][1]
            if blob.kind is BlobKind.DATA:
                tally.data_blobs += 1
            else:
                tally.tree_blobs += 1
            tally.bytes += blob.size


def _mark(used: BlobSet, node: Node | None) -> None:
    if node is None:
        return
    for blob in node.content or ():
        used.add(BlobKind.DATA, blob)
    if node.subtree is not None:
        used.add(BlobKind.TREE, node.subtree)
