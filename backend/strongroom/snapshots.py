"""The content of a snapshot: find paths, walk folders, open files as streams."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType

from strongroom.errors import Damaged
from strongroom.expansion_limit import ExpansionLimit
from strongroom.format.snapshot import Snapshot
from strongroom.format.tree import Node, NodeKind, decode_tree, require_safe_name
from strongroom.ids import BlobId, BlobKind
from strongroom.repository import Index, Repository
from strongroom.repository.blob_reader import BlobReader
from strongroom.selection import Selection

MAX_DEPTH = 1 << 16
"""The deepest allowed nesting of folders."""


class ContentReader:
    """A stored file as a stream; a Reader and a context manager. Every blob is verified before a byte is returned."""

    def __init__(self, reader: BlobReader, node: Node) -> None:
        self._reader = reader
        self._blobs = iter(node.content or ())
        self._block = memoryview(b"")

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes; `b""` at the end. Raises Damaged."""
        while not self._block:
            blob = next(self._blobs, None)
            if blob is None:
                return b""
            self._block = memoryview(self._reader.read(BlobKind.DATA, blob))
        part, self._block = self._block[:size], self._block[size:]
        return bytes(part)

    def close(self) -> None:
        """Release the memory."""
        self._blobs = iter(())
        self._block = memoryview(b"")

    def __enter__(self) -> ContentReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class SnapshotView:
    """A snapshot opened for reading. Loads the index unless one is given. The caller holds a lock while using it."""

    def __init__(self, repository: Repository, snapshot: Snapshot, index: Index | None = None) -> None:
        self.repository = repository
        self.snapshot = snapshot
        self.reader = BlobReader(repository, index if index is not None else repository.load_index())

    def nodes(self, tree: BlobId) -> list[Node]:
        """Return the entries of a folder. Raises Damaged, or UnsafeName for a name that no file can have."""
        nodes = decode_tree(self.reader.read(BlobKind.TREE, tree))
        for node in nodes:
            require_safe_name(node.name)
        return nodes

    def find(self, path: bytes) -> Node | None:
        """Return the node at a path inside the snapshot, with parts separated by `/`; None if there is none."""
        found: Node | None = None
        tree: BlobId | None = self.snapshot.tree
        for part in path.strip(b"/").split(b"/"):
            if tree is None:
                return None
            found = next((node for node in self.nodes(tree) if node.name == part), None)
            if found is None:
                return None
            tree = found.subtree
        return found

    def subtree(self, path: bytes) -> BlobId | None:
        """Return the tree of the folder at a path, the root for an empty path; None if there is no such folder."""
        if not path.strip(b"/"):
            return self.snapshot.tree
        node = self.find(path)
        return node.subtree if node else None

    def walk(
        self, tree: BlobId | None = None, prefix: bytes = b"", *, only: Selection | None = None
    ) -> Iterator[tuple[bytes, Node]]:
        """Yield every node below a tree (by default the root) with its path, each folder before its content.

        With `only`, yield the selected paths and the folders above them; no other folder is read. Raises Damaged for a
        snapshot that repeats its folders without end.
        """
        root = self.snapshot.tree if tree is None else tree
        limit = self.expansion_limit()
        stack = [(prefix, iter(self.nodes(root)))]
        while stack:
            above, nodes = stack[-1]
            node = next(nodes, None)
            if node is None:
                stack.pop()
                continue
            path = above + b"/" + node.name if above else node.name
            if only is not None and not only.wants(path, folder=node.kind is NodeKind.DIR):
                continue
            yield path, node
            if node.kind is NodeKind.DIR:
                if node.subtree is None:
                    raise Damaged(f"The folder {path!r} in snapshot {self.snapshot.id[:8]} has no tree.")
                if len(stack) >= MAX_DEPTH:
                    raise Damaged(f"Snapshot {self.snapshot.id[:8]} is nested more than {MAX_DEPTH} folders deep.")
                below = self.nodes(node.subtree)
                limit.enter(node.subtree, len(below))
                stack.append((path, iter(below)))

    def expansion_limit(self) -> ExpansionLimit:
        """Return a new limit, for a walk of the caller."""
        return ExpansionLimit(self.reader.index, self.snapshot.id)

    def open(self, node: Node) -> ContentReader:
        """Open the content of a file. Raises ValueError for another kind of node."""
        if node.kind is not NodeKind.FILE:
            raise ValueError(f"{node.name!r} is a {node.kind.value} and has no content")
        return ContentReader(self.reader, node)
