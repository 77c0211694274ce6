"""A database that was just filled, brought down to some of its tables. Whoever made it drops it if this fails.

Views go, and what leads from a table that stays to one that goes. Triggers stay with their tables.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.db.utils import Error as DatabaseFailure

from ...core.sql import backticked, quoted
from ...errors import RestoreFailed
from ...sources import mysql, postgresql
from ..engines.mysql.server import reason, tables

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

_SQLITE_TABLES: Final = """
    SELECT name, sql LIKE 'CREATE VIRTUAL %' FROM sqlite_master
    WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name
"""
_OURS: Final = """
    n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%%' AND c.relpersistence <> 't'
    AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass
                    AND d.deptype = 'e')
"""
_RELATIONS: Final = f"""
    SELECT c.oid::int8, n.nspname || '.' || c.relname, CASE WHEN n.nspname = current_schema() THEN c.relname::text END,
        quote_ident(n.nspname) || '.' || quote_ident(c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = ANY(%s::"char"[]) AND {_OURS} ORDER BY 2
"""  # noqa: S608  a constant
_PARENTS: Final = """
    SELECT c.oid::regclass::text, i.inhparent::regclass::text, c.relispartition
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhrelid::int8 = ANY(%s) AND NOT i.inhparent::int8 = ANY(%s)
"""
_REFERENCES: Final = """
    SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint
    WHERE contype = 'f' AND conrelid::int8 = ANY(%s) AND NOT confrelid::int8 = ANY(%s) ORDER BY 1, 2
"""
_COLUMNS: Final = """
    SELECT count(*) FROM pg_attribute WHERE attrelid::int8 = ANY(%s) AND attnum > 0 AND NOT attisdropped
"""
_MYSQL_REFERENCES: Final = """
    SELECT TABLE_NAME, CONSTRAINT_NAME, REFERENCED_TABLE_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS
    WHERE CONSTRAINT_SCHEMA = %s ORDER BY 1, 2
"""


def keep_tables(vendor: str, alias: str, place: str, keep: frozenset[str]) -> list[str]:
    """Drop all tables but these from a new database, a name or a path; notes for the user. Raises `RestoreFailed`."""
    return _KEEP[vendor](alias, place, keep)


def _require(place: str, keep: frozenset[str], there: Iterable[str]) -> None:
    missing = sorted(keep - set(there))
    if missing:
        raise RestoreFailed(
            f"{place} has no table {missing[0]} when it is filled, since the migrations of the code here rename or"
            " remove it, or it stands and falls with another one; restore the whole database. Nothing live was changed."
        )


def _keep_in_sqlite(_alias: str, place: str, keep: frozenset[str]) -> list[str]:
    try:
        with contextlib.closing(sqlite3.connect(Path(place), isolation_level=None)) as connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            connection.execute("BEGIN IMMEDIATE")
            for (view,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
                connection.execute(f"DROP VIEW {quoted(view)}")
            gone = _drop_in_sqlite(connection, keep)
            _require(place, keep, (name for name, _ in connection.execute(_SQLITE_TABLES)))
            led = _led_to(connection, keep, gone)
            connection.execute("COMMIT")
            # What was in the others is still in the file until it is written anew.
            connection.execute("VACUUM")
    except sqlite3.Error as error:
        raise RestoreFailed(
            f"The other tables cannot be dropped from {place}: {error}. Nothing live was changed."
        ) from error
    return [f"{table} refers to {to}, which is not there: SQLite keeps that in its definition" for table, to in led]


def _drop_in_sqlite(connection: sqlite3.Connection, keep: frozenset[str]) -> set[str]:
    found = dict(connection.execute(_SQLITE_TABLES).fetchall())
    # The tables in which a virtual one keeps its content have its name in front, and go with it.
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


def _keep_in_postgresql(alias: str, place: str, keep: frozenset[str]) -> list[str]:
    try:
        with postgresql.fresh_connection(alias, place) as wrapper, wrapper.cursor() as cursor:
            cursor.execute("BEGIN")
            notes = _drop_in_postgresql(cursor, place, keep)
            cursor.execute("COMMIT")
    except DatabaseFailure as error:
        raise RestoreFailed(
            f"The other tables cannot be dropped from {place!r}: {str(error).strip()}. Nothing live was changed."
        ) from error
    return notes


def _drop_in_postgresql(cursor: CursorWrapper, place: str, keep: frozenset[str]) -> list[str]:
    relations = _relations(cursor, "rp")
    staying = [oid for oid, (names, _) in relations.items() if names & keep]
    cursor.execute(_COLUMNS, [staying])
    columns = cursor.fetchone()
    # A partition that stays is a table of its own.
    cursor.execute(_PARENTS, [staying, staying])
    for child, parent, partition in cursor.fetchall():
        cursor.execute(
            f"ALTER TABLE {parent} DETACH PARTITION {child}"
            if partition
            else f"ALTER TABLE {child} NO INHERIT {parent}"
        )
    cursor.execute(_REFERENCES, [staying, staying])
    notes = [f"the reference of {table} to {to} is gone with that table" for table, to in cursor.fetchall()]
    for kind, word in (("v", "VIEW"), ("m", "MATERIALIZED VIEW"), ("f", "FOREIGN TABLE")):
        for _, identifier in _relations(cursor, kind).values():
            cursor.execute(f"DROP {word} IF EXISTS {identifier} CASCADE")
    gone = [identifier for oid, (_, identifier) in relations.items() if oid not in staying]
    if gone:
        cursor.execute(f"DROP TABLE {', '.join(gone)} CASCADE")
    there = [name for names, _ in _relations(cursor, "rp").values() for name in names]
    _require(place, keep, there)
    cursor.execute(_COLUMNS, [staying])
    if cursor.fetchone() != columns:
        raise RestoreFailed(
            f"Columns of the chosen tables are of the types of others and would go with them from {place!r}; restore"
            " the whole database. Nothing live was changed."
        )
    cursor.execute("SELECT count(*) FROM pg_largeobject_metadata")
    (large,) = cursor.fetchone() or (0,)
    return [*notes, f"all {large} large objects are there: which table they belong to is not known"] if large else notes


def _relations(cursor: CursorWrapper, kinds: str) -> dict[int, tuple[set[str], str]]:
    """By their number the names of each, with its schema and in the usual one without, and as SQL has it."""
    cursor.execute(_RELATIONS, [list(kinds)])
    return {
        int(oid): ({full, plain} if plain is not None else {full}, identifier)
        for oid, full, plain, identifier in cursor.fetchall()
    }


def _keep_in_mysql(alias: str, place: str, keep: frozenset[str]) -> list[str]:
    try:
        with mysql.fresh_connection(alias, place) as wrapper, wrapper.cursor() as cursor:
            cursor.execute("SET SESSION foreign_key_checks = 0")
            cursor.execute("SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = %s", [place])
            for (view,) in cursor.fetchall():
                cursor.execute(f"DROP VIEW {backticked(str(view))}")
            cursor.execute(_MYSQL_REFERENCES, [place])
            references = [row for row in cursor.fetchall() if row[0] in keep and row[2] not in keep]
            for table, name, _ in references:
                cursor.execute(f"ALTER TABLE {backticked(table)} DROP FOREIGN KEY {backticked(name)}")
            there = tables(cursor, place)
            _require(repr(place), keep, there)
            gone = [backticked(name) for name in there if name not in keep]
            if gone:
                cursor.execute(f"DROP TABLE {', '.join(gone)}")
    except DatabaseFailure as error:
        raise RestoreFailed(
            f"The other tables cannot be dropped from {place!r}: {reason(error)}. Nothing live was changed."
        ) from error
    return [f"the reference of {table} to {to} is gone with that table" for table, _, to in references]


_KEEP: Final[Mapping[str, Callable[[str, str, frozenset[str]], list[str]]]] = {
    "sqlite": _keep_in_sqlite,
    "postgresql": _keep_in_postgresql,
    "mysql": _keep_in_mysql,
}
"""By the vendor of Django's connection."""
