"""A snapshot, or a folder of one, back to a disk.

Only an empty folder is restored into, and every folder below it is made here. Links come last of all, when no name
is followed any more, so that no order and no trick of names in a hostile snapshot leads outside.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import functools
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

from strongroom.errors import OUT_OF_ROOM, Damaged, NoSpace, RestoreError, TargetDenied, TargetNotEmpty, UnsafeName
from strongroom.format.snapshot import Snapshot
from strongroom.format.tree import Node, NodeKind
from strongroom.ids import BlobId, BlobKind
from strongroom.long_paths import reachable
from strongroom.node_metadata import apply_metadata
from strongroom.repository import Index, Repository
from strongroom.repository.damage import Damage
from strongroom.selection import Selection
from strongroom.snapshots import SnapshotView
from strongroom.workers import Countdown, Pool, default_workers
from strongroom.zero_chunks import zero_chunks

_BATCH_FILES = 32
_BATCH_BYTES = 4 << 20
_HOLE = 4096
"""Zeros at either end of a blob from this length on become a hole."""
_INTERVAL = 0.2


@dataclasses.dataclass(frozen=True, slots=True)
class RestoreProgress:
    """How far it is, of how much."""

    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int
    current: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class RestoreProblem:
    """What could not be restored as it was, and why."""

    path: bytes
    reason: str


@dataclasses.dataclass(slots=True)
class RestoreResult:
    """What was restored. Complete when `damaged` is empty; `unapplied` lists owners, modes or attributes that this
    user or file system does not allow; `damage` the stored copies that could not be used."""

    files: int = 0
    folders: int = 0
    others: int = 0
    bytes: int = 0
    damaged: list[RestoreProblem] = dataclasses.field(default_factory=list)
    unapplied: list[RestoreProblem] = dataclasses.field(default_factory=list)
    damage: list[Damage] = dataclasses.field(default_factory=list)


_Found: TypeAlias = tuple[bytes, Node]


def restore(
    repository: Repository,
    snapshot: Snapshot,
    target: str | os.PathLike[str],
    *,
    subtree: bytes = b"",
    only: Selection | None = None,
    index: Index | None = None,
    progress: Callable[[RestoreProgress], None] | None = None,
) -> RestoreResult:
    """Restore what lies below `subtree` into the empty or absent folder `target`. Hold a lock meanwhile.

    With `only`, of paths below `subtree`, what it takes, at the same places, and the folders that lead there.

    What is damaged is listed in the result and left out; all else is restored. Raises TargetNotEmpty, NoSpace,
    TargetDenied or UnsafeName, and RestoreError for whatever else the file system refuses.
    """
    view = SnapshotView(repository, snapshot, index)
    root = view.subtree(subtree)
    if root is None:
        raise RestoreError(f"Snapshot {snapshot.id[:8]} has no folder {os.fsdecode(subtree)!r}.")
    place = os.fsencode(target)
    try:
        _prepare(place)
        job = _Restore(view, place, progress, only)
        job.measure(root)
        job.run(root)
    except OSError as error:
        raise _translate(error, place) from error
    job.result.damage.extend(view.reader.damage.values())
    return job.result


def _prepare(place: bytes) -> None:
    try:
        os.makedirs(place, mode=0o700)
    except FileExistsError:
        if not os.path.isdir(place) or os.listdir(place):
            raise TargetNotEmpty(
                f"{os.fsdecode(place)} is not an empty folder. Restore into a new one; nothing was changed."
            ) from None


def _translate(error: OSError, place: bytes) -> RestoreError:
    where = os.fsdecode(error.filename if error.filename is not None else place)
    if error.errno in OUT_OF_ROOM:
        return NoSpace(f"{where} cannot be written: {error.strerror}. The restore is incomplete; make room and repeat.")
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return TargetDenied(f"{where} cannot be written: {error.strerror}. Restore elsewhere or as another user.")
    return RestoreError(f"{where} cannot be restored: {error.strerror}.")


class _Restore:
    """One restore on its way."""

    def __init__(
        self,
        view: SnapshotView,
        place: bytes,
        progress: Callable[[RestoreProgress], None] | None,
        only: Selection | None,
    ) -> None:
        self.result = RestoreResult()
        self._view = view
        self._place = place
        self._progress = progress
        self._only = only
        self._told = 0.0
        self._guard = threading.Lock()
        self._files_total = self._bytes_total = 0
        self._current = b""
        self._folders: list[_Found] = []
        self._late: list[_Found] = []
        self._links: dict[tuple[int, int], _Found] = {}

    def measure(self, root: BlobId) -> None:
        """Count what will be written and refuse what cannot fit."""
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
        status = os.statvfs(self._place)
        free = status.f_bavail * status.f_frsize
        if needed > free:
            raise NoSpace(
                f"{os.fsdecode(self._place)} has {free:,} bytes free and {needed:,} are needed. Nothing was restored."
            )

    def run(self, root: BlobId) -> None:
        """Folders and contents, then links and special files, then the folders' metadata from the inside out."""
        with Pool(default_workers(), self._tell) as pool:
            batch: list[_Found] = []
            size = 0
            for path, node in self._walk(root, note_damage=True):
                if node.kind is NodeKind.DIR:
                    with self._reach(path) as place:
                        os.mkdir(place, 0o700)
                    self._folders.append((path, node))
                    self.result.folders += 1
                elif node.kind is not NodeKind.FILE or self._is_further_link(path, node):
                    self._late.append((path, node))
                elif len(node.content or ()) > 1:
                    pool.submit(functools.partial(self._restore_large, pool, path, node))
                else:
                    batch.append((path, node))
                    size += node.size
                    if len(batch) >= _BATCH_FILES or size >= _BATCH_BYTES:
                        pool.submit(functools.partial(self._restore_batch, batch))
                        batch, size = [], 0
            pool.submit(functools.partial(self._restore_batch, batch))
            pool.drain()
        for path, node in self._late:
            self._restore_late(path, node)
        for path, node in reversed(self._folders):
            self._finish(path, node)
        self._tell(at_once=True)

    def _walk(self, root: BlobId, *, note_damage: bool) -> Iterator[_Found]:
        """Every node, folders first; what lies below a damaged tree is left out."""
        expansion = self._view.expansion()
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
                expansion.enter(node.subtree, len(below))
                stack.append((path, iter(below)))

    def _nodes(self, path: bytes, tree: BlobId | None, *, note_damage: bool) -> list[Node]:
        try:
            if tree is None:
                raise Damaged("the folder has no tree")
            nodes = self._view.nodes(tree)
        except Damaged as error:
            if note_damage:
                self._note_damage(path, str(error))
            return []
        if len({node.name for node in nodes}) != len(nodes):
            raise UnsafeName(f"The folder {os.fsdecode(path)!r} has two entries of the same name.")
        return nodes

    def _full(self, path: bytes) -> bytes:
        return os.path.join(self._place, path)

    def _reach(self, path: bytes) -> contextlib.AbstractContextManager[bytes]:
        return reachable(self._full(path))

    def _is_further_link(self, path: bytes, node: Node) -> bool:
        """Whether the same file has come under another name; the same inode with other content is no link."""
        if node.links <= 1 or not node.inode:
            return False
        first = self._links.setdefault((node.inode, node.device_id), (path, node))
        return first[1] is not node and first[1].content == node.content

    # Contents, in the pool

    def _restore_batch(self, batch: list[_Found]) -> None:
        for path, node in batch:
            try:
                content = b"".join(self._read(blob) for blob in node.content or ())
                self._require_size(node, len(content))
            except Damaged as error:
                self._note_damage(path, str(error))
                continue
            descriptor = self._create(path)
            try:
                with self._naming(path):
                    _write_sparse(descriptor, content, 0)
                    os.ftruncate(descriptor, node.size)
            finally:
                os.close(descriptor)
            self._finish_file(path, node)

    def _restore_large(self, pool: Pool, path: bytes, node: Node) -> None:
        """One task a blob; the last of them closes the file. The content is complete or the file is not there."""
        self._current = path
        sizes = [self._view.reader.index.size(BlobKind.DATA, blob) for blob in node.content or ()]
        known = [size for size in sizes if size is not None]
        try:
            if len(known) != len(sizes):
                raise Damaged("parts of its content are in no index")
            self._require_size(node, sum(known))
        except Damaged as error:
            self._note_damage(path, str(error))
            return
        descriptor = self._create(path)
        with self._naming(path):
            os.ftruncate(descriptor, node.size)
        failures: list[str] = []

        def finish() -> None:
            os.close(descriptor)
            if failures:
                with self._reach(path) as place:
                    os.unlink(place)
                self._note_damage(path, failures[0])
            else:
                self._finish_file(path, node)

        countdown = Countdown(finish)
        offset = 0
        for blob, size in zip(node.content or (), known, strict=True):
            # What is not written is zeros already.
            if blob not in zero_chunks():
                countdown.expect()
                task = functools.partial(self._restore_blob, path, descriptor, blob, offset, failures=failures)
                pool.share(functools.partial(self._settle_after, task, countdown))
            offset += size
        countdown.settle()

    def _restore_blob(self, path: bytes, descriptor: int, blob: BlobId, offset: int, *, failures: list[str]) -> None:
        try:
            with self._naming(path):
                _write_sparse(descriptor, self._read(blob), offset)
        except Damaged as error:
            failures.append(str(error))

    def _settle_after(self, task: Callable[[], None], countdown: Countdown) -> None:
        task()
        countdown.settle()

    @contextlib.contextmanager
    def _naming(self, path: bytes) -> Iterator[None]:
        """Operations on an open file fail without its name."""
        try:
            yield
        except OSError as error:
            error.filename = self._full(path)
            raise

    def _read(self, blob: BlobId) -> bytes:
        return self._view.reader.read(BlobKind.DATA, blob)

    def _create(self, path: bytes) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        with self._reach(path) as place:
            return os.open(place, flags, 0o600)

    def _require_size(self, node: Node, size: int) -> None:
        if size != node.size:
            raise Damaged(f"its content has {size} bytes where its entry says {node.size}")

    def _finish_file(self, path: bytes, node: Node) -> None:
        self._finish(path, node)
        with self._guard:
            self.result.files += 1
            self.result.bytes += node.size
            self._current = path

    # Links and special files

    def _restore_late(self, path: bytes, node: Node) -> None:
        with self._reach(path) as full:
            made = self._make_late(path, full, node)
        if made:
            self.result.others += 1
            self._finish(path, node)

    def _make_late(self, path: bytes, full: bytes, node: Node) -> bool:
        """Whether a link or a special file was made, which is finished like everything else."""
        if node.kind is NodeKind.FILE:
            first = self._links[node.inode, node.device_id][0]
            if any(problem.path == first for problem in self.result.damaged):
                self._note_damage(path, f"it is a link to {os.fsdecode(first)}, which is damaged")
            else:
                with self._reach(first) as other:
                    os.link(other, full, follow_symlinks=False)
                self.result.files += 1
            return False
        if node.kind is NodeKind.SYMLINK:
            if not node.target:
                self._note_damage(path, "the link has no target")
                return False
            os.symlink(node.target, full)
        elif node.kind is NodeKind.FIFO:
            os.mkfifo(full, 0o600)
        elif node.kind in {NodeKind.BLOCK_DEVICE, NodeKind.CHAR_DEVICE}:
            kind = stat.S_IFBLK if node.kind is NodeKind.BLOCK_DEVICE else stat.S_IFCHR
            try:
                os.mknod(full, kind | 0o600, node.device)
            except PermissionError as error:
                self.result.unapplied.append(RestoreProblem(path, f"the device cannot be made: {error.strerror}"))
                return False
        else:
            return False  # a socket means nothing without the process that listens
        return True

    def _finish(self, path: bytes, node: Node) -> None:
        with self._reach(path) as place:
            self.result.unapplied.extend(RestoreProblem(path, reason) for reason in apply_metadata(place, node))

    def _note_damage(self, path: bytes, reason: str) -> None:
        self.result.damaged.append(RestoreProblem(path, reason))

    def _tell(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if self._progress and (at_once or now - self._told >= _INTERVAL):
            self._told = now
            self._progress(
                RestoreProgress(
                    self.result.files, self._files_total, self.result.bytes, self._bytes_total, self._current
                )
            )


def _write_sparse(descriptor: int, content: bytes, offset: int) -> None:
    """Write what is not zeros at either end; the file has or will get its full length otherwise."""
    begin, end = 0, len(content)
    leading = end - len(content.lstrip(b"\0")) if content[:1] == b"\0" else 0
    if leading >= _HOLE:
        begin = leading
    if begin < end and content[-1:] == b"\0":
        trailing = end - len(content.rstrip(b"\0"))
        if trailing >= _HOLE:
            end = max(begin, end - trailing)
    view = memoryview(content)
    while begin < end:
        begin += os.pwrite(descriptor, view[begin:end], offset + begin)
