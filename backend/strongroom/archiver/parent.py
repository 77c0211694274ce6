"""What an earlier snapshot knows: which files need not be read again."""

from __future__ import annotations

import os
from collections.abc import Iterator

from strongroom.format.tree import Node, NodeKind, decode_tree
from strongroom.ids import BlobId, BlobKind
from strongroom.repository.blob_reader import BlobReader


class ParentFolder:
    """A folder of the parent snapshot, and the way down into it. Raises Damaged where its trees cannot be read."""

    def __init__(self, reader: BlobReader, tree: BlobId) -> None:
        self._reader = reader
        self._nodes = {node.name: node for node in decode_tree(reader.read(BlobKind.TREE, tree))}

    def node(self, name: bytes) -> Node | None:
        """The entry of that name."""
        return self._nodes.get(name)

    def enter(self, name: bytes) -> ParentFolder | None:
        """The folder of that name."""
        node = self._nodes.get(name)
        if node is None or node.kind is not NodeKind.DIR or node.subtree is None:
            return None
        return ParentFolder(self._reader, node.subtree)

    def content_if_unchanged(self, name: bytes, status: os.stat_result) -> tuple[BlobId, ...] | None:
        """The stored content of a file that has not changed since, None for one that must be read.

        Unchanged is what restic takes for it: same size, time of change of content and of inode, and inode. The
        content must be there in full: a blob that has since been lost or is known to be damaged is stored again by
        reading.
        """
        node = self._nodes.get(name)
        if (
            node is None
            or node.size != status.st_size
            or node.mtime_ns != status.st_mtime_ns
            or node.ctime_ns != status.st_ctime_ns
            or node.inode != status.st_ino
        ):
            return None
        return self._content_of(node)

    def files(self) -> Iterator[bytes]:
        """The names of its files."""
        return (name for name, node in self._nodes.items() if node.kind is NodeKind.FILE)

    def stored_file(self, name: bytes) -> Node | None:
        """Return the file of that name as the parent has it; None if there is none, or if not all of it is there."""
        node = self._nodes.get(name)
        return None if node is None or node.kind is not NodeKind.FILE or self._content_of(node) is None else node

    def _content_of(self, node: Node) -> tuple[BlobId, ...] | None:
        if node.content is None:
            return None
        index = self._reader.index
        sizes = [index.size(BlobKind.DATA, blob) if (BlobKind.DATA, blob) in index else None for blob in node.content]
        if None in sizes or sum(size for size in sizes if size is not None) != node.size:
            return None
        return node.content
