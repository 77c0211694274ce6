"""Download a folder of a snapshot as a plain `.tar` with POSIX extended headers, which every tar reads.

Symbolic links stay links; each hard link gets the content. Sockets, pipes and devices are left out. Nothing is
compressed, so that the tree determines the length, and an offset is found without reading the bytes before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from strongroom.downloads.base import LeftOut, Measure, Measures, Part, Stretch, fixed, identity_of, read_range
from strongroom.downloads.file import content_parts, require_complete
from strongroom.errors import Damaged, UnsafeName
from strongroom.format.tree import Node, NodeKind
from strongroom.packages import tar_header
from strongroom.packages.tar_format import END, padding
from strongroom.packages.tar_header import Header
from strongroom.snapshots import SnapshotView

_VERSION: Final = 1
"""The version of the form. Another version gives other bytes for the same folder."""
_TYPES: Final = {NodeKind.FILE: tar_header.FILE, NodeKind.DIR: tar_header.FOLDER, NodeKind.SYMLINK: tar_header.LINK}


class FolderDownload:
    """A folder under its own name, with everything below it.

    Reads the trees to find the length, unless `measures` has it. Raises Damaged, or UnsafeName for a tree that would be
    unpacked outside of its folder.
    """

    def __init__(self, view: SnapshotView, node: Node, *, measures: Measures | None = None) -> None:
        if node.kind is not NodeKind.DIR:
            raise ValueError(f"{node.name!r} is a {node.kind.value}, not a folder")
        self._view = view
        self._node = node
        self.identity = identity_of("tar", _VERSION, node.subtree, _header(node.name, node).encode())
        known = {} if measures is None else measures
        measure = known.get(self.identity)
        if measure is None:
            measure = known[self.identity] = self._measure()
        self.length = measure.length
        self.left_out = measure.left_out

    def _measure(self) -> Measure:
        left_out = LeftOut()
        length = len(END)
        for path, node in self._entries():
            if node.kind not in _TYPES:
                left_out.count(node)
                continue
            length += _header(path, node).length
            if node.kind is NodeKind.FILE:
                require_complete(self._view, node)
                length += node.size + len(padding(node.size))
        return Measure(length, left_out)

    def _entries(self) -> Iterator[tuple[bytes, Node]]:
        yield self._node.name, self._node
        if self._node.subtree is None:
            raise Damaged(f"The folder {self._node.name!r} has no tree.")
        before: list[bytes] = []
        for path, node in self._view.walk(self._node.subtree, self._node.name):
            parts = path.split(b"/")
            # With a link and a folder of the same name, tar would follow the link.
            if parts <= before:
                raise UnsafeName(
                    f"{path!r} is in the folder twice or out of order. The snapshot is damaged or was made to do harm."
                )
            before = parts
            yield path, node

    def _parts(self) -> Iterator[Part]:
        for path, node in self._entries():
            if node.kind not in _TYPES:
                continue
            yield fixed(_header(path, node).encode())
            if node.kind is NodeKind.FILE:
                yield from content_parts(self._view, node)
                yield fixed(padding(node.size))
        yield fixed(END)

    def read(self, start: int, stop: int) -> Stretch:
        """Yield the bytes from `start` up to `stop`; see `Download`."""
        return read_range(self._parts(), start, stop)


def _header(path: bytes, node: Node) -> Header:
    return Header(
        _TYPES[node.kind],
        path + b"/" if node.kind is NodeKind.DIR else path,
        size=node.size if node.kind is NodeKind.FILE else 0,
        mode=node.permissions,
        uid=node.uid,
        gid=node.gid,
        mtime_ns=node.mtime_ns,
        target=node.target or b"",
    )
