"""Copy the catalogue's rows between two SQLite files."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Final
from urllib.parse import quote

from django.db import models

from ....core.sql import quoted
from ....ledger import ledger_models, ledger_tables
from ..ledger_rows import foreign_columns, no_room

_NO_ROOM: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE})
"""SQLite's codes for a full disk, one for each kind of file."""


def carry_sqlite(live: Path, staged: Path) -> str:
    """Copy the catalogue's rows from one SQLite file to the other; return "" on success, else the reason."""
    uri = f"file:{quote(str(staged))}?mode=rw"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
            connection.execute("ATTACH DATABASE ? AS live", (f"file:{quote(str(live))}?mode=rw",))
            for table in ledger_tables():
                target_columns, live_columns = _columns(connection, "main", table), _columns(connection, "live", table)
                if not target_columns or sorted(target_columns) != sorted(live_columns):
                    return f"the table {table} of the backup is not built like the live one"
            connection.execute("BEGIN IMMEDIATE")
            for model in ledger_models():
                _copy_table(connection, model)
            connection.execute("COMMIT")
            # The log must be empty before the database file is renamed.
            connection.execute("PRAGMA main.wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) in _NO_ROOM:
            raise no_room(f"in {staged.parent} ({error})") from error
        return f"the live database {live} cannot be read ({error})"
    return ""


def _columns(connection: sqlite3.Connection, schema: str, table: str) -> list[str]:
    return [str(row[1]) for row in connection.execute(f"PRAGMA {schema}.table_info({quoted(table)})")]


def _copy_table(connection: sqlite3.Connection, model: type[models.Model]) -> None:
    table = quoted(model._meta.db_table)
    columns = ", ".join(quoted(name) for name in _columns(connection, "main", model._meta.db_table))
    connection.execute(f"DELETE FROM main.{table}")  # noqa: S608  names of our own models, quoted
    connection.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM live.{table}")  # noqa: S608
    for one in foreign_columns(model):
        # Null if the user is not in the staged database.
        column, users, key, name = quoted(one.column), quoted(one.table), quoted(one.key), quoted(one.name)
        connection.execute(
            f"UPDATE main.{table} SET {column} = (SELECT t.{key} FROM main.{users} t JOIN live.{users} l"  # noqa: S608
            f" ON t.{name} = l.{name} WHERE l.{key} = {table}.{column}) WHERE {column} IS NOT NULL"
        )
