"""Write the content of files, in the threads of a pool."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import TypeAlias

from strongroom.errors import Damaged
from strongroom.format.tree import Node
from strongroom.ids import BlobId, BlobKind
from strongroom.restorer.target import Target
from strongroom.snapshots import SnapshotView
from strongroom.workers import Countdown, Pool
from strongroom.zero_chunks import zero_chunks

_HOLE = 4096
"""Zeros at either end of a blob become a hole from this length on."""

Found: TypeAlias = tuple[bytes, Node]
"""An entry of the snapshot with its path."""


class ContentWriter:
    """Write the content of files of a snapshot into the target."""

    def __init__(self, view: SnapshotView, target: Target) -> None:
        self._view = view
        self._target = target

    def restore_batch(self, batch: list[Found]) -> None:
        """Restore files of one blob at most, each read and written at once."""
        for path, node in batch:
            try:
                content = b"".join(self._read(blob) for blob in node.content or ())
                _require_size(node, len(content))
            except Damaged as error:
                self._target.note_damage(path, str(error))
                continue
            descriptor = self._target.create(path)
            try:
                with self._target.naming(path):
                    _write_sparse(descriptor, content, 0)
                    os.ftruncate(descriptor, node.size)
            finally:
                os.close(descriptor)
            self._target.finish_file(path, node)

    def restore_large(self, pool: Pool, path: bytes, node: Node) -> None:
        """Restore a file with one task a blob. The last task closes the file, or removes it if a blob is damaged."""
        self._target.current = path
        sizes = [self._view.reader.index.size(BlobKind.DATA, blob) for blob in node.content or ()]
        known = [size for size in sizes if size is not None]
        try:
            if len(known) != len(sizes):
                raise Damaged("parts of its content are in no index")
            _require_size(node, sum(known))
        except Damaged as error:
            self._target.note_damage(path, str(error))
            return
        descriptor = self._target.create(path)
        with self._target.naming(path):
            os.ftruncate(descriptor, node.size)
        failures: list[str] = []

        def finish() -> None:
            os.close(descriptor)
            if failures:
                with self._target.reach(path) as place:
                    os.unlink(place)
                self._target.note_damage(path, failures[0])
            else:
                self._target.finish_file(path, node)

        countdown = Countdown(finish)
        offset = 0
        for blob, size in zip(node.content or (), known, strict=True):
            # A hole already reads as zeros.
            if blob not in zero_chunks():
                countdown.expect()
                task = functools.partial(self._restore_blob, path, descriptor, blob, offset, failures=failures)
                pool.share(functools.partial(self._settle_after, task, countdown))
            offset += size
        countdown.settle()

    def _restore_blob(self, path: bytes, descriptor: int, blob: BlobId, offset: int, *, failures: list[str]) -> None:
        try:
            with self._target.naming(path):
                _write_sparse(descriptor, self._read(blob), offset)
        except Damaged as error:
            failures.append(str(error))

    def _settle_after(self, task: Callable[[], None], countdown: Countdown) -> None:
        task()
        countdown.settle()

    def _read(self, blob: BlobId) -> bytes:
        return self._view.reader.read(BlobKind.DATA, blob)


def _require_size(node: Node, size: int) -> None:
    if size != node.size:
        raise Damaged(f"its content has {size} bytes, but its entry says {node.size}")


def _write_sparse(descriptor: int, content: bytes, offset: int) -> None:
    """Write all but the zeros at either end. The caller gives the file its full length."""
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
