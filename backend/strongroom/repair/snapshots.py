"""Snapshots that need what is lost, written anew without it.

A file that lacks any of its content is left out, and a folder whose list cannot be read: a part of a file is no file.
The new snapshot has the old one's time and labels and besides the label `repaired`; it names the old one as its
original, as restic's does.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping

from strongroom.backends.base import FileHandle
from strongroom.errors import Damaged, FileMissing
from strongroom.format.snapshot import Snapshot
from strongroom.format.tree import Node, NodeKind, decode_tree, encode_tree
from strongroom.ids import BlobId, BlobKind, FileKind, StorageId, blob_id
from strongroom.prune.forget_snapshots import forget as forget_snapshots
from strongroom.repository import Index, Repository
from strongroom.repository.blob_reader import BlobReader
from strongroom.repository.blob_writer import BlobWriter
from strongroom.repository.damage import DamageKind, compare_sizes, distrust
from strongroom.repository.locks import RepositoryLock

REPAIRED = "repaired"
"""The label of a snapshot that lacks what was lost."""
_PATHS_KEPT = 1000


@dataclasses.dataclass(frozen=True, slots=True)
class DamagedSnapshot:
    """A snapshot that needs what is lost. `tree` is None when its root is lost; `lost` are the first paths, of all."""

    snapshot: Snapshot
    tree: BlobId | None
    lost: tuple[bytes, ...]
    lost_count: int
    is_repaired: bool
    """A snapshot without the lost content is stored already."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotsPlan:
    """Which snapshots are damaged, and the folders that take the place of damaged ones."""

    damaged: tuple[DamagedSnapshot, ...]
    unreadable: tuple[StorageId, ...]
    """Snapshot files that cannot be read."""
    reasons: tuple[str, ...]
    trees: Mapping[BlobId, bytes] = dataclasses.field(repr=False)

    @property
    def empty(self) -> bool:
        """There is nothing to do."""
        return not (self.damaged or self.unreadable)


@dataclasses.dataclass(frozen=True, slots=True)
class SnapshotsResult:
    """The new snapshots by the old ones, and what was forgotten."""

    repaired: Mapping[StorageId, StorageId]
    forgotten: tuple[StorageId, ...]


@dataclasses.dataclass(slots=True)
class _Mended:
    tree: BlobId | None
    lost: list[bytes]
    count: int


@dataclasses.dataclass(slots=True)
class _Open:
    tree: BlobId
    nodes: list[Node]
    subtrees: Iterator[BlobId]


def plan_snapshots(repository: Repository) -> SnapshotsPlan:
    """Find the snapshots that cannot be read, or that need what is in no pack. Hold a lock; nothing is written."""
    repository.require_removable()
    snapshots, unreadable = repository.sorted_out_snapshots()
    index = repository.load_index()
    sizes = {stored.name: stored.size for stored in repository.backend.list_files(FileKind.PACK)}
    distrust(index, [damage for damage in compare_sizes(index, sizes) if damage.kind is DamageKind.MISSING])
    mending = _Mending(repository, index)
    made = {(one.original, one.tree) for one in snapshots if REPAIRED in one.tags}
    damaged = []
    for snapshot in snapshots:
        mended = mending.mend(snapshot.tree)
        if mended.count:
            is_repaired = mended.tree is not None and (snapshot.original or snapshot.id, mended.tree) in made
            damaged.append(
                DamagedSnapshot(snapshot, mended.tree, tuple(mended.lost), mended.count, is_repaired=is_repaired)
            )
    return SnapshotsPlan(
        damaged=tuple(damaged),
        unreadable=tuple(sorted(unreadable)),
        reasons=tuple(unreadable[name] for name in sorted(unreadable)),
        trees=mending.trees,
    )


class _Mending:
    """Trees without what is lost; each is read once, however many snapshots hold it, and none inside another's call."""

    def __init__(self, repository: Repository, index: Index) -> None:
        self._reader = BlobReader(repository, index)
        self._index = index
        self._done: dict[BlobId, _Mended] = {}
        self.trees: dict[BlobId, bytes] = {}

    def mend(self, root: BlobId) -> _Mended:
        """What becomes of a tree."""
        stack: list[_Open] = []
        self._enter(stack, root)
        while stack:
            top = stack[-1]
            below = next(top.subtrees, None)
            if below is not None:
                self._enter(stack, below)
            else:
                self._done[top.tree] = self._without_lost(top)
                stack.pop()
        return self._done[root]

    def _enter(self, stack: list[_Open], tree: BlobId) -> None:
        if tree in self._done:
            return
        try:
            nodes = decode_tree(self._reader.read(BlobKind.TREE, tree))
            stack.append(_Open(tree, nodes, iter([node.subtree for node in nodes if node.subtree])))
        except Damaged:
            self._require_answer(tree)
            self._done[tree] = _Mended(None, [b""], 1)

    def _require_answer(self, tree: BlobId) -> None:
        """Raise BackendError where it is the storage that fails: what it does not give just now is not lost."""
        for pack, _ in self._index.find(BlobKind.TREE, tree):
            with contextlib.suppress(FileMissing):
                self._reader.repository.backend.load(FileHandle(FileKind.PACK, pack))

    def _without_lost(self, folder: _Open) -> _Mended:
        staying: list[Node] = []
        lost: list[bytes] = []
        count = 0
        for node in folder.nodes:
            if node.kind is NodeKind.DIR:
                inner = self._done[node.subtree] if node.subtree else _Mended(None, [b""], 1)
                count += inner.count
                lost.extend(node.name + b"/" + path if path else node.name for path in inner.lost)
                if inner.tree is not None:
                    node.subtree = inner.tree
                    staying.append(node)
            elif all((BlobKind.DATA, blob) in self._index for blob in node.content or ()):
                staying.append(node)
            else:
                count += 1
                lost.append(node.name)
        if not count:
            return _Mended(folder.tree, [], 0)
        text = encode_tree(staying)
        tree = blob_id(text)
        self.trees[tree] = text
        return _Mended(tree, lost[:_PATHS_KEPT], count)


def repair_snapshots(
    repository: Repository, plan: SnapshotsPlan, lock: RepositoryLock, *, forget: bool = False
) -> SnapshotsResult:
    """Store the new snapshots; with `forget` the damaged and the unreadable ones go then.

    Raises SnapshotProtected for one that is marked to be kept, LockLost; ValueError without the lock.
    """
    lock.require_exclusive(repository)
    with BlobWriter(repository, repository.load_index()) as writer:
        for text in plan.trees.values():
            writer.store(BlobKind.TREE, text)
    repaired: dict[StorageId, StorageId] = {}
    for one in plan.damaged:
        if one.tree is not None and not one.is_repaired:
            lock.check()
            repaired[one.snapshot.id] = repository.save_snapshot(_renewed(one.snapshot, one.tree)).id
    going = [*(one.snapshot.id for one in plan.damaged), *plan.unreadable] if forget else []
    return SnapshotsResult(repaired, tuple(forget_snapshots(repository, going, lock)) if going else ())


def _renewed(old: Snapshot, tree: BlobId) -> Snapshot:
    return dataclasses.replace(
        old,
        id=StorageId(""),
        tree=tree,
        tags=(*(tag for tag in old.tags if tag != REPAIRED), REPAIRED),
        parent=None,
        original=old.original or old.id,
    )
