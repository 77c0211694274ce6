"""Find the snapshots that need lost blobs. Only trees are read, each of them once for all snapshots."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TypeAlias

from strongroom.errors import Damaged
from strongroom.format.references import decode_references
from strongroom.format.snapshot import Snapshot
from strongroom.ids import BlobId, BlobKind, StorageId
from strongroom.repository import Index, Repository
from strongroom.repository.blob_reader import BlobReader

BlobKey: TypeAlias = tuple[BlobKind, BlobId]


@dataclasses.dataclass(frozen=True, slots=True)
class Affected:
    """The snapshots that need lost blobs, and the lost blobs that they need. A blob in no index is lost, too."""

    snapshots: frozenset[StorageId]
    blobs: frozenset[BlobKey]


def find_affected(
    repository: Repository,
    index: Index,
    snapshots: Iterable[Snapshot],
    lost: Collection[BlobKey],
    *,
    tick: Callable[[], None] | None = None,
) -> Affected:
    """Walk the trees of the snapshots. No data is read; `tick` is called for each folder. The caller holds a lock."""
    walk = _Walk(BlobReader(repository, index), lost, tick or (lambda: None))
    return Affected(
        frozenset(snapshot.id for snapshot in snapshots if walk.is_touched(snapshot.tree)), frozenset(walk.needed)
    )


@dataclasses.dataclass(slots=True)
class _Open:
    tree: BlobId
    subtrees: Iterator[BlobId]
    touched: bool


class _Walk:
    def __init__(self, reader: BlobReader, lost: Collection[BlobKey], tick: Callable[[], None]) -> None:
        self._reader = reader
        self._lost = lost
        self._tick = tick
        self._touched: dict[BlobId, bool] = {}
        self.needed: set[BlobKey] = set()

    def is_touched(self, root: BlobId) -> bool:
        """Return whether a blob at or below a tree is lost."""
        stack: list[_Open] = []
        self._enter(stack, root)
        while stack:
            top = stack[-1]
            below = next(top.subtrees, None)
            if below is None:
                self._touched[top.tree] = top.touched
                stack.pop()
                if stack:
                    stack[-1].touched |= top.touched
            elif below in self._touched:
                top.touched |= self._touched[below]
            else:
                self._enter(stack, below)
                top.touched |= self._touched.get(below, False)
        return self._touched[root]

    def _enter(self, stack: list[_Open], tree: BlobId) -> None:
        if tree in self._touched:
            return
        self._tick()
        touched = self._is_lost((BlobKind.TREE, tree))
        try:
            references = decode_references(self._reader.read(BlobKind.TREE, tree))
        except Damaged:
            self.needed.add((BlobKind.TREE, tree))
            self._touched[tree] = True
            return
        for blob in references.content:
            touched |= self._is_lost((BlobKind.DATA, blob))
        stack.append(_Open(tree, iter(references.subtrees), touched))

    def _is_lost(self, blob: BlobKey) -> bool:
        if blob in self._lost or self._reader.index.number(*blob) is None:
            self.needed.add(blob)
            return True
        return False
