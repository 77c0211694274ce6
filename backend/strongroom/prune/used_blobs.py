"""Find the used blobs: all blobs that can be reached from the snapshots."""

from __future__ import annotations

from collections.abc import Iterable

from strongroom.errors import Damaged
from strongroom.format.references import References, decode_references
from strongroom.format.snapshot import Snapshot
from strongroom.ids import BlobId, BlobKind
from strongroom.prune.progress import ProgressReporter
from strongroom.repository import Index, Repository
from strongroom.repository.blob_reader import BlobReader
from strongroom.repository.blob_set import BlobSet


def find_used(
    repository: Repository, index: Index, snapshots: Iterable[Snapshot], reporter: ProgressReporter
) -> BlobSet:
    """Return the blobs that the snapshots need. Raises Damaged for an unreadable tree or a blob in no index."""
    reader = BlobReader(repository, index)
    used = BlobSet(index)
    trees = size = 0
    for snapshot in snapshots:
        where = f"Snapshot {snapshot.id[:8]}"
        stack = [snapshot.tree] if _mark(used, BlobKind.TREE, snapshot.tree, where) else []
        while stack:
            tree = stack.pop()
            references = _read(reader, tree, where)
            for blob in references.content:
                _mark(used, BlobKind.DATA, blob, where)
            stack.extend(subtree for subtree in references.subtrees if _mark(used, BlobKind.TREE, subtree, where))
            trees += 1
            size += index.size(BlobKind.TREE, tree) or 0
            reporter.report("reading folders", trees, size)
    return used


def _mark(used: BlobSet, kind: BlobKind, blob: BlobId, where: str) -> bool:
    new = used.add(kind, blob)
    if new is None:
        raise Damaged(
            f"{where} needs the {kind.name.lower()} blob {blob.hex()}, which is in no index. `strongroom repair index`"
            " searches the packs for it. `strongroom repair snapshots` stores the snapshot again without lost files."
        )
    return new


def _read(reader: BlobReader, tree: BlobId, where: str) -> References:
    try:
        return decode_references(reader.read(BlobKind.TREE, tree))
    except Damaged as error:
        raise Damaged(f"{where} has a damaged folder: {error}") from None
