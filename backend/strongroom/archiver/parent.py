"""The parent snapshot: find files that are unchanged and need not be read again."""

from __future__ import annotations

import os
from collections.abc import Iterator

from strongroom.format.tree import Node, NodeKind, decode_tree
from strongroom.ids import BlobId, BlobKind
from strongroom.repository.blob_reader import BlobReader


class ParentFolder:
    """A folder of the parent snapshot. Raises Damaged if its trees cannot be read."""

    def __init__(self, reader: BlobReader, tree: BlobId) -> None:
        self._reader = reader
        self._nodes = {node.name: node for node in decode_tree(reader.read(BlobKind.TREE, tree))}

    def node(self, name: bytes) -> Node | None:
        """Return the entry of that name."""
        return self._nodes.get(name)

    def enter(self, name: bytes) -> ParentFolder | None:
        """Return the folder of that name."""
        node = self._nodes.get(name)
        if node is None or node.kind is not NodeKind.DIR or node.subtree is None:
            return None
        return ParentFolder(self._reader, node.subtree)

    def content_if_unchanged(self, name: bytes, status: os.stat_result) -> tuple[BlobId, ...] | None:
        """Return the stored content of an unchanged file; None for a file that must be read.

        As in restic, a file is unchanged if its size, modification time, change time and inode are the same. All of
        its blobs must be stored: if one is lost or known to be damaged, the file is read and stored again.
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
        """Yield the names of its files."""
        return (name for name, node in self._nodes.items() if node.kind is NodeKind.FILE)

    def stored_file(self, name: bytes) -> Node | None:
        """Return the node of the file with that name; None if there is none, or if a part of its content is lost."""
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
