"""Content-defined chunking of streams of any length, in constant memory.

Files below MIN_SIZE are one chunk, as in restic, so small files deduplicate across both. Larger files are split by
FastCDC. Readers of the format never chunk, so any boundary is valid.
"""

from __future__ import annotations

from collections.abc import Iterator

from pyfastcdc import FastCDC

from strongroom.streams import Reader

MIN_SIZE = 512 << 10
AVERAGE_SIZE = 1 << 20
MAX_SIZE = 8 << 20
_READ_SIZE = 1 << 20
_WINDOW = MAX_SIZE + 4 * _READ_SIZE
"""Bytes in memory: a boundary is final when it lies before the end of a window that is longer than MAX_SIZE."""

_cutter = FastCDC(avg_size=AVERAGE_SIZE, min_size=MIN_SIZE, max_size=MAX_SIZE)


def split(reader: Reader) -> Iterator[bytes]:
    """Yield the chunks of a stream, in order, none of them empty. Holds at most 12 MiB and one chunk in memory."""
    window = bytearray()
    at_end = False
    while True:
        while not at_end and len(window) < _WINDOW:
            block = reader.read(min(_READ_SIZE, _WINDOW - len(window)))
            at_end = not block
            window += block
        taken = 0
        with memoryview(window) as view:
            for length in _lengths(view):
                if not at_end and taken + length == len(window):
                    break
                yield bytes(view[taken : taken + length])
                taken += length
        if at_end:
            return
        del window[:taken]


def _lengths(view: memoryview) -> Iterator[int]:
    if len(view) <= MIN_SIZE:
        yield from [len(view)] if len(view) else []
        return
    for chunk in _cutter.cut_buf(view):
        length: int = chunk.length
        chunk.data.release()
        yield length
