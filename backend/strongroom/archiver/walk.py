"""Walk over all entries: list folders, compare with the parent, feed the pool."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from strongroom.archiver.files import ContentStore, Find
from strongroom.archiver.parent import ParentFolder
from strongroom.archiver.progress import Tally
from strongroom.archiver.tree_builder import TreeBuilder
from strongroom.chunker import MIN_SIZE
from strongroom.entries import Entry, Folder, OnDisk, Stream
from strongroom.errors import Damaged, SourceError, StrongroomError
from strongroom.format.tree import Node, NodeKind, go_mode
from strongroom.ids import BlobId
from strongroom.long_paths import reachable
from strongroom.node_metadata import kind_of, node_of, read_xattrs
from strongroom.repository import local_user
from strongroom.repository.blob_writer import BlobWriter
from strongroom.sparse_files import data_bytes
from strongroom.workers import Pool

_BATCH_FILES = 32
_BATCH_BYTES = 4 << 20


class _FileTask(NamedTuple):
    """A file that must be read; `new` if the parent has no entry of that name.

    `find` finds the file if it was deleted.
    """

    name: bytes
    path: bytes
    new: bool
    find: Find


class _Item(NamedTuple):
    """An entry of a folder, with the function that reads its status."""

    name: bytes
    path: bytes
    look: Callable[[], os.stat_result]


@dataclasses.dataclass(slots=True)
class _Level:
    """A folder on the disk that is being listed: `path` in the tree of `disk`. `listed` are the names so far."""

    folder: TreeBuilder
    previous: ParentFolder | None
    path: bytes
    entries: Iterator[_Item]
    disk: OnDisk
    listed: set[bytes] = dataclasses.field(default_factory=set)
    is_listed: bool = False
    ready: list[Node] = dataclasses.field(default_factory=list)
    batch: list[_FileTask] = dataclasses.field(default_factory=list)
    batch_bytes: int = 0


class Walk:
    """Hand every entry to the pool, and build the trees as the entries finish."""

    def __init__(self, writer: BlobWriter, pool: Pool, tally: Tally, *, time_ns: int) -> None:
        self._writer = writer
        self._pool = pool
        self._tally = tally
        self._time_ns = time_ns
        gone = functools.partial(tally.add_problem, vanished=True)
        self._content = ContentStore(writer, pool, tally.add_problem, gone, tally.count_bytes)

    def run(self, entries: Iterable[Entry], previous: ParentFolder | None) -> BlobId:
        """Archive the entries and return the root tree. Each root entry is complete before the next one begins."""
        root: list[BlobId] = []
        folder = TreeBuilder(self._writer, root.append)
        for entry in entries:
            self._place(folder, previous, entry)
            self._pool.drain()
        folder.settle()
        return root[0]

    def _place(self, folder: TreeBuilder, previous: ParentFolder | None, entry: Entry) -> None:
        if isinstance(entry, Stream):
            self._place_stream(folder, previous, entry)
        elif isinstance(entry, Folder):
            node = self._virtual_node(entry.name, NodeKind.DIR, entry.mode, entry.mtime_ns)
            child = self._open_folder(folder, node, previous)
            below = self._enter(previous, entry.name)
            for inner in entry.entries:
                self._place(child, below, inner)
            child.settle()
        else:
            self._place_from_disk(folder, previous, entry)

    def _place_stream(self, folder: TreeBuilder, previous: ParentFolder | None, entry: Stream) -> None:
        node = self._virtual_node(entry.name, NodeKind.FILE, entry.mode, entry.mtime_ns)
        before = previous.node(entry.name) if previous else None
        folder.expect()

        def finish(content: tuple[BlobId, ...], size: int) -> None:
            node.content, node.size = content, size
            self._tally.count_file(size, new=before is None, unchanged=before is not None and before.content == content)
            folder.settle([node])

        self._tally.current = entry.name
        try:
            reader = entry.open()
            try:
                self._content.store_stream(reader, finish)
            finally:
                reader.close()
        except (StrongroomError, KeyboardInterrupt):
            raise
        except Exception as error:
            raise SourceError(f"Reading the stream {os.fsdecode(entry.name)} failed: {error}") from error

    def _virtual_node(self, name: bytes, kind: NodeKind, mode: int, mtime_ns: int | None) -> Node:
        """Return a node without inode and links: with invented numbers restic could treat files as hard links."""
        time_ns = self._time_ns if mtime_ns is None else mtime_ns
        return Node(
            name=name,
            kind=kind,
            mode=go_mode(kind, mode),
            mtime_ns=time_ns,
            atime_ns=time_ns,
            ctime_ns=time_ns,
            uid=local_user.user_id(),
            gid=local_user.group_id(),
        )

    def _open_folder(self, parent: TreeBuilder, node: Node, previous: ParentFolder | None) -> TreeBuilder:
        before = previous.node(node.name) if previous else None
        parent.expect()

        def finish(tree: BlobId) -> None:
            node.subtree = tree
            self._tally.count_folder(new=before is None, unchanged=before is not None and before.subtree == tree)
            parent.settle([node])

        return TreeBuilder(self._writer, finish)

    def _enter(self, previous: ParentFolder | None, name: bytes) -> ParentFolder | None:
        try:
            return previous.enter(name) if previous else None
        except Damaged as error:
            self._tally.notes.append(
                f"The folder {os.fsdecode(name)} of the parent snapshot is damaged, so all its files were read again:"
                f" {error}"
            )
            return None

    # Entries on a disk

    def _place_from_disk(self, folder: TreeBuilder, previous: ParentFolder | None, entry: OnDisk) -> None:
        top = _Level(folder, previous, b"", iter(()), entry, is_listed=True)
        folder.expect()
        stack = [top]
        self._place_path(stack, entry.name, entry.path, functools.partial(_look, entry.path))
        while stack:
            level = stack[-1]
            item = next(level.entries, None)
            if item is not None:
                level.listed.add(item.name)
                if entry.exclude is None or not entry.exclude(item.path):
                    self._place_path(stack, item.name, item.path, item.look)
            elif not level.is_listed:
                # After the listing: a file that is deleted meanwhile is in the listing or among the kept files.
                level.is_listed, level.entries = True, self._missed(level)
            else:
                self._flush(level)
                level.folder.settle(level.ready)
                stack.pop()

    def _missed(self, level: _Level) -> Iterator[_Item]:
        """Return the entries that the listing lacks: deleted files that are kept, or recalled from the parent."""
        disk, names = level.disk, set[bytes]()
        if disk.refuge is not None:
            names.update(disk.refuge.names(level.path))
        if disk.recall is not None and level.previous is not None:
            gone = set(level.previous.files()) - level.listed
            names.update(name for name in gone if disk.recall(os.path.join(level.path, name)))
        paths = ((name, os.path.join(level.path, name)) for name in sorted(names - level.listed))
        return iter([_Item(name, path, functools.partial(_look, path)) for name, path in paths])

    def _place_path(self, stack: list[_Level], name: bytes, path: bytes, look: Callable[[], os.stat_result]) -> None:
        try:
            self._place_found(stack, name, path, look(), lies_at=path)
        except FileNotFoundError as error:
            self._place_vanished(stack, name, path, error)
        except OSError as error:
            self._tally.add_problem(path, f"cannot read: {error.strerror}")

    def _place_vanished(self, stack: list[_Level], name: bytes, path: bytes, error: OSError) -> None:
        found = self._find(stack[-1], name, path)
        if isinstance(found, Node):
            stack[-1].ready.append(found)
            self._tally.count_file(found.size, new=False, unchanged=True)
            return
        try:
            if found is not None:
                self._place_found(stack, name, path, _look(found), lies_at=found)
                return
        except OSError as also:
            error = also
        # The root of the tree itself does not count as a deleted file.
        self._tally.add_problem(path, f"cannot read: {error.strerror}", vanished=len(stack) > 1)

    def _place_found(
        self, stack: list[_Level], name: bytes, path: bytes, status: os.stat_result, *, lies_at: bytes
    ) -> None:
        level = stack[-1]
        kind = kind_of(status)
        if kind is NodeKind.DIR:
            self._descend(stack, node_of(name, kind, status), path, lies_at=lies_at)
        elif kind is NodeKind.FILE:
            self._place_file(level, name, lies_at, status)
        elif kind is not None and kind is not NodeKind.SOCKET:
            level.ready.append(self._special(name, kind, lies_at, status))

    def _find(self, level: _Level, name: bytes, path: bytes) -> Node | bytes | None:
        """Find a file that was deleted: return its node in the parent snapshot, another path, or None."""
        disk = level.disk
        if disk.refuge is not None and (kept := disk.refuge.find(path)) is not None:
            return kept
        if disk.recall is not None and level.previous is not None and disk.recall(path):
            return level.previous.stored_file(name)
        return None

    def _descend(self, stack: list[_Level], node: Node, path: bytes, *, lies_at: bytes) -> None:
        above = stack[-1]
        # A deleted folder has no listing, only kept files.
        entries = _list(path) if lies_at == path else iter(())
        self._read_xattrs(node, lies_at)
        folder = self._open_folder(above.folder, node, above.previous)
        stack.append(_Level(folder, self._enter(above.previous, node.name), path, entries, above.disk))

    def _place_file(self, level: _Level, name: bytes, path: bytes, status: os.stat_result) -> None:
        before = level.previous.node(name) if level.previous else None
        content = level.previous.content_if_unchanged(name, status) if level.previous else None
        if before is not None and content is not None:
            node = node_of(name, NodeKind.FILE, status)
            # The change time of the inode is the same, so the extended attributes are too.
            node.xattrs, node.content, node.size = before.xattrs, content, status.st_size
            level.ready.append(node)
            self._tally.count_bytes(data_bytes(path, status))
            self._tally.count_file(node.size, new=False, unchanged=True)
            return
        task = _FileTask(name, path, before is None, functools.partial(self._find, level, name, path))
        if status.st_size > MIN_SIZE:
            self._submit(level, [task])
            return
        level.batch.append(task)
        level.batch_bytes += status.st_size
        if len(level.batch) >= _BATCH_FILES or level.batch_bytes >= _BATCH_BYTES:
            self._flush(level)

    def _flush(self, level: _Level) -> None:
        if level.batch:
            batch, level.batch, level.batch_bytes = level.batch, [], 0
            self._submit(level, batch)

    def _submit(self, level: _Level, batch: list[_FileTask]) -> None:
        self._tally.current = batch[-1].path
        for _ in batch:
            level.folder.expect()
        self._pool.submit(functools.partial(self._read_batch, level.folder, batch))

    def _read_batch(self, folder: TreeBuilder, batch: list[_FileTask]) -> None:
        for task in batch:
            self._content.store_file(task.name, task.path, self._file_done(folder, task), task.find)

    def _file_done(self, folder: TreeBuilder, task: _FileTask) -> Callable[[Node | None], None]:
        def done(node: Node | None) -> None:
            if node is not None:
                self._tally.count_file(node.size, new=task.new, unchanged=False)
            folder.settle([node] if node else [])

        return done

    def _special(self, name: bytes, kind: NodeKind, path: bytes, status: os.stat_result) -> Node:
        node = node_of(name, kind, status)
        if kind is NodeKind.SYMLINK:
            with reachable(path) as place:
                node.target = os.readlink(place)
        self._read_xattrs(node, path)
        return node

    def _read_xattrs(self, node: Node, path: bytes) -> None:
        try:
            with reachable(path) as place:
                node.xattrs = read_xattrs(place)
        except OSError as error:
            self._tally.add_problem(path, f"cannot read the extended attributes: {error.strerror}")


def _look(path: bytes) -> os.stat_result:
    with reachable(path) as place:
        return os.lstat(place)


def _list(path: bytes) -> Iterator[_Item]:
    """Return the entries of a folder, sorted by name. The folder was read when this returns. Raises OSError."""
    with reachable(path) as place, os.scandir(place) as listing:
        entries = sorted(listing, key=lambda item: item.name)
    if place == path:
        return (_Item(one.name, one.path, functools.partial(one.stat, follow_symlinks=False)) for one in entries)
    # The short path that was listed is no longer valid.
    paths = ((one.name, os.path.join(path, one.name)) for one in entries)
    return (_Item(name, inner, functools.partial(_look, inner)) for name, inner in paths)
