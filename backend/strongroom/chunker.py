"""Content-defined chunking of streams of any length, at constant memory.

Files below MIN_SIZE are one chunk, as with restic, so small files deduplicate across both. Larger ones are cut by
FastCDC; readers of the format never chunk again, so any cut is valid.
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
"""Bytes held at once: a cut is final as soon as it lies before the end of a window longer than MAX_SIZE."""

_cutter = FastCDC(avg_size=AVERAGE_SIZE, min_size=MIN_SIZE, max_size=MAX_SIZE)


def cut(reader: Reader) -> Iterator[bytes]:
    """The chunks of a stream, in order, none of them empty. Holds at most a window of 12 MiB and one chunk."""
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
