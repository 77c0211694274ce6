"""The ledger of the backup system survives the restore of the database that it lives in.

Its rows are copied from the live database into the staged one before the swap: jobs, restores and configurations that
are newer than the backup stay known. Where they cannot be copied, the catalogue is made again from the repositories.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from django.db import connections, models
from django.db.backends.utils import CursorWrapper
from django.db.utils import Error as DatabaseFailure

from ...core.sql import backticked, quoted
from ...errors import StorageFull
from ...ledger import ledger_alias, ledger_models
from ...sources.mysql import fresh_connection as fresh_mysql
from ...sources.postgresql import fresh_connection, sqlstate
from ..engines.mysql.server import is_out_of_room, reason
from ..journal import DATABASES, Component, Journal, Kind

_BATCH: Final = 500
_NO_ROOM: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE})
"""What SQLite says of a full disk, by the file that it would have written."""
_DISK_FULL: Final = "53100"
"""What PostgreSQL says of it."""


@dataclass(frozen=True)
class _Foreign:
    """A column that points to a table of others, which is restored: the rows there may be numbered in another way.

    `name` is the column by which the same row is known again: the user's name, or `key` itself.
    """

    column: str
    table: str
    key: str
    name: str


def _foreign(model: type[models.Model]) -> list[_Foreign]:
    """Such columns of a model; all of them can be null."""
    own = {one._meta.db_table for one in ledger_models()}
    found = []
    for field in model._meta.local_concrete_fields:
        if isinstance(field, models.ForeignKey) and field.null:
            target = field.target_field
            if target.model._meta.db_table not in own:
                key = target.column or target.attname
                known_by = getattr(target.model, "USERNAME_FIELD", None)
                named = target.model._meta.get_field(known_by) if known_by else target
                name = getattr(named, "column", None) or key
                found.append(_Foreign(field.column, target.model._meta.db_table, key, name))
    return found


def ledger_component(journal: Journal) -> Component | None:
    """What of a restore holds the ledger; None if its database is not restored."""
    alias = ledger_alias()
    return next((one for one in journal.components if one.kind in DATABASES and one.name == alias), None)


def carry_ledger(component: Component, target: str) -> str:
    """Copy the ledger's rows from the live database to `target`, the staged or the kept one of the same component.

    "" when done, else why not, as a note for the user. Raises `StorageFull`.
    """
    connections[component.name].close()
    if component.kind is Kind.SQLITE:
        obstacle = carry_sqlite(Path(component.live), Path(target))
    elif component.kind is Kind.MYSQL:
        obstacle = carry_mysql(component.name, component.live, target)
    else:
        obstacle = carry_postgresql(component.name, component.live, target)
    return f"the ledger could not be carried over: {obstacle}" if obstacle else ""


def _no_room(where: str) -> StorageFull:
    """Of a ledger that can be read nothing is given up for want of room."""
    return StorageFull(
        f"The ledger could not be carried over: there is no space left {where}. Nothing live was changed; make room"
        " there and repeat."
    )


def carry_sqlite(live: Path, staged: Path) -> str:
    """Copy the ledger's rows from one SQLite file to the other; "" when done, else why not."""
    tables = [model._meta.db_table for model in ledger_models()]
    uri = f"file:{quote(str(staged))}?mode=rw"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
            connection.execute("ATTACH DATABASE ? AS live", (f"file:{quote(str(live))}?mode=rw",))
            for table in tables:
                here, there = _columns(connection, "main", table), _columns(connection, "live", table)
                if not here or sorted(here) != sorted(there):
                    return f"the table {table} of the backup is not built like the live one"
            connection.execute("BEGIN IMMEDIATE")
            for model in ledger_models():
                _copy_table(connection, model)
            connection.execute("COMMIT")
            # Nothing may be left in a side file when the database file is renamed.
            connection.execute("PRAGMA main.wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) in _NO_ROOM:
            raise _no_room(f"in {staged.parent} ({error})") from error
        return f"the live database {live} cannot be read ({error})"
    return ""


def _columns(connection: sqlite3.Connection, schema: str, table: str) -> list[str]:
    return [str(row[1]) for row in connection.execute(f"PRAGMA {schema}.table_info({quoted(table)})")]


def _copy_table(connection: sqlite3.Connection, model: type[models.Model]) -> None:
    table = quoted(model._meta.db_table)
    columns = ", ".join(quoted(name) for name in _columns(connection, "main", model._meta.db_table))
    connection.execute(f"DELETE FROM main.{table}")  # noqa: S608  names of our own models, quoted
    connection.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM live.{table}")  # noqa: S608
    for one in _foreign(model):
        # Null where whoever is meant is not there.
        column, users, key, name = quoted(one.column), quoted(one.table), quoted(one.key), quoted(one.name)
        connection.execute(
            f"UPDATE main.{table} SET {column} = (SELECT t.{key} FROM main.{users} t JOIN live.{users} l"  # noqa: S608
            f" ON t.{name} = l.{name} WHERE l.{key} = {table}.{column}) WHERE {column} IS NOT NULL"
        )


def carry_postgresql(alias: str, live: str, staged: str) -> str:
    """Copy the ledger's rows from one database of the server to the other; "" when done, else why not."""
    try:
        with (
            fresh_connection(alias, live) as source,
            fresh_connection(alias, staged) as target,
            source.cursor() as reading,
            target.cursor() as writing,
        ):
            for model in ledger_models():
                here, there = _columns_of(writing, model), _columns_of(reading, model)
                if not here or here != there:
                    return f"the table {model._meta.db_table} of the backup is not built like the live one"
            writing.execute("BEGIN")
            writing.execute("SET CONSTRAINTS ALL DEFERRED")
            for model in reversed(ledger_models()):
                writing.execute(f"DELETE FROM {quoted(model._meta.db_table)}")  # noqa: S608  our own models
            for model in ledger_models():
                _copy_rows(reading, writing, model)
            writing.execute("COMMIT")
    except DatabaseFailure as error:
        said = str(error).strip()
        if sqlstate(error) == _DISK_FULL:
            raise _no_room(f"on the server of the database {alias!r} ({said})") from error
        return f"the ledger of the live database {live!r} cannot be copied ({said})"
    return ""


def _columns_of(cursor: CursorWrapper, model: type[models.Model]) -> Sequence[tuple[object, ...]]:
    cursor.execute(
        "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY 1",
        [quoted(model._meta.db_table)],
    )
    return list(cursor.fetchall())


def _copy_rows(reading: CursorWrapper, writing: CursorWrapper, model: type[models.Model]) -> None:
    # JSON made and read by the server itself keeps every digit of every type, whichever driver is between.
    table = quoted(model._meta.db_table)
    reading.execute(f"SELECT to_json(t)::text FROM {table} t")  # noqa: S608
    while rows := reading.fetchmany(_BATCH):
        writing.executemany(
            f"INSERT INTO {table} SELECT * FROM json_populate_record(NULL::{table}, %s::json)",  # noqa: S608
            [(row[0],) for row in rows],
        )
    for one in _foreign(model):
        _renumber(reading, writing, table, one)
    primary = model._meta.pk
    if isinstance(primary, models.AutoField) and primary.column:
        writing.execute("SELECT pg_get_serial_sequence(%s, %s)", [table, primary.column])
        row = writing.fetchone()
        if row is not None and row[0] is not None:
            writing.execute(
                f"SELECT setval(%s, coalesce(max({quoted(primary.column)}), 0) + 1, false) FROM {table}",  # noqa: S608
                [row[0]],
            )


def _renumber(reading: CursorWrapper, writing: CursorWrapper, table: str, one: _Foreign) -> None:
    """Point to the rows of the staged database that are known by the same name; null where there is none."""
    column, users, key, name = quoted(one.column), quoted(one.table), quoted(one.key), quoted(one.name)
    reading.execute(
        f"SELECT DISTINCT u.{key}, u.{name} FROM {table} t JOIN {users} u ON u.{key} = t.{column}"  # noqa: S608
    )
    cases: list[Any] = []
    for old, known_by in reading.fetchall():
        writing.execute(f"SELECT {key} FROM {users} WHERE {name} = %s", [known_by])  # noqa: S608
        row = writing.fetchone()
        cases += [old, None if row is None else row[0]]
    # All at once: a new number may be the old one of somebody else.
    whens = " WHEN %s THEN %s" * (len(cases) // 2)
    changed = f"CASE {column}{whens} END" if cases else "NULL"
    writing.execute(f"UPDATE {table} SET {column} = {changed} WHERE {column} IS NOT NULL", cases)  # noqa: S608


def carry_mysql(alias: str, live: str, staged: str) -> str:
    """Copy the ledger's rows from one database of the server to the other; "" when done, else why not."""
    try:
        with fresh_mysql(alias, staged) as connection, connection.cursor() as cursor:
            for model in ledger_models():
                table = model._meta.db_table
                here, there = _mysql_columns(cursor, staged, table), _mysql_columns(cursor, live, table)
                if not here or here != there:
                    return f"the table {table} of the backup is not built like the live one"
            # What a copying statement has read of the live tables stays as it is until the end: rows that refer to
            # others are copied after those. No check is switched off, and parents stand before their children.
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("START TRANSACTION")
            for model in reversed(ledger_models()):
                cursor.execute(f"DELETE FROM {backticked(model._meta.db_table)}")  # noqa: S608  our own models
            for model in ledger_models():
                _copy_mysql_table(cursor, model, live, staged)
            cursor.execute("COMMIT")
    except DatabaseFailure as error:
        if is_out_of_room(error):
            raise _no_room(f"on the server of the database {alias!r} ({reason(error)})") from error
        return f"the ledger of the live database {live!r} cannot be copied ({reason(error)})"
    return ""


def _mysql_columns(cursor: CursorWrapper, database: str, table: str) -> Sequence[tuple[object, ...]]:
    cursor.execute(
        "SELECT COLUMN_NAME, COLUMN_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
        " ORDER BY 1",
        [database, table],
    )
    return list(cursor.fetchall())


def _copy_mysql_table(cursor: CursorWrapper, model: type[models.Model], live: str, staged: str) -> None:
    table = backticked(model._meta.db_table)
    columns = [str(name) for name, _ in _mysql_columns(cursor, staged, model._meta.db_table)]
    values = {name: f"l.{backticked(name)}" for name in columns}
    for one in _foreign(model):
        # Null where whoever is meant is not there.
        users, key, name = backticked(one.table), backticked(one.key), backticked(one.name)
        values[one.column] = (
            f"(SELECT t.{key} FROM {users} t JOIN {backticked(live)}.{users} k ON t.{name} = k.{name}"  # noqa: S608
            f" WHERE k.{key} = l.{backticked(one.column)})"
        )
    cursor.execute(
        f"INSERT INTO {table} ({', '.join(map(backticked, columns))})"  # noqa: S608
        f" SELECT {', '.join(values[name] for name in columns)} FROM {backticked(live)}.{table} l"
    )
