"""Use a MariaDB or MySQL server through the driver of the project's connection: mysqlclient or PyMySQL."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from django.db.utils import Error as DatabaseFailure
from django.db.utils import OperationalError

from ....core.server_errors import advice_for, server_message
from ....errors import RestoreFailed
from ....sources.engines.mysql.connection import fresh_connection

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

_MAINTENANCE: Final = "information_schema"
_LOCK: Final = "edms-backup-restore"
_LOCK_SECONDS: Final = 3600

_PATIENCE_SECONDS: Final = 3
_ATTEMPTS: Final = 10
_HELD_UP: Final = frozenset({1205, 1213})
"""Lock wait timeout, deadlock."""
_NO_ROOM: Final = frozenset({1021, 1114})
"""The server's codes for a full disk, and for a table that cannot grow."""


@contextlib.contextmanager
def server(alias: str) -> Iterator[CursorWrapper]:
    """Open a cursor in none of the project's databases, in autocommit mode. Raises `RestoreFailed`."""
    with contextlib.ExitStack() as stack:
        try:
            wrapper = stack.enter_context(fresh_connection(alias, _MAINTENANCE))
            cursor = stack.enter_context(wrapper.cursor())
            # The server completes the statement of a killed process. Its session holds this lock until then, so that
            # recovery sees the result.
            cursor.execute("SELECT GET_LOCK(%s, %s)", [_LOCK, _LOCK_SECONDS])
            if text(cursor) != "1":
                raise RestoreFailed(
                    f"Another restore is at work on the server of the database {alias!r}, for more than"
                    f" {_LOCK_SECONDS} s; wait until it has ended, or end its session."
                )
            cursor.execute(f"SET SESSION lock_wait_timeout = {_PATIENCE_SECONDS}")
        except DatabaseFailure as error:
            raise RestoreFailed(
                f"There is no connection to the server of the database {alias!r}: {server_message(error)}."
                f" {advice_for(error)}"
            ) from error
        yield cursor


def text(cursor: CursorWrapper) -> str:
    """Return the first column of the only row; "" for null or no row."""
    row = cursor.fetchone()
    return "" if row is None or row[0] is None else str(row[0])


def column(cursor: CursorWrapper) -> list[str]:
    """Return the first column of all rows."""
    return [str(row[0]) for row in cursor.fetchall()]


def reason(error: DatabaseFailure) -> str:
    """Return the server's message without the tuple that the drivers wrap it in."""
    return str(error.args[-1]).strip() if error.args else str(error)


def is_out_of_room(error: DatabaseFailure) -> bool:
    """Return whether the server had no room for a write."""
    return bool(error.args) and error.args[0] in _NO_ROOM


def exists(cursor: CursorWrapper, database: str) -> bool:
    """Return whether the server has a database of that name."""
    cursor.execute("SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s", [database])
    return cursor.fetchone() is not None


def tables(cursor: CursorWrapper, database: str) -> list[str]:
    """Return the tables of a database, without views and sequences; none if there is no such database."""
    cursor.execute(
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s"
        " AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY 1",
        [database],
    )
    return column(cursor)


def collation(cursor: CursorWrapper, database: str) -> str:
    """Return the collation of new tables in a database; "" if there is no such database."""
    cursor.execute("SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s", [database])
    return text(cursor)


def execute_alone(cursor: CursorWrapper, statement: str, databases: Sequence[str]) -> None:
    """Run a statement that needs exclusive tables: after some seconds of waiting, end the sessions in `databases`.

    Raises Django's error if that does not help either.
    """
    for attempt in range(_ATTEMPTS):
        try:
            cursor.execute(statement)
        except OperationalError as error:
            if error.args[0] not in _HELD_UP or attempt + 1 == _ATTEMPTS:
                raise
            _end_sessions(cursor, databases)
        else:
            return


def _end_sessions(cursor: CursorWrapper, databases: Sequence[str]) -> None:
    cursor.execute(
        "SELECT ID FROM information_schema.PROCESSLIST"
        " WHERE DB IN %s AND ID <> CONNECTION_ID() AND USER <> 'system user'",
        [tuple(databases)],
    )
    for session in column(cursor):
        # The session may be gone, or belong to a user whose sessions this user cannot end: the next attempt reports it.
        with contextlib.suppress(DatabaseFailure):
            cursor.execute(f"KILL {int(session)}")
