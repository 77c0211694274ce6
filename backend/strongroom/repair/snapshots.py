"""Repair snapshots that need lost blobs: store them again without the lost files.

A file without all of its content is dropped, and so is a folder whose tree cannot be read. The new snapshot has the
time and tags of the old one, plus the tag `repaired`, and names the old one in `original`, as with restic.
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
"""The tag of a repaired snapshot, which lacks the lost files."""
_PATHS_KEPT = 1000


def is_repaired(snapshot: Snapshot) -> bool:
    """Return whether files were left out of the snapshot because their content is lost."""
    return REPAIRED in snapshot.tags


@dataclasses.dataclass(frozen=True, slots=True)
class DamagedSnapshot:
    """A snapshot that needs lost blobs.

    `tree` is the repaired root, None if nothing is left. `lost` has the first lost paths, `lost_count` counts them all.
    """

    snapshot: Snapshot
    tree: BlobId | None
    lost: tuple[bytes, ...]
    lost_count: int
    is_repaired: bool
    """True if the repaired snapshot is already stored."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotsPlan:
    """The damaged snapshots, and the repaired trees."""

    damaged: tuple[DamagedSnapshot, ...]
    unreadable: tuple[StorageId, ...]
    """Snapshot files that cannot be read."""
    reasons: tuple[str, ...]
    trees: Mapping[BlobId, bytes] = dataclasses.field(repr=False)

    @property
    def empty(self) -> bool:
        """Return whether there is nothing to do."""
        return not (self.damaged or self.unreadable)


@dataclasses.dataclass(frozen=True, slots=True)
class SnapshotsResult:
    """The ids of the new snapshots by the old ids, and the forgotten snapshots."""

    repaired: Mapping[StorageId, StorageId]
    forgotten: tuple[StorageId, ...]


@dataclasses.dataclass(slots=True)
class _RepairedTree:
    tree: BlobId | None
    lost: list[bytes]
    count: int


@dataclasses.dataclass(slots=True)
class _Open:
    tree: BlobId
    nodes: list[Node]
    subtrees: Iterator[BlobId]


def plan_snapshots(repository: Repository) -> SnapshotsPlan:
    """Find the snapshots that cannot be read or need missing blobs. The caller holds a lock; nothing is written."""
    repository.require_removable()
    snapshots, unreadable = repository.snapshots_and_faults()
    index = repository.load_index()
    sizes = {stored.name: stored.size for stored in repository.backend.list_files(FileKind.PACK)}
    distrust(index, [damage for damage in compare_sizes(index, sizes) if damage.kind is DamageKind.MISSING])
    repairer = _TreeRepairer(repository, index)
    made = {(one.original, one.tree) for one in snapshots if is_repaired(one)}
    damaged = []
    for snapshot in snapshots:
        repaired = repairer.repair(snapshot.tree)
        if repaired.count:
            is_stored = repaired.tree is not None and (snapshot.original or snapshot.id, repaired.tree) in made
            damaged.append(
                DamagedSnapshot(snapshot, repaired.tree, tuple(repaired.lost), repaired.count, is_repaired=is_stored)
            )
    return SnapshotsPlan(
        damaged=tuple(damaged),
        unreadable=tuple(sorted(unreadable)),
        reasons=tuple(unreadable[name] for name in sorted(unreadable)),
        trees=repairer.trees,
    )


class _TreeRepairer:
    """Build trees without the lost files. Each tree is read once for all snapshots, without recursion."""

    def __init__(self, repository: Repository, index: Index) -> None:
        self._reader = BlobReader(repository, index)
        self._index = index
        self._done: dict[BlobId, _RepairedTree] = {}
        self.trees: dict[BlobId, bytes] = {}

    def repair(self, root: BlobId) -> _RepairedTree:
        """Return a tree without its lost files."""
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
            self._done[tree] = _RepairedTree(None, [b""], 1)

    def _require_answer(self, tree: BlobId) -> None:
        """Raise BackendError if the storage fails: a tree that it cannot read at the moment is not lost."""
        for pack, _ in self._index.find(BlobKind.TREE, tree):
            with contextlib.suppress(FileMissing):
                self._reader.repository.backend.load(FileHandle(FileKind.PACK, pack))

    def _without_lost(self, folder: _Open) -> _RepairedTree:
        staying: list[Node] = []
        lost: list[bytes] = []
        count = 0
        for node in folder.nodes:
            if node.kind is NodeKind.DIR:
                inner = self._done[node.subtree] if node.subtree else _RepairedTree(None, [b""], 1)
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
            return _RepairedTree(folder.tree, [], 0)
        text = encode_tree(staying)
        tree = blob_id(text)
        self.trees[tree] = text
        return _RepairedTree(tree, lost[:_PATHS_KEPT], count)


def repair_snapshots(
    repository: Repository, plan: SnapshotsPlan, lock: RepositoryLock, *, forget: bool = False
) -> SnapshotsResult:
    """Store the repaired snapshots; with `forget`, remove the damaged and unreadable ones afterwards.

    Raises SnapshotProtected for a protected snapshot, LockLost; ValueError without a lock.
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
