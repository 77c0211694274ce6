"""Download one file of a snapshot."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from strongroom.downloads.base import LeftOut, Part, Stretch, identity_of, read_range
from strongroom.errors import Damaged
from strongroom.format.tree import Node, NodeKind
from strongroom.ids import BlobKind
from strongroom.snapshots import SnapshotView


class FileDownload:
    """The content of a file. The index has the sizes to find an offset. Raises Damaged if they do not fit."""

    def __init__(self, view: SnapshotView, node: Node) -> None:
        if node.kind is not NodeKind.FILE:
            raise ValueError(f"{node.name!r} is a {node.kind.value} and has no content")
        require_complete(view, node)
        self._view = view
        self._node = node
        self.length = node.size
        self.identity = identity_of("file", node.size, *(node.content or ()))
        self.left_out = LeftOut()

    def read(self, start: int, stop: int) -> Stretch:
        """Yield the bytes from `start` up to `stop`; see `Download`."""
        return read_range(content_parts(self._view, self._node), start, stop)


def content_parts(view: SnapshotView, node: Node) -> Iterator[Part]:
    """Yield the blobs of a file as parts. Raises Damaged if one is in no index."""
    for blob in node.content or ():
        size = view.reader.index.size(BlobKind.DATA, blob)
        if size is None:
            raise Damaged(
                f"The content of {node.name!r} is incomplete: the blob {blob.hex()} is in no index. Run"
                " `strongroom check`."
            )
        yield Part(size, functools.partial(view.reader.read, BlobKind.DATA, blob))


def require_complete(view: SnapshotView, node: Node) -> None:
    """Raise Damaged unless all blobs of a file are indexed and their sizes add up to its size."""
    there = sum(part.size for part in content_parts(view, node))
    if there != node.size:
        raise Damaged(f"The content of {node.name!r} has {there} bytes instead of {node.size}. Run `strongroom check`.")
