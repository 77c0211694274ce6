"""Build the tree of a folder whose entries finish in any order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from strongroom.format.tree import Node, encode_tree
from strongroom.ids import BlobId, BlobKind
from strongroom.repository.blob_writer import BlobWriter
from strongroom.workers import Countdown


class TreeBuilder:
    """Collect the nodes of a folder. After the last node, store the tree and call `done` with its id.

    A task that adds nodes later calls `expect` first, and `settle` with the nodes. The listing of the folder calls
    `settle` last.
    """

    def __init__(self, writer: BlobWriter, done: Callable[[BlobId], None]) -> None:
        self._writer = writer
        self._done = done
        self._nodes: list[Node] = []
        self._guard = threading.Lock()
        self._countdown = Countdown(self._finish)

    def expect(self) -> None:
        """Announce one further call of `settle`."""
        self._countdown.expect()

    def settle(self, nodes: Iterable[Node] = ()) -> None:
        """Add announced nodes, or none if they could not be read."""
        with self._guard:
            self._nodes.extend(nodes)
        self._countdown.settle()

    def _finish(self) -> None:
        self._done(self._writer.store(BlobKind.TREE, encode_tree(self._nodes)))
