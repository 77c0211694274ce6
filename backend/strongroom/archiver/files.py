"""Store the content of files and streams as blobs."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from strongroom.chunker import MIN_SIZE, split
from strongroom.format.tree import Node, NodeKind
from strongroom.ids import BlobId, BlobKind
from strongroom.long_paths import reachable
from strongroom.node_metadata import node_of, read_xattrs
from strongroom.repository.blob_writer import BlobWriter
from strongroom.streams import Reader
from strongroom.workers import Countdown, Pool
from strongroom.zero_chunks import zeros_id

_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_ATTEMPTS = 2

Report = Callable[[bytes, str], None]
"""Called with a path and the reason why it could not be stored completely."""
Find = Callable[[], "Node | bytes | None"]
"""Finds a file that was deleted: returns its node in the parent, another path, or None."""


class _Descriptor:
    """A Reader over an open file."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.delivered = 0

    def read(self, size: int) -> bytes:
        block = os.read(self.number, size)
        self.delivered += len(block)
        return block

    def close(self) -> None:
        os.close(self.number)


class ContentStore:
    """Store the content of files and streams.

    `report` is called for each file that could not be read completely, `gone` for each file that was deleted, and
    `count` with the number of bytes of each chunk that is stored.
    """

    def __init__(
        self, writer: BlobWriter, pool: Pool, report: Report, gone: Report, count: Callable[[int], None]
    ) -> None:
        self._count = count
        self._writer = writer
        self._pool = pool
        self._report = report
        self._gone = gone

    def store_stream(self, reader: Reader, done: Callable[[tuple[BlobId, ...], int], None]) -> None:
        """Chunk a stream in this thread; the pool stores the chunks. `done` gets the blobs and the size."""
        self._store_chunks(reader, done, self._pool.submit)

    def store_file(self, name: bytes, path: bytes, done: Callable[[Node | None], None], find: Find) -> None:
        """Read and store a file. `done` gets its node, or None if the file cannot be read, which is reported.

        `find` is called if the file was deleted. A file that changes while it is read is read once more. If it changes
        again, the content that was read is stored with its size, and the change is reported.
        """
        for attempt in range(_ATTEMPTS):
            try:
                with reachable(path) as place:
                    descriptor = _Descriptor(os.open(place, _FLAGS))
            except FileNotFoundError as error:
                found = find()
                if isinstance(found, bytes):
                    self.store_file(name, found, done, lambda: None)
                    return
                if found is None:
                    self._gone(path, f"cannot open: {error.strerror}")
                done(found)
                return
            except OSError as error:
                self._report(path, f"cannot open: {error.strerror}")
                done(None)
                return
            try:
                finished = self._read(name, path, descriptor, done, last=attempt + 1 == _ATTEMPTS)
            except OSError as error:
                self._report(path, f"cannot read: {error.strerror}")
                done(None)
                return
            finally:
                descriptor.close()
            if finished:
                return

    def _read(
        self, name: bytes, path: bytes, file: _Descriptor, done: Callable[[Node | None], None], *, last: bool
    ) -> bool:
        """Return whether `done` was or will be called; False if the file changed and there is another attempt."""
        before = os.fstat(file.number)
        if not stat.S_ISREG(before.st_mode):
            self._report(path, "is no longer a regular file: it was replaced after the folder was listed")
            done(None)
            return True
        node = node_of(name, NodeKind.FILE, before)
        try:
            node.xattrs = read_xattrs(file.number)
        except OSError as error:
            self._report(path, f"cannot read the extended attributes: {error.strerror}")
        if before.st_size <= MIN_SIZE:
            return self._read_small(node, path, file, before, done, last=last)
        return self._read_large(node, path, file, before, done, last=last)

    def _read_small(
        self,
        node: Node,
        path: bytes,
        file: _Descriptor,
        before: os.stat_result,
        done: Callable[[Node | None], None],
        *,
        last: bool,
    ) -> bool:
        data = file.read(MIN_SIZE + 1)
        # Another read, to see the end of the file, or the rest if it has grown or came in pieces.
        rest = file.read(MIN_SIZE + 1 - len(data)) if data else b""
        while rest and len(data) <= MIN_SIZE:
            data += rest
            rest = file.read(MIN_SIZE + 1 - len(data))
        if len(data) > MIN_SIZE:
            os.lseek(file.number, 0, os.SEEK_SET)
            file.delivered = 0
            return self._read_large(node, path, file, before, done, last=last)
        if not self._is_steady(path, file, before, last=last):
            return False
        node.size = len(data)
        node.content = (self._writer.store(BlobKind.DATA, data),) if data else ()
        self._count(len(data))
        done(node)
        return True

    def _read_large(
        self,
        node: Node,
        path: bytes,
        file: _Descriptor,
        before: os.stat_result,
        done: Callable[[Node | None], None],
        *,
        last: bool,
    ) -> bool:
        steady = False

        def finish(content: tuple[BlobId, ...], size: int) -> None:
            if steady:
                node.content, node.size = content, size
                done(node)

        # `settle` comes after `_is_steady`, so `finish` sees its result.
        settle = self._begin_chunks(file, finish, self._pool.share)
        steady = self._is_steady(path, file, before, last=last)
        settle()
        return steady

    def _is_steady(self, path: bytes, file: _Descriptor, before: os.stat_result, *, last: bool) -> bool:
        after = os.fstat(file.number)
        if (
            (after.st_size, after.st_mtime_ns)
            == (before.st_size, before.st_mtime_ns)
            == (
                file.delivered,
                before.st_mtime_ns,
            )
        ):
            return True
        if last:
            self._report(path, "changed while it was read; the content that was read is stored")
        return last

    def _store_chunks(
        self,
        reader: Reader,
        done: Callable[[tuple[BlobId, ...], int], None],
        hand_on: Callable[[Callable[[], None]], None],
    ) -> None:
        self._begin_chunks(reader, done, hand_on)()

    def _begin_chunks(
        self,
        reader: Reader,
        done: Callable[[tuple[BlobId, ...], int], None],
        hand_on: Callable[[Callable[[], None]], None],
    ) -> Callable[[], None]:
        """Chunk the stream and hand on every chunk. Return a function that must be called before `done` can run."""
        content: list[BlobId] = []
        size = 0
        countdown = Countdown(lambda: done(tuple(content), size))
        for position, chunk in enumerate(split(reader)):
            content.append(_UNKNOWN)
            size += len(chunk)
            countdown.expect()
            hand_on(self._chunk_task(content, position, chunk, countdown))
        return countdown.settle

    def _chunk_task(
        self, content: list[BlobId], position: int, chunk: bytes, countdown: Countdown
    ) -> Callable[[], None]:
        def store() -> None:
            zeros = zeros_id(chunk)
            content[position] = self._writer.store(BlobKind.DATA, chunk, identity=zeros)
            if zeros is None:
                self._count(len(chunk))
            countdown.settle()

        return store


_UNKNOWN = BlobId(b"")
