"""Copy the catalogue's rows between two databases of a MariaDB or MySQL server."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import models
from django.db.backends.utils import CursorWrapper
from django.db.utils import Error as DatabaseFailure

from ....core.sql import backticked
from ....ledger import ledger_models
from ....sources.engines.mysql.connection import fresh_connection as fresh_mysql
from ..ledger_rows import foreign_columns, no_room
from .server import is_out_of_room, reason


def carry_mysql(alias: str, live: str, staged: str) -> str:
    """Copy the catalogue's rows from one database of the server to the other; return "" on success, else the reason."""
    try:
        with fresh_mysql(alias, staged) as connection, connection.cursor() as cursor:
            for model in ledger_models():
                table = model._meta.db_table
                target_columns, live_columns = (
                    _mysql_columns(cursor, staged, table),
                    _mysql_columns(cursor, live, table),
                )
                if not target_columns or target_columns != live_columns:
                    return f"the table {table} of the backup is not built like the live one"
            # All copying statements see the same live rows. Checks stay on: parents are copied before their children.
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("START TRANSACTION")
            for model in reversed(ledger_models()):
                cursor.execute(f"DELETE FROM {backticked(model._meta.db_table)}")  # noqa: S608  our own models
            for model in ledger_models():
                _copy_mysql_table(cursor, model, live, staged)
            cursor.execute("COMMIT")
    except DatabaseFailure as error:
        if is_out_of_room(error):
            raise no_room(f"on the server of the database {alias!r} ({reason(error)})") from error
        return f"the catalogue of the live database {live!r} cannot be copied ({reason(error)})"
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
    for one in foreign_columns(model):
        # Null if the user is not in the staged database.
        users, key, name = backticked(one.table), backticked(one.key), backticked(one.name)
        values[one.column] = (
            f"(SELECT t.{key} FROM {users} t JOIN {backticked(live)}.{users} k ON t.{name} = k.{name}"  # noqa: S608
            f" WHERE k.{key} = l.{backticked(one.column)})"
        )
    cursor.execute(
        f"INSERT INTO {table} ({', '.join(map(backticked, columns))})"  # noqa: S608
        f" SELECT {', '.join(values[name] for name in columns)} FROM {backticked(live)}.{table} l"
    )
