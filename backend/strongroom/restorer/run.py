"""Restore all entries of a snapshot in an order that is safe against hostile names.

Every folder is made by the restore. Links come last of all, when no name is followed any more, so that no order of
entries and no trick with names in a hostile snapshot leads outside of the target.
"""

from __future__ import annotations

import functools
import os
import stat
import time
from collections.abc import Callable, Iterator

from strongroom.errors import Damaged, UnsafeName
from strongroom.format.tree import Node, NodeKind
from strongroom.ids import BlobId
from strongroom.restorer.contents import ContentWriter, Found
from strongroom.restorer.result import RestoreProblem, RestoreProgress
from strongroom.restorer.target import Target
from strongroom.selection import Selection
from strongroom.snapshots import SnapshotView
from strongroom.workers import Pool, default_workers
from strongroom.zero_chunks import zero_chunks

_BATCH_FILES = 32
_BATCH_BYTES = 4 << 20
_INTERVAL = 0.2
"""Seconds between two progress reports."""


class RestoreRun:
    """One running restore."""

    def __init__(
        self,
        view: SnapshotView,
        target: Target,
        progress: Callable[[RestoreProgress], None] | None,
        only: Selection | None,
    ) -> None:
        self._view = view
        self._target = target
        self._contents = ContentWriter(view, target)
        self._progress = progress
        self._only = only
        self._reported = 0.0
        self._files_total = self._bytes_total = 0
        self._folders: list[Found] = []
        self._late: list[Found] = []
        self._links: dict[tuple[int, int], Found] = {}

    def measure(self, root: BlobId) -> None:
        """Count files and bytes. Raise NoSpace if they do not fit."""
        zeros = zero_chunks()
        needed = 0
        linked: set[tuple[int, int]] = set()
        for _, node in self._walk(root, note_damage=False):
            if node.kind is not NodeKind.FILE:
                continue
            self._files_total += 1
            if node.links > 1 and (node.inode, node.device_id) in linked:
                continue
            linked.add((node.inode, node.device_id))
            self._bytes_total += node.size
            needed += node.size - sum(zeros.get(blob, 0) for blob in node.content or ())
        self._target.require_space(needed)

    def restore(self, root: BlobId) -> None:
        """Restore folders and contents, then links and special files, then the metadata of folders, innermost first."""
        with Pool(default_workers(), self._report) as pool:
            batch: list[Found] = []
            size = 0
            for path, node in self._walk(root, note_damage=True):
                if node.kind is NodeKind.DIR:
                    with self._target.reach(path) as place:
                        os.mkdir(place, 0o700)
                    self._folders.append((path, node))
                    self._target.result.folders += 1
                elif node.kind is not NodeKind.FILE or self._is_further_link(path, node):
                    self._late.append((path, node))
                elif len(node.content or ()) > 1:
                    pool.submit(functools.partial(self._contents.restore_large, pool, path, node))
                else:
                    batch.append((path, node))
                    size += node.size
                    if len(batch) >= _BATCH_FILES or size >= _BATCH_BYTES:
                        pool.submit(functools.partial(self._contents.restore_batch, batch))
                        batch, size = [], 0
            pool.submit(functools.partial(self._contents.restore_batch, batch))
            pool.drain()
        for path, node in self._late:
            self._restore_late(path, node)
        for path, node in reversed(self._folders):
            self._target.finish(path, node)
        self._report(at_once=True)

    def _walk(self, root: BlobId, *, note_damage: bool) -> Iterator[Found]:
        """Yield every node, folders first, without the content of a folder whose tree is damaged."""
        limit = self._view.expansion_limit()
        stack: list[tuple[bytes, Iterator[Node]]] = [(b"", iter(self._nodes(b"", root, note_damage=note_damage)))]
        while stack:
            above, nodes = stack[-1]
            node = next(nodes, None)
            if node is None:
                stack.pop()
                continue
            path = os.path.join(above, node.name)
            if self._only is not None and not self._only.wants(path, folder=node.kind is NodeKind.DIR):
                continue
            yield path, node
            if node.kind is NodeKind.DIR:
                below = self._nodes(path, node.subtree, note_damage=note_damage)
                limit.enter(node.subtree, len(below))
                stack.append((path, iter(below)))

    def _nodes(self, path: bytes, tree: BlobId | None, *, note_damage: bool) -> list[Node]:
        try:
            if tree is None:
                raise Damaged("the folder has no tree")
            nodes = self._view.nodes(tree)
        except Damaged as error:
            if note_damage:
                self._target.note_damage(path, str(error))
            return []
        if len({node.name for node in nodes}) != len(nodes):
            raise UnsafeName(f"The folder {os.fsdecode(path)!r} has two entries of the same name.")
        return nodes

    def _is_further_link(self, path: bytes, node: Node) -> bool:
        """Return whether the file was restored under another name. The same inode with other content is no link."""
        if node.links <= 1 or not node.inode:
            return False
        first = self._links.setdefault((node.inode, node.device_id), (path, node))
        return first[1] is not node and first[1].content == node.content

    # Links and special files

    def _restore_late(self, path: bytes, node: Node) -> None:
        with self._target.reach(path) as full:
            made = self._make_late(path, full, node)
        if made:
            self._target.result.others += 1
            self._target.finish(path, node)

    def _make_late(self, path: bytes, full: bytes, node: Node) -> bool:
        """Make a link or a special file. Return whether one was made that still needs its metadata."""
        if node.kind is NodeKind.FILE:
            first = self._links[node.inode, node.device_id][0]
            if any(problem.path == first for problem in self._target.result.damaged):
                self._target.note_damage(path, f"it is a link to {os.fsdecode(first)}, which is damaged")
            else:
                with self._target.reach(first) as other:
                    os.link(other, full, follow_symlinks=False)
                self._target.result.files += 1
            return False
        if node.kind is NodeKind.SYMLINK:
            if not node.target:
                self._target.note_damage(path, "the link has no target")
                return False
            os.symlink(node.target, full)
        elif node.kind is NodeKind.FIFO:
            os.mkfifo(full, 0o600)
        elif node.kind in {NodeKind.BLOCK_DEVICE, NodeKind.CHAR_DEVICE}:
            kind = stat.S_IFBLK if node.kind is NodeKind.BLOCK_DEVICE else stat.S_IFCHR
            try:
                os.mknod(full, kind | 0o600, node.device)
            except PermissionError as error:
                self._target.result.unapplied.append(
                    RestoreProblem(path, f"the device cannot be made: {error.strerror}")
                )
                return False
        else:
            return False  # a socket means nothing without the process that listens
        return True

    def _report(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if self._progress and (at_once or now - self._reported >= _INTERVAL):
            self._reported = now
            self._progress(
                RestoreProgress(
                    self._target.result.files,
                    self._files_total,
                    self._target.result.bytes,
                    self._bytes_total,
                    self._target.current,
                )
            )
