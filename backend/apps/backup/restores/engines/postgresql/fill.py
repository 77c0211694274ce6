"""Fill a PostgreSQL database. Foreign keys and indexes are created again, and so checked, after all rows are loaded;
triggers of tables are disabled meanwhile.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from django.db.utils import Error as DatabaseFailure

from ....core.manifest import ColumnRecord, TableRecord
from ....core.sql import quoted
from ....errors import RestoreFailed
from ....portable.engines.base import RawTable, Timestamps
from ....portable.engines.postgresql import PostgresqlReading, PostgresqlWriting
from ....portable.forms import Kind, is_type_name
from ....sources.engines.postgresql.dump import fresh_connection
from ..fill_base import Counters, Scratch, definitions

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

_TYPES: Final = {
    Kind.BOOLEAN: "boolean",
    Kind.INTEGER: "bigint",
    Kind.FLOAT: "double precision",
    Kind.DECIMAL: "numeric",
    Kind.TEXT: "text",
    Kind.BINARY: "bytea",
    Kind.DATE: "date",
    Kind.TIME: "time",
    Kind.DATETIME: "timestamp with time zone",
    Kind.DURATION: "interval",
    Kind.UUID: "uuid",
    Kind.JSON: "jsonb",
    Kind.ADDRESS: "inet",
}
_FOREIGN_KEYS: Final = """
    SELECT format('%I.%I', n.nspname, c.relname), k.conname, pg_get_constraintdef(k.oid)
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE k.contype = 'f' AND k.conparentid = 0 AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1, 2
"""
# Indexes that do not belong to a constraint.
_INDEXES: Final = """
    SELECT format('%I.%I', n.nspname, c.relname), pg_get_indexdef(i.indexrelid)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%' AND NOT c.relispartition
      AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid)
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = i.indrelid AND d.classid = 'pg_class'::regclass
                      AND d.deptype = 'e')
    ORDER BY 1
"""


@contextlib.contextmanager
def open_postgresql(scratch: Scratch) -> Iterator[PostgresqlFilling]:
    """Open the database `scratch.place` on the alias's server, in one transaction that ends with the block."""
    try:
        with fresh_connection(scratch.alias, scratch.place) as wrapper, wrapper.cursor() as cursor:
            filling = PostgresqlFilling(cursor, scratch.timestamps, scratch.source)
            cursor.execute("BEGIN")
            yield filling
            cursor.execute("COMMIT")
            cursor.execute("ANALYZE")
    except DatabaseFailure as error:
        raise RestoreFailed(
            f"The rows cannot be taken into the database {scratch.place!r}: {str(error).strip()}. Nothing live was"
            " changed."
        ) from error


class PostgresqlFilling:
    """One database."""

    def __init__(self, cursor: CursorWrapper, timestamps: Timestamps, source: str) -> None:
        self._cursor = cursor
        self._source = source
        self.reading = PostgresqlReading(cursor, timestamps)
        self.reading.prepare()
        self.writing = PostgresqlWriting(cursor, self.reading.identifiers, timestamps=timestamps)
        self._tables: list[str] = []
        self._put_aside: list[str] = []

    def create(self, table: TableRecord) -> None:
        schema, _, name = table.name.rpartition(".")
        place = f"{quoted(schema)}.{quoted(name)}" if schema else quoted(name)
        if schema:
            self._cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}")
        self._cursor.execute(f"CREATE TABLE {place} ({definitions(table, self._type_of, quoted)})")

    def _type_of(self, column: ColumnRecord) -> str:
        """Return the type of a column that no migration makes: its own, if it exists here, or the nearest one."""
        kind = Kind(column.kind)
        if self._source == self.reading.name and is_type_name(column.type):
            self._cursor.execute("SELECT to_regtype(%s) IS NOT NULL", [column.type])
            if (self._cursor.fetchone() or (False,))[0]:
                return column.type
        if kind is Kind.NATIVE:
            # For example an enumeration, which needs SQL of its own. Its values are texts in the package.
            return "text"
        return f"{_TYPES[Kind(column.item)]}[]" if kind is Kind.ARRAY else _TYPES[kind]

    def begin(self, tables: Iterable[RawTable]) -> None:
        self._tables = [self.reading.identifiers[table.name] for table in tables]
        self._cursor.execute(_FOREIGN_KEYS, None)
        for table, name, definition in self._cursor.fetchall():
            self._cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {quoted(name)}")
            self._put_aside.append(f"ALTER TABLE {table} ADD CONSTRAINT {quoted(name)} {definition}")
        self._cursor.execute(_INDEXES, None)
        for index, definition in self._cursor.fetchall():
            self._cursor.execute(f"DROP INDEX {index}")
            self._put_aside.insert(0, definition)
        if self._tables:
            self._cursor.execute(f"TRUNCATE {', '.join(self._tables)} RESTART IDENTITY")
        for table in self._tables:
            self._cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")

    def finish(self, counters: Counters) -> list[str]:
        for statement in self._put_aside:
            # Without parameters, since a definition may contain a percent sign.
            self._cursor.execute(statement, None)
        for table in self._tables:
            self._cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        for table, values in counters.items():
            for column, value in values.items():
                self._count_from(self.reading.identifiers[table], column, value)
        return []

    def _count_from(self, table: str, column: str, value: int) -> None:
        self._cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [table, column])
        row = self._cursor.fetchone()
        if row is None or row[0] is None:
            return
        self._cursor.execute(
            f"SELECT setval(%s, GREATEST(%s::bigint, (SELECT max({quoted(column)}) FROM {table})), true)",  # noqa: S608
            [row[0], value],
        )
