"""Reduce a new SQLite database to some of its tables."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ....core.sql import quoted
from ....errors import RestoreFailed
from ..chosen_tables import require_tables

if TYPE_CHECKING:
    pass

_SQLITE_TABLES: Final = """
    SELECT name, sql LIKE 'CREATE VIRTUAL %' FROM sqlite_master
    WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name
"""


def keep_tables(place: str, keep: frozenset[str]) -> list[str]:
    """Drop all other tables, and return notes for the user. Raises `RestoreFailed`."""
    try:
        with contextlib.closing(sqlite3.connect(Path(place), isolation_level=None)) as connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            connection.execute("BEGIN IMMEDIATE")
            for (view,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
                connection.execute(f"DROP VIEW {quoted(view)}")
            gone = _drop_in_sqlite(connection, keep)
            require_tables(place, keep, (name for name, _ in connection.execute(_SQLITE_TABLES)))
            led = _led_to(connection, keep, gone)
            connection.execute("COMMIT")
            # Rows of the dropped tables stay in the file until it is rewritten.
            connection.execute("VACUUM")
    except sqlite3.Error as error:
        raise RestoreFailed(
            f"The other tables cannot be dropped from {place}: {error}. Nothing live was changed."
        ) from error
    return [f"{table} refers to {to}, which is not there: SQLite keeps that in its definition" for table, to in led]


def _drop_in_sqlite(connection: sqlite3.Connection, keep: frozenset[str]) -> set[str]:
    found = dict(connection.execute(_SQLITE_TABLES).fetchall())
    # The names of the tables with a virtual table's content begin with its name; they are dropped with it.
    prefixes = tuple(f"{name}_" for name, virtual in found.items() if virtual and name in keep)
    gone = {name for name in found if name not in keep and not name.startswith(prefixes)}
    for name in sorted(gone, key=lambda name: (not found[name], name)):
        connection.execute(f"DROP TABLE IF EXISTS {quoted(name)}")
    return gone


def _led_to(connection: sqlite3.Connection, keep: frozenset[str], gone: set[str]) -> list[tuple[str, str]]:
    led = {
        (table, str(row[2]))
        for table in keep
        for row in connection.execute(f"PRAGMA foreign_key_list({quoted(table)})").fetchall()
    }
    return sorted(pair for pair in led if pair[1] in gone)
