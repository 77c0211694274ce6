"""Rows as lines: write them from a database in batches, and read them from a package."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Final

import msgspec

from strongroom.streams import Reader

from ..core.manifest import TableRecord
from .engines.base import Batches
from .errors import NotPortable
from .forms import MAX_LINE, Row, encode_rows, row_decoder

_LITTLE: Final = 1 << 19
_MUCH: Final = 1 << 22
_MOST_ROWS: Final = 4096
_PIECE: Final = 1 << 20

Watch = Callable[[Sequence[Row]], None]
"""Called with the rows of each batch."""


def encoded_lines(
    batches: Batches, finished: Callable[[int, int, str], None], *, watch: Watch | None = None
) -> Generator[bytes, None, None]:
    """Yield the lines of a table in pieces. `finished` gets rows, bytes and SHA-256 when the last one was taken.

    The number of rows in a batch depends on their size, so that the use of memory is limited.
    """
    digest = hashlib.sha256()
    count, rows, size = 1, 0, 0
    while found := batches.fetch(count):
        if watch is not None:
            watch(found)
        lines = encode_rows(found)
        digest.update(lines)
        rows, size = rows + len(found), size + len(lines)
        count = _next_count(count, len(lines))
        yield lines
    finished(rows, size, digest.hexdigest())


def _next_count(count: int, size: int) -> int:
    """Return the number of rows to fetch next, after `count` rows had `size` bytes."""
    if size < _LITTLE:
        return min(2 * count, _MOST_ROWS)
    return max(1, count * _MUCH // (2 * size)) if size > _MUCH else count


def read_all(batches: Batches, take: Callable[[Sequence[Row]], int]) -> None:
    """Pass all rows to `take` in batches; it returns the size of its rows as lines in bytes."""
    count = 1
    while found := batches.fetch(count):
        count = _next_count(count, take(found))


def read_rows(table: TableRecord, content: Reader) -> Iterator[Sequence[Row]]:
    """Yield the rows of a table's file in batches. Raises `NotPortable` for a line that is no row of the table."""
    decoder = row_decoder(table)
    done = 0
    for lines in _whole_lines(table, content):
        try:
            rows = decoder.decode_lines(lines)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise NotPortable(f"{table.path} has, after row {done}, what is no row of it: {error}.") from error
        done += len(rows)
        yield rows
    if done != table.rows:
        raise NotPortable(f"{table.path} has {done} rows, the manifest says {table.rows}; take another package.")


def _whole_lines(table: TableRecord, content: Reader) -> Iterator[bytes]:
    rest = bytearray()
    while piece := content.read(_PIECE):
        end = piece.rfind(b"\n") + 1
        if end:
            yield bytes(rest) + piece[:end]
            rest = bytearray(piece[end:])
        else:
            rest += piece
        if len(rest) > MAX_LINE:
            raise NotPortable(f"{table.path} has a row of more than {MAX_LINE:,} bytes; no database takes that.")
    if rest:
        raise NotPortable(f"{table.path} does not end with a whole row; take another package.")
