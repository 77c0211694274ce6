"""Every row of a database in full precision, read beside Django, with the driver alone, into a file of its own.

A capture is a SQLite file: one line per row, with its table, its primary key and its values as exact text. Two captures
of one database, taken by the same code, are then compared in order (`compare`), in constant memory.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, Protocol

import psycopg
from psycopg import sql

ROWS: Final = 1_000
# The tables of the backup system are its catalogue: they go on while the rest is put back to what it was.
LEDGER_PREFIX: Final = "backup_"
# Objects that are no tables are captured as one table, under a name that no table has.
SCHEMA: Final = "(schema)"
SEQUENCES: Final = "(sequences)"

Values = Sequence[str | None]


@dataclass(frozen=True)
class Table:
    """A table: the names of its columns, and which of them, by position, are its key (all, where it has none)."""

    name: str
    columns: tuple[str, ...]
    key: tuple[int, ...]


class TableSource(Protocol):
    """A database that is read in one transaction."""

    def capture(self, destination: Path) -> None:
        """Write every row to the new file `destination`."""
        ...


@dataclass(frozen=True)
class SqliteTables:
    """The tables of a SQLite file."""

    path: Path

    def capture(self, destination: Path) -> None:
        """Write every row to the new file `destination`."""
        with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True, isolation_level=None)) as source:
            source.text_factory = _lossless
            source.execute("BEGIN")
            write_capture(destination, self._everything(source))

    def _everything(self, source: sqlite3.Connection) -> Iterator[tuple[Table, Iterable[Values]]]:
        objects = "SELECT tbl_name, type, name, sql FROM sqlite_master"
        yield Table(SCHEMA, ("table", "type", "name", "sql"), (0, 1, 2)), _literals(source.execute(objects))
        names = source.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            # Text literals for the pragma's argument, a quoted identifier for the table itself.
            found = source.execute("SELECT name, pk FROM pragma_table_info(?)", (name,)).fetchall()
            columns = tuple(column for column, _ in found)
            key = tuple(index for index, (_, position) in enumerate(found) if position) or tuple(range(len(columns)))
            listed = ", ".join(_quoted(column) for column in columns)
            yield Table(name, columns, key), _literals(source.execute(f"SELECT {listed} FROM {_quoted(name)}"))


@dataclass(frozen=True)
class PostgresTables:
    """The tables of a PostgreSQL database, by its connection parameters."""

    dsn: Mapping[str, str]

    def capture(self, destination: Path) -> None:
        """Write every row to the new file `destination`."""
        # Times are printed in one zone and numbers to their last digit, whatever the server's own settings are.
        options = "-c TimeZone=UTC -c extra_float_digits=3 -c bytea_output=hex -c IntervalStyle=iso_8601"
        with (
            closing(psycopg.connect(**dict(self.dsn), options=options)) as source,  # type: ignore[arg-type]  # all text
            source.transaction(),
        ):
            source.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            write_capture(destination, self._everything(source))

    def _everything(
        self, source: psycopg.Connection[tuple[str | None, ...]]
    ) -> Iterator[tuple[Table, Iterable[Values]]]:
        yield Table(SCHEMA, ("table", "type", "name", "definition"), (0, 1, 2)), source.execute(POSTGRES_SCHEMA)
        yield Table(SEQUENCES, ("sequence", "last_value"), (0,)), source.execute(POSTGRES_SEQUENCES)
        tables: dict[tuple[str, str], list[tuple[str, bool]]] = {}
        for schema, table, column, in_key in source.execute(POSTGRES_COLUMNS):
            tables.setdefault((str(schema), str(table)), []).append((str(column), in_key == "true"))
        for (schema, name), found in tables.items():
            columns = tuple(column for column, _ in found)
            key = tuple(index for index, (_, in_key) in enumerate(found) if in_key) or tuple(range(len(columns)))
            query = sql.SQL("SELECT {} FROM {}").format(
                sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(column)) for column in columns),
                sql.Identifier(schema, name),
            )
            with source.cursor(name="capture") as cursor:
                cursor.itersize = ROWS
                yield Table(name if schema == "public" else f"{schema}.{name}", columns, key), cursor.execute(query)


def write_capture(destination: Path, tables: Iterable[tuple[Table, Iterable[Values]]]) -> None:
    """Write the rows of the tables to a new capture. FileExistsError when there is one already."""
    destination.touch(exist_ok=False)
    with closing(sqlite3.connect(destination)) as capture:
        capture.execute("PRAGMA synchronous = OFF")
        capture.execute("CREATE TABLE columns (tab TEXT PRIMARY KEY, names TEXT NOT NULL)")
        capture.execute("CREATE TABLE rows (tab TEXT, catalogue INTEGER, key TEXT, content TEXT)")
        for table, rows in tables:
            capture.execute("INSERT INTO columns VALUES (?, ?)", (table.name, json.dumps(table.columns)))
            lines = (
                (table.name, _is_ledger(table, row), json.dumps([row[index] for index in table.key]), json.dumps(row))
                for row in rows
            )
            while group := list(islice(lines, ROWS)):
                capture.executemany("INSERT INTO rows VALUES (?, ?, ?, ?)", group)
        capture.execute("CREATE INDEX in_order ON rows (catalogue, tab, key, content)")
        capture.commit()


def _is_ledger(table: Table, row: Values) -> bool:
    if table.name in {SCHEMA, SEQUENCES, "sqlite_sequence"}:
        return (row[0] or "").removeprefix("text ").startswith(LEDGER_PREFIX)
    return table.name.startswith(LEDGER_PREFIX)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _lossless(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def _literals(rows: Iterable[Sequence[int | float | str | bytes | None]]) -> Iterator[Values]:
    for row in rows:
        yield [_literal(value) for value in row]


def _literal(value: float | str | bytes | None) -> str | None:
    """The value with its storage class, exactly: SQLite keeps a class with each value and not with the column."""
    match value:
        case None:
            return None
        case bytes():
            return f"blob {value.hex()}"
        case str():
            return f"text {value}"
        case float():
            return f"real {value.hex()}"
        case _:
            return f"integer {value}"


POSTGRES_COLUMNS: Final = """
    SELECT n.nspname, c.relname, a.attname,
           coalesce(a.attnum = ANY (i.indkey), false)::text
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
         LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
    WHERE c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
          AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
    ORDER BY 1, 2, a.attnum
