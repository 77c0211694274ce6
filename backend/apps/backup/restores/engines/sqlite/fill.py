"""Fill an SQLite file. Its indexes and triggers are created again after all rows are loaded."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

from ....core.manifest import ColumnRecord, TableRecord
from ....core.sql import quoted
from ....errors import RestoreFailed
from ....portable.engines.base import RawTable, Timestamps
from ....portable.engines.sqlite import SqliteReading, SqliteWriting, is_index_of_a_table
from ....portable.forms import Kind
from ....portable.tables import decimal_places
from ..fill_base import Counters, Scratch, definitions

_TYPES: Final = {
    Kind.BOOLEAN: "bool",
    Kind.INTEGER: "integer",
    Kind.FLOAT: "real",
    Kind.DECIMAL: "decimal",
    Kind.BINARY: "BLOB",
    Kind.DATE: "date",
    Kind.TIME: "time",
    Kind.DATETIME: "datetime",
    Kind.DURATION: "bigint",
    Kind.UUID: "char(32)",
    Kind.TEXT: "text",
    Kind.JSON: "text",
    Kind.ADDRESS: "char(39)",
    Kind.MIXED: "",
}


@contextlib.contextmanager
def open_sqlite(scratch: Scratch) -> Iterator[SqliteFilling]:
    """Open the migrated file at `scratch.place`; its rows are safe on the disk only after the block."""
    uri = f"file:{quote(scratch.place)}?mode=rw"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
            for pragma in ("journal_mode = MEMORY", "synchronous = OFF", "foreign_keys = OFF", "cache_size = -65536"):
                connection.execute(f"PRAGMA {pragma}").fetchall()
            connection.execute("BEGIN EXCLUSIVE")
            yield SqliteFilling(connection, scratch.timestamps, decimal_places(scratch.known), scratch.source)
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise RestoreFailed(
            f"The rows cannot be taken into {Path(scratch.place).name}: {error}. Nothing live was changed."
        ) from error


class SqliteFilling:
    """A database file while it is filled."""

    def __init__(
        self, connection: sqlite3.Connection, timestamps: Timestamps, places: Mapping[tuple[str, str], int], source: str
    ) -> None:
        self._connection = connection
        self._source = source
        self.reading = SqliteReading(connection, timestamps=timestamps, places=places)
        self.writing = SqliteWriting(connection, timestamps=timestamps)
        self._put_aside: list[str] = []

    def create(self, table: TableRecord) -> None:
        columns = definitions(table, self._type_of, quoted)
        self._connection.execute(f"CREATE TABLE {quoted(table.name)} ({columns})")

    def _type_of(self, column: ColumnRecord) -> str:
        if self._source != self.reading.name:
            return _TYPES[Kind(column.kind)]
        # The declared type decides whether a text with a number becomes a number. ANY keeps the text in a STRICT table,
        # and makes a number of it in other tables, whose values have been converted already.
        return "" if column.type.upper() == "ANY" else column.type

    def begin(self, tables: Iterable[RawTable]) -> None:
        rows = self._connection.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type IN ('index', 'trigger')"
            " ORDER BY type, name"
        )
        for kind, name, sql in rows.fetchall():
            self._connection.execute(f"DROP {kind} {quoted(str(name))}")
            self._put_aside.append(str(sql))
        for table in tables:
            self._connection.execute(f"DELETE FROM {quoted(table.name)}")  # noqa: S608  quoted

    def finish(self, counters: Counters) -> list[str]:
        for sql in self._put_aside:
            self._connection.execute(sql)
        self._rebuild_indexes()
        notes = self._orphans()
        for table, values in counters.items():
            for value in values.values():
                self._count_from(table, value)
        return notes

    def _orphans(self) -> list[str]:
        found = self._connection.execute("PRAGMA foreign_key_check").fetchmany(5)
        if not found:
            return []
        shown = "; ".join(
            f"a row of {table} (rowid {row}) refers to no row of {parent}" for table, row, parent, _ in found
        )
        if self._source != self.reading.name:
            raise RestoreFailed(f"The package's rows do not fit together: {shown}. Nothing live was changed.")
        return [f"as in the database that was backed up, {shown}"]

    def _rebuild_indexes(self) -> None:
        """Rebuild full-text indexes of other tables, which the migrations have created, from these tables."""
        rows = self._connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
        for name, sql in rows:
            if is_index_of_a_table(str(sql)):
                table = quoted(str(name))
                self._connection.execute(f"INSERT INTO {table}({table}) VALUES ('rebuild')")  # noqa: S608  quoted

    def _count_from(self, table: str, value: int) -> None:
        sql = self._connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", [table]).fetchone()
        if sql is None or "AUTOINCREMENT" not in str(sql[0]).upper():
            return
        changed = self._connection.execute(
            "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", [value, table]
        ).rowcount
        if not changed:
            self._connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", [table, value])
