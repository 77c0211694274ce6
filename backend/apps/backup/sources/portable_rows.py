"""Databases in portable form as a source: one transaction reads all tables, each as a stream of lines.

The names of files are taken from the rows while they are read, so that they are of the same time and need no query.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from django.db import connections
from django.db.utils import Error as DatabaseFailure

from strongroom.entries import Entry, Folder, Stream
from strongroom.streams import PiecesReader, Reader

from ..core.manifest import DataRecord, TableRecord
from ..portable.engines.base import Reading
from ..portable.forms import Row
from ..portable.rows import encoded_lines
from ..portable.tables import FOLDER
from .engines.registry import engine_of
from .errors import CaptureFailed
from .file_references import NamedFiles, ReferenceField

if TYPE_CHECKING:
    pass


@dataclass
class PortableCapture:
    """One database at the consistency point. `record` has the figures of the tables that were read to their end."""

    record: DataRecord
    reading: Reading
    named: NamedFiles
    fields: Sequence[ReferenceField]
    size_hint: int | None = None
    _finished: dict[str, TableRecord] = field(default_factory=dict)

    def entries(self) -> list[Entry]:
        """Return a stream for each table, in the order of their names."""
        streams = [(table.path.rpartition("/")[2].encode(), table) for table in self.record.tables]
        return [Stream(name, self._opener(table)) for name, table in sorted(streams, key=lambda pair: pair[0])]

    def _opener(self, table: TableRecord) -> Callable[[], Reader]:
        def finished(rows: int, size: int, sha256: str) -> None:
            self._finished[table.name] = msgspec.structs.replace(table, rows=rows, size=size, sha256=sha256)

        def opened() -> Reader:
            with _translated(self.record.alias, table.name):
                lines = encoded_lines(self.reading.batches(table), finished, watch=self._watch(table))
                reader = PiecesReader(lines)
            return _Translating(reader, self.record.alias, table.name)

        return opened

    def _watch(self, table: TableRecord) -> Callable[[Sequence[Row]], None] | None:
        places = {column.name: place for place, column in enumerate(table.columns)}
        watched = [(one, places[one.column]) for one in self.fields if one.table == table.name and one.column in places]
        if not watched:
            return None

        def watch(rows: Sequence[Row]) -> None:
            for one, place in watched:
                self.named.add(one, [str(row[place]) for row in rows if row[place]])

        return watch

    def finished(self) -> DataRecord:
        """Return the record with the figures of all tables. Raises `CaptureFailed` if one was not read to its end."""
        unread = [table.name for table in self.record.tables if table.name not in self._finished]
        if unread:
            raise CaptureFailed(f"The table {unread[0]} was not read to its end; there is no backup.")
        tables = [self._finished[table.name] for table in self.record.tables]
        return msgspec.structs.replace(self.record, tables=tables, notes=[*self.record.notes, *self.reading.oddities()])


class _Translating:
    """A stream that translates errors of the database to `CaptureFailed`."""

    def __init__(self, reader: PiecesReader, alias: str, table: str) -> None:
        self._reader = reader
        self._alias = alias
        self._table = table

    def read(self, size: int, /) -> bytes:
        with _translated(self._alias, self._table):
            return self._reader.read(size)

    def close(self) -> None:
        self._reader.close()


@contextlib.contextmanager
def _translated(alias: str, table: str | None = None) -> Iterator[None]:
    try:
        with connections[alias].wrap_database_errors:
            yield
    # An error of SQLite may also be one of the temporary file of `NamedFiles`.
    except (DatabaseFailure, sqlite3.Error) as error:
        what = f"The database {alias!r}" if table is None else f"The table {table!r} of the database {alias!r}"
        raise CaptureFailed(f"{what} cannot be read: {str(error).strip()}") from error


def data_folder(captures: Sequence[PortableCapture]) -> Folder:
    """Return the folder of a package with all databases: the default one's tables, and a folder for each other one."""
    inside: dict[bytes, Entry] = {}
    for capture in captures:
        entries = capture.entries()
        parent = Path(capture.record.tables[0].path).parent.name if capture.record.tables else ""
        if parent == FOLDER:
            inside |= {entry.name: entry for entry in entries}
        elif parent:
            inside[parent.encode()] = Folder(parent.encode(), entries)
    return Folder(FOLDER.encode(), [inside[name] for name in sorted(inside)])


@contextlib.contextmanager
def open_portable(
    alias: str, staging: Path, *, fields: Sequence[ReferenceField], named: NamedFiles
) -> Iterator[PortableCapture]:
    """Fix the consistency point of one database, and read its rows while the block runs. Raises `CaptureFailed`."""
    with contextlib.ExitStack() as stack:
        with _translated(alias):
            opened = engine_of(alias).open_rows(alias, staging, stack)
            record = opened.record(alias)
        yield PortableCapture(record, opened.reading, named, fields, opened.size)