"""

POSTGRES_SEQUENCES: Final = """
    SELECT sequencename, coalesce(last_value::text, 'never used') FROM pg_sequences
"""

POSTGRES_SCHEMA: Final = """
    WITH mine AS (
        SELECT c.oid, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
    )
    SELECT m.relname, 'column', a.attname,
           format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
           || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '') || ' ' || a.attidentity::text
    FROM mine m JOIN pg_attribute a ON a.attrelid = m.oid
         LEFT JOIN pg_attrdef d ON d.adrelid = m.oid AND d.adnum = a.attnum
    WHERE m.relkind IN ('r', 'p', 'm', 'v') AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT m.relname, 'constraint', o.conname,
           -- A condition that was dumped and read again shows the casts between its texts in other places.
           CASE WHEN o.contype = 'c'
                THEN regexp_replace(pg_get_constraintdef(o.oid), '::(character varying|text)(\\[\\])?|[()]', '', 'g')
                ELSE pg_get_constraintdef(o.oid) END
    FROM mine m JOIN pg_constraint o ON o.conrelid = m.oid
    UNION ALL
    SELECT m.relname, 'index', x.relname,
           CASE WHEN i.indpred IS NOT NULL OR i.indexprs IS NOT NULL
                THEN regexp_replace(pg_get_indexdef(i.indexrelid), '::(character varying|text)(\\[\\])?|[()]', '', 'g')
                ELSE pg_get_indexdef(i.indexrelid) END
    FROM mine m JOIN pg_index i ON i.indrelid = m.oid JOIN pg_class x ON x.oid = i.indexrelid
    UNION ALL
    SELECT m.relname, 'trigger', t.tgname, pg_get_triggerdef(t.oid)
    FROM mine m JOIN pg_trigger t ON t.tgrelid = m.oid WHERE NOT t.tgisinternal
    UNION ALL
    SELECT m.relname, 'view', m.relname, pg_get_viewdef(m.oid) FROM mine m WHERE m.relkind IN ('v', 'm')
"""
