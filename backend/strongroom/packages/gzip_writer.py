"""gzip on several processors: blocks are compressed apart and stand one after the other as members of one gzip file.

Every gzip reader takes that (RFC 1952, section 2.2). ISA-L and zlib work outside the interpreter's lock, and write no
time and no name: the same content gives the same bytes.
"""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import os
import zlib
from collections.abc import Iterator
from typing import Final

from isal import isal_zlib

from strongroom.packages.openpgp import Sink

BLOCK: Final = 1 << 20
LEVEL: Final = 2
"""Of ISA-L: what its next one saves beyond that is not worth three times the time."""
STORED: Final = 0
_MOST_DEFLATED: Final = 200
"""No block becomes smaller than one part of so many; readers refuse a package that swells to 250 times its size."""
_GZIP: Final = 31


class GzipWriter:
    """Writes gzip to `target`, in order; memory is bounded by a few blocks per processor. `STORED` is a level too."""

    def __init__(self, target: Sink, *, level: int = LEVEL) -> None:
        self._target = target
        self._level = level
        self._buffer = bytearray()
        workers = max(1, min(8, os.cpu_count() or 1))
        self._pool = concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix="gzip")
        self._pending: collections.deque[concurrent.futures.Future[bytes]] = collections.deque()
        self._bound = 2 * workers

    def write(self, data: bytes) -> None:
        """Take in data; may wait for the compressors."""
        self._buffer += data
        while len(self._buffer) >= BLOCK:
            block = bytes(self._buffer[:BLOCK])
            del self._buffer[:BLOCK]
            self._submit(block)

    def _submit(self, block: bytes) -> None:
        self._pending.append(self._pool.submit(_compress, block, self._level))
        while len(self._pending) > self._bound:
            self._target.write(self._pending.popleft().result())

    def flush(self) -> None:
        """Bring everything to the target, as members that end here; the target stays open."""
        if self._buffer:
            self._submit(bytes(self._buffer))
            self._buffer.clear()
        while self._pending:
            self._target.write(self._pending.popleft().result())

    @contextlib.contextmanager
    def diverted(self, target: Sink) -> Iterator[None]:
        """What is written in the block goes to `target` instead, compressed in the same way."""
        self.flush()
        before, self._target = self._target, target
        try:
            yield
            self.flush()
        finally:
            self._target = before

    def close(self) -> None:
        """Stop the threads; what was not finished is dropped."""
        self._pool.shutdown(cancel_futures=True)


def _compress(block: bytes, level: int) -> bytes:
    if level == STORED:
        return _stored(block)
    packed = _deflated(block, level)
    if len(packed) * _MOST_DEFLATED >= len(block):
        return packed
    # Of gigabytes of zeros so little would be left that a reader takes the package for a bomb. The end of such a block
    # stays as it is.
    end = len(block) - len(block) // _MOST_DEFLATED
    return _deflated(block[:end], level) + _stored(block[end:])


def _deflated(data: bytes, level: int) -> bytes:
    compressor = isal_zlib.compressobj(level, isal_zlib.DEFLATED, _GZIP)
    return compressor.compress(data) + compressor.flush()


def _stored(data: bytes) -> bytes:
    storing = zlib.compressobj(0, zlib.DEFLATED, _GZIP)
    return storing.compress(data) + storing.flush()
