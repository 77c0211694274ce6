"""Measure what snapshots hold, in the four ways of `restic stats`."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
from collections.abc import Iterable

from strongroom.errors import Damaged
from strongroom.format.snapshot import Snapshot
from strongroom.format.tree import Node, NodeKind
from strongroom.ids import BlobId, BlobKind
from strongroom.prune.progress import ProgressReporter
from strongroom.prune.used_blobs import find_used
from strongroom.repository import Index, Repository
from strongroom.snapshots import SnapshotView


class Mode(enum.StrEnum):
    """The four measures; the values are those of restic."""

    RESTORE_SIZE = "restore-size"
    FILES_BY_CONTENTS = "files-by-contents"
    RAW_DATA = "raw-data"
    BLOBS_PER_FILE = "blobs-per-file"


@dataclasses.dataclass(slots=True)
class Statistics:
    """The result. Sizes in bytes; a field that the mode does not measure is 0."""

    snapshots: int = 0
    files: int = 0
    blobs: int = 0
    size: int = 0
    uncompressed_size: int = 0


def measure(repository: Repository, index: Index, snapshots: Iterable[Snapshot], mode: Mode) -> Statistics:
    """Measure these snapshots together. Raises Damaged for a folder or a blob that cannot be read.

    RESTORE_SIZE counts each entry of each snapshot; FILES_BY_CONTENTS each content once; BLOBS_PER_FILE the different
    blobs of each path, once for each content; RAW_DATA the blobs as they are stored, compressed and encrypted. As in
    restic, all entries without content, folders included, are one empty file for FILES_BY_CONTENTS.
    """
    chosen = list(snapshots)
    if mode is Mode.RAW_DATA:
        return _raw_data(repository, index, chosen)
    counter = _Counter(mode, index, Statistics(snapshots=len(chosen)))
    for snapshot in chosen:
        counter.forget_links()
        for path, node in SnapshotView(repository, snapshot, index).walk():
            counter.count(path, node)
    return counter.result


def _raw_data(repository: Repository, index: Index, snapshots: list[Snapshot]) -> Statistics:
    used = find_used(repository, index, snapshots, ProgressReporter(None))
    result = Statistics(snapshots=len(snapshots))
    for number, places in index.blobs():
        if number in used:
            blob = places[0][1]
            result.blobs += 1
            result.size += blob.length
            result.uncompressed_size += blob.size
    return result


class _Counter:
    """Count the nodes of snapshots; remembers one hash for each different content."""

    def __init__(self, mode: Mode, index: Index, result: Statistics) -> None:
        self.result = result
        self._mode = mode
        self._index = index
        self._contents: set[bytes] = set()
        self._paths: dict[bytes, set[BlobId]] = {}
        self._links: set[tuple[int, int]] = set()

    def forget_links(self) -> None:
        """Begin a snapshot: hard links are counted once in each."""
        self._links.clear()

    def count(self, path: bytes, node: Node) -> None:
        """Count one node."""
        if self._mode is Mode.RESTORE_SIZE:
            self.result.files += 1
            if not self._is_counted_link(node):
                self.result.size += node.size
            return
        content = hashlib.sha256(b"".join(node.content or ())).digest()
        if content in self._contents:
            return
        self._contents.add(content)
        if self._mode is Mode.FILES_BY_CONTENTS:
            self.result.files += 1
            self.result.size += node.size
        else:
            self._count_blobs(path, node)

    def _is_counted_link(self, node: Node) -> bool:
        if node.links <= 1 or node.kind is NodeKind.DIR:
            return False
        link = node.inode, node.device_id
        counted = link in self._links
        self._links.add(link)
        return counted

    def _count_blobs(self, path: bytes, node: Node) -> None:
        if not node.content:
            return
        if path not in self._paths:
            self.result.files += 1
        known = self._paths.setdefault(path, set())
        for blob in node.content:
            if blob not in known:
                known.add(blob)
                self.result.blobs += 1
                self.result.size += _size(self._index, blob)


def _size(index: Index, blob: BlobId) -> int:
    size = index.size(BlobKind.DATA, blob)
    if size is None:
        raise Damaged(f"The data blob {blob.hex()} is in no index. Run `strongroom check`.")
    return size
