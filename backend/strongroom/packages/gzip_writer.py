"""gzip on several processors: each block is compressed separately and becomes a member of one gzip file.

Every gzip reader accepts that (RFC 1952, section 2.2). ISA-L and zlib work outside the GIL and write no time and no
name, so the same content gives the same bytes.
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
"""The level of ISA-L. The next level takes three times as long and saves little."""
STORED: Final = 0
_MOST_DEFLATED: Final = 200
"""The maximum compression ratio of a block. Readers refuse a package that inflates to 250 times its size."""
_GZIP: Final = 31


class GzipWriter:
    """Write gzip to `target`, in order. Memory is limited to a few blocks per processor. `STORED` is a level, too."""

    def __init__(self, target: Sink, *, level: int = LEVEL) -> None:
        self._target = target
        self._level = level
        self._buffer = bytearray()
        workers = max(1, min(8, os.cpu_count() or 1))
        self._pool = concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix="gzip")
        self._pending: collections.deque[concurrent.futures.Future[bytes]] = collections.deque()
        self._bound = 2 * workers

    def write(self, data: bytes) -> None:
        """Write data. May wait for the compressors."""
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
        """Write all data to the target, ending the current member. The target stays open."""
        if self._buffer:
            self._submit(bytes(self._buffer))
            self._buffer.clear()
        while self._pending:
            self._target.write(self._pending.popleft().result())

    @contextlib.contextmanager
    def diverted(self, target: Sink) -> Iterator[None]:
        """Write the compressed data to `target` instead while the block runs."""
        self.flush()
        before, self._target = self._target, target
        try:
            yield
            self.flush()
        finally:
            self._target = before

    def close(self) -> None:
        """Stop the threads and drop unfinished blocks."""
        self._pool.shutdown(cancel_futures=True)


def _compress(block: bytes, level: int) -> bytes:
    if level == STORED:
        return _stored(block)
    packed = _deflated(block, level)
    if len(packed) * _MOST_DEFLATED >= len(block):
        return packed
    # Gigabytes of zeros would compress so well that a reader would refuse the package as a bomb. So the end of such a
    # block is not compressed.
    end = len(block) - len(block) // _MOST_DEFLATED
    return _deflated(block[:end], level) + _stored(block[end:])


def _deflated(data: bytes, level: int) -> bytes:
    compressor = isal_zlib.compressobj(level, isal_zlib.DEFLATED, _GZIP)
    return compressor.compress(data) + compressor.flush()


def _stored(data: bytes) -> bytes:
    storing = zlib.compressobj(0, zlib.DEFLATED, _GZIP)
    return storing.compress(data) + storing.flush()
