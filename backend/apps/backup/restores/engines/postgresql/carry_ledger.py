"""Copy the catalogue's rows between two databases of a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.db import models
from django.db.backends.utils import CursorWrapper
from django.db.utils import Error as DatabaseFailure

from ....core.sql import quoted
from ....ledger import ledger_models
from ....sources.engines.postgresql.dump import fresh_connection, sqlstate
from ..ledger_rows import ForeignColumn, foreign_columns, no_room

_BATCH: Final = 500
_DISK_FULL: Final = "53100"
"""PostgreSQL's code for a full disk."""


def carry_postgresql(alias: str, live: str, staged: str) -> str:
    """Copy the catalogue's rows from one database of the server to the other; return "" on success, else the reason."""
    try:
        with (
            fresh_connection(alias, live) as source,
            fresh_connection(alias, staged) as target,
            source.cursor() as reading,
            target.cursor() as writing,
        ):
            for model in ledger_models():
                target_columns, live_columns = _columns_of(writing, model), _columns_of(reading, model)
                if not target_columns or target_columns != live_columns:
                    return f"the table {model._meta.db_table} of the backup is not built like the live one"
            writing.execute("BEGIN")
            writing.execute("SET CONSTRAINTS ALL DEFERRED")
            for model in reversed(ledger_models()):
                writing.execute(f"DELETE FROM {quoted(model._meta.db_table)}")  # noqa: S608  our own models
            for model in ledger_models():
                _copy_rows(reading, writing, model)
            writing.execute("COMMIT")
    except DatabaseFailure as error:
        message = str(error).strip()
        if sqlstate(error) == _DISK_FULL:
            raise no_room(f"on the server of the database {alias!r} ({message})") from error
        return f"the catalogue of the live database {live!r} cannot be copied ({message})"
    return ""


def _columns_of(cursor: CursorWrapper, model: type[models.Model]) -> Sequence[tuple[object, ...]]:
    cursor.execute(
        "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY 1",
        [quoted(model._meta.db_table)],
    )
    return list(cursor.fetchall())


def _copy_rows(reading: CursorWrapper, writing: CursorWrapper, model: type[models.Model]) -> None:
    # JSON that the server itself writes and reads keeps each digit of all types, with any driver.
    table = quoted(model._meta.db_table)
    reading.execute(f"SELECT to_json(t)::text FROM {table} t")  # noqa: S608
    while rows := reading.fetchmany(_BATCH):
        writing.executemany(
            f"INSERT INTO {table} SELECT * FROM json_populate_record(NULL::{table}, %s::json)",  # noqa: S608
            [(row[0],) for row in rows],
        )
    for one in foreign_columns(model):
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


def _renumber(reading: CursorWrapper, writing: CursorWrapper, table: str, one: ForeignColumn) -> None:
    """Refer to the rows of the staged database with the same name; null if there is none."""
    column, users, key, name = quoted(one.column), quoted(one.table), quoted(one.key), quoted(one.name)
    reading.execute(
        f"SELECT DISTINCT u.{key}, u.{name} FROM {table} t JOIN {users} u ON u.{key} = t.{column}"  # noqa: S608
    )
    cases: list[Any] = []
    for old, known_by in reading.fetchall():
        writing.execute(f"SELECT {key} FROM {users} WHERE {name} = %s", [known_by])  # noqa: S608
        row = writing.fetchone()
        cases += [old, None if row is None else row[0]]
    # All in one statement: a new key may be the old key of another user.
    whens = " WHEN %s THEN %s" * (len(cases) // 2)
    changed = f"CASE {column}{whens} END" if cases else "NULL"
    writing.execute(f"UPDATE {table} SET {column} = {changed} WHERE {column} IS NOT NULL", cases)  # noqa: S608
