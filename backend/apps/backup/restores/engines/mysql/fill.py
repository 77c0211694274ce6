"""Fill a MariaDB or MySQL database. Foreign keys are checked by queries after all rows are loaded."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from django.db.utils import Error as DatabaseFailure

from ....core.manifest import ColumnRecord, TableRecord
from ....core.sql import backticked
from ....errors import RestoreFailed
from ....portable.engines.base import RawTable, Timestamps
from ....portable.engines.mysql import MysqlReading, MysqlWriting
from ....portable.forms import Kind
from ....sources.engines.mysql.connection import fresh_connection
from ..fill_base import Counters, Scratch, definitions
from .server import is_out_of_room, reason

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper

_TYPES: Final = {
    Kind.BOOLEAN: "bool",
    Kind.INTEGER: "bigint",
    Kind.FLOAT: "double",
    Kind.DECIMAL: "decimal(65, 30)",
    Kind.TEXT: "longtext",
    Kind.BINARY: "longblob",
    Kind.DATE: "date",
    Kind.TIME: "time(6)",
    Kind.DATETIME: "datetime(6)",
    Kind.DURATION: "bigint",
    Kind.UUID: "char(32)",
    Kind.JSON: "longtext",
    Kind.ADDRESS: "char(39)",
}
_FOREIGN_KEYS: Final = """
    SELECT k.table_name, k.constraint_name, k.column_name, k.referenced_table_name, k.referenced_column_name
    FROM information_schema.key_column_usage k
    WHERE k.table_schema = DATABASE() AND k.referenced_table_name IS NOT NULL
    ORDER BY k.table_name, k.constraint_name, k.ordinal_position
"""
_TRIGGERS: Final = "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE() ORDER BY 1"


@contextlib.contextmanager
def open_mysql(scratch: Scratch) -> Iterator[MysqlFilling]:
    """Open the database `scratch.place` on the alias's server; its rows are committed at the end of the block."""
    try:
        with fresh_connection(scratch.alias, scratch.place) as wrapper, wrapper.cursor() as cursor:
            cursor.execute("SET SESSION foreign_key_checks = 0")
            cursor.execute("SET SESSION unique_checks = 0")
            filling = MysqlFilling(wrapper, cursor, scratch.timestamps, scratch.source)
            cursor.execute("SET autocommit = 0")
            yield filling
            cursor.execute("COMMIT")
    except DatabaseFailure as error:
        room = (
            " There is no space left on the disk of the database server; make room there."
            if is_out_of_room(error)
            else ""
        )
        raise RestoreFailed(
            f"The rows cannot be taken into the database {scratch.place!r}: {reason(error)}.{room} Nothing live was"
            " changed."
        ) from error


class MysqlFilling:
    """A database while it is filled."""

    def __init__(
        self, wrapper: BaseDatabaseWrapper, cursor: CursorWrapper, timestamps: Timestamps, source: str
    ) -> None:
        self._cursor = cursor
        self._source = source
        self.reading = MysqlReading(wrapper, cursor, timestamps=timestamps)
        self.reading.prepare()
        self._known: dict[str, RawTable] = {}
        self.writing = MysqlWriting(cursor, self._known, timestamps=timestamps)
        self._put_aside: list[str] = []

    def create(self, table: TableRecord) -> None:
        def type_of(column: ColumnRecord) -> str:
            if self._source == self.reading.name:
                return column.type
            kind = Kind(column.kind)
            # These servers allow no text of unlimited length as a key.
            return "varchar(255)" if kind is Kind.TEXT and column.name in table.key else _TYPES[kind]

        self._cursor.execute(f"CREATE TABLE {backticked(table.name)} ({definitions(table, type_of, backticked)})")

    def begin(self, tables: Iterable[RawTable]) -> None:
        self._known.update({table.name: table for table in tables})
        self._cursor.execute(_TRIGGERS)
        for (name,) in self._cursor.fetchall():
            self._cursor.execute(f"SHOW CREATE TRIGGER {backticked(str(name))}")
            row = self._cursor.fetchone()
            assert row is not None  # noqa: S101  it was listed
            self._put_aside.append(str(row[2]))
            self._cursor.execute(f"DROP TRIGGER {backticked(str(name))}")
        for name in self._known:
            self._cursor.execute(f"TRUNCATE TABLE {backticked(name)}")

    def finish(self, counters: Counters) -> list[str]:
        self._cursor.execute("COMMIT")
        for statement in self._put_aside:
            self._cursor.execute(statement, None)
        notes = self._orphans()
        for table, values in counters.items():
            for value in values.values():
                self._cursor.execute(f"ALTER TABLE {backticked(table)} AUTO_INCREMENT = {int(value) + 1}")
        return notes

    def _orphans(self) -> list[str]:
        notes = []
        self._cursor.execute(_FOREIGN_KEYS)
        keys: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
        for table, name, column, parent, parent_column in self._cursor.fetchall():
            keys.setdefault((table, name, parent), []).append((column, parent_column))
        for (table, name, parent), pairs in keys.items():
            matched = " AND ".join(
                f"p.{backticked(parent_column)} = c.{backticked(column)}" for column, parent_column in pairs
            )
            given = " AND ".join(f"c.{backticked(column)} IS NOT NULL" for column, _ in pairs)
            self._cursor.execute(
                f"SELECT {', '.join(f'c.{backticked(column)}' for column, _ in pairs)} FROM {backticked(table)} c"  # noqa: S608
                f" WHERE {given} AND NOT EXISTS (SELECT 1 FROM {backticked(parent)} p WHERE {matched}) LIMIT 1"
            )
            row = self._cursor.fetchone()
            if row is None:
                continue
            shown = f"{table} refers to {row} of {parent} ({name}), which is not there"
            if self._source != self.reading.name:
                raise RestoreFailed(f"The package's rows do not fit together: {shown}. Nothing live was changed.")
            notes.append(f"as in the database that was backed up, {shown}")
        return notes
