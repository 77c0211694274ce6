"""The ledger of the backup system survives the restore of the database that it lives in.

Its rows are copied from the live database into the staged one before the swap: jobs, restores and configurations that
are newer than the backup stay known. Where they cannot be copied, the catalogue is made again from the repositories.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

from django.apps import apps
from django.db import models
from django.db.backends.utils import CursorWrapper
from django.db.utils import Error as DatabaseFailure

from ..models import BackupJob
from ..sources.postgresql import fresh_connection
from ..sources.sqlite import quoted
from .mysql_server import fresh_connection as fresh_mysql
from .mysql_server import quoted as backticked
from .mysql_server import reason

_BATCH: Final = 500


def ledger_models() -> list[type[models.Model]]:
    """Every model of the backup system that has a table."""
    config = apps.get_app_config(BackupJob._meta.app_label)
    return [model for model in config.get_models(include_auto_created=True) if not model._meta.proxy]


def _foreign(model: type[models.Model]) -> list[tuple[str, str, str]]:
    """Columns that point to tables of others, which are restored: (column, table, column there). They can be null."""
    own = {one._meta.db_table for one in ledger_models()}
    found = []
    for field in model._meta.local_concrete_fields:
        if isinstance(field, models.ForeignKey) and field.null:
            target = field.target_field
            if target.model._meta.db_table not in own:
                found.append((field.column, target.model._meta.db_table, target.column or target.attname))
    return found


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
        return f"the live database {live} cannot be read ({error})"
    return ""


def _columns(connection: sqlite3.Connection, schema: str, table: str) -> list[str]:
    return [str(row[1]) for row in connection.execute(f"PRAGMA {schema}.table_info({quoted(table)})")]


def _copy_table(connection: sqlite3.Connection, model: type[models.Model]) -> None:
    table = quoted(model._meta.db_table)
    columns = ", ".join(quoted(name) for name in _columns(connection, "main", model._meta.db_table))
    connection.execute(f"DELETE FROM main.{table}")  # noqa: S608  names of our own models, quoted
    connection.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM live.{table}")  # noqa: S608
    for column, target, key in _foreign(model):
        connection.execute(
            f"UPDATE main.{table} SET {quoted(column)} = NULL WHERE {quoted(column)} NOT IN"  # noqa: S608
            f" (SELECT {quoted(key)} FROM main.{quoted(target)})"
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
        return f"the ledger of the live database {live!r} cannot be copied ({str(error).strip()})"
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
    for column, target, key in _foreign(model):
        writing.execute(
            f"UPDATE {table} SET {quoted(column)} = NULL WHERE {quoted(column)} NOT IN"  # noqa: S608
            f" (SELECT {quoted(key)} FROM {quoted(target)})"
        )
    primary = model._meta.pk
    if isinstance(primary, models.AutoField) and primary.column:
        writing.execute("SELECT pg_get_serial_sequence(%s, %s)", [table, primary.column])
        row = writing.fetchone()
        if row is not None and row[0] is not None:
            writing.execute(
                f"SELECT setval(%s, coalesce(max({quoted(primary.column)}), 0) + 1, false) FROM {table}",  # noqa: S608
                [row[0]],
            )


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
    for column, target, key in _foreign(model):
        # Null where the row that is meant is not there.
        values[column] = (
            f"(SELECT t.{backticked(key)} FROM {backticked(target)} t"  # noqa: S608
            f" WHERE t.{backticked(key)} = l.{backticked(column)})"
        )
    cursor.execute(
        f"INSERT INTO {table} ({', '.join(map(backticked, columns))})"  # noqa: S608
        f" SELECT {', '.join(values[name] for name in columns)} FROM {backticked(live)}.{table} l"
    )
