"""Folders whose entries are still on their way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from strongroom.format.tree import Node, encode_tree
from strongroom.ids import BlobId, BlobKind
from strongroom.repository.blob_writer import BlobWriter
from strongroom.workers import Countdown


class OpenFolder:
    """Collects the nodes of a folder. When the last has come, stores the tree and hands `done` its id.

    Whoever adds nodes later calls `expect` before and `settle` with them; who lists the folder settles last.
    """

    def __init__(self, writer: BlobWriter, done: Callable[[BlobId], None]) -> None:
        self._writer = writer
        self._done = done
        self._nodes: list[Node] = []
        self._guard = threading.Lock()
        self._countdown = Countdown(self._finish)

    def expect(self) -> None:
        """Further nodes will come."""
        self._countdown.expect()

    def settle(self, nodes: Iterable[Node] = ()) -> None:
        """Nodes that were expected, or none of them after all."""
        with self._guard:
            self._nodes.extend(nodes)
        self._countdown.settle()

    def _finish(self) -> None:
        self._done(self._writer.store(BlobKind.TREE, encode_tree(self._nodes)))
