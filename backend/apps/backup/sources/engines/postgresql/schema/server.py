"""Handle databases on a PostgreSQL server by name: find and drop them, bar connections, end sessions."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from django.db import connections
from django.db.utils import Error as DatabaseFailure
from django.db.utils import OperationalError

from .....core.server_errors import advice_for, server_message
from .....core.sql import quoted
from .....errors import RestoreFailed
from ..dump import fresh_connection

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

MAINTENANCE: Final = "postgres"
MAX_NAME: Final = 63
PATIENCE: Final = 30.0
"""Seconds to wait for sessions to end. The server itself waits five seconds for each statement."""
PAUSE: Final = 0.25
_INVALID: Final = -2
_LOCK: Final = 0x65646D73


def maintenance(alias: str) -> str:
    """Return the database to connect to while others are created, renamed or dropped: no session renames its own."""
    return "template1" if connections[alias].settings_dict["NAME"] == MAINTENANCE else MAINTENANCE


@contextlib.contextmanager
def server(alias: str) -> Iterator[CursorWrapper]:
    """Open a cursor in the server's maintenance database, in autocommit mode. Raises `RestoreFailed`."""
    with contextlib.ExitStack() as stack:
        try:
            wrapper = stack.enter_context(fresh_connection(alias, maintenance(alias)))
            cursor = stack.enter_context(wrapper.cursor())
            # The server completes the statement of a killed process. Its session holds this lock until then, so that
            # recovery sees the result. The lock is for this database only: other projects on the server do not wait.
            name = str(connections[alias].settings_dict["NAME"])
            cursor.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", [_LOCK, name])
        except DatabaseFailure as error:
            raise RestoreFailed(
                f"There is no connection to the server of the database {alias!r}: {server_message(error)}."
                f" {advice_for(error)}"
            ) from error
        yield cursor


def exists(cursor: CursorWrapper, database: str) -> bool:
    """Return whether the server has a database of that name."""
    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
    return cursor.fetchone() is not None


def bar_connections(cursor: CursorWrapper, database: str) -> None:
    """Bar connections to a database, and end the sessions in it."""
    cursor.execute(f"ALTER DATABASE {quoted(database)} WITH ALLOW_CONNECTIONS false")
    end_sessions(cursor, database)


def end_sessions(cursor: CursorWrapper, database: str) -> None:
    """End the sessions in a database."""
    cursor.execute(
        # Processes of the server itself have no user. Only a superuser may end them, and they end without that.
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = %s AND usesysid IS NOT NULL AND pid <> pg_backend_pid()",
        [database],
    )


def drop(alias: str, database: str) -> None:
    """Drop a database with all its contents, if it exists."""
    with server(alias) as cursor:
        try:
            _drop(cursor, database)
        except DatabaseFailure as error:
            raise RestoreFailed(
                f"The database {database!r} cannot be dropped: {str(error).strip()}. Drop it by hand."
            ) from error


def _drop(cursor: CursorWrapper, database: str) -> None:
    cursor.execute("SELECT datconnlimit FROM pg_database WHERE datname = %s", [database])
    row = cursor.fetchone()
    if row is None:
        return
    # An interrupted DROP leaves a database that can only be dropped; the server marks it as invalid.
    if row[0] != _INVALID:
        require_no_subscription(cursor, database)
        bar_connections(cursor, database)
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            cursor.execute(f"DROP DATABASE IF EXISTS {quoted(database)}")
        except OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE)
        else:
            return


def require_no_subscription(cursor: CursorWrapper, database: str) -> None:
    """Raise `RestoreFailed` if a subscription keeps a database from being dropped."""
    cursor.execute(
        "SELECT s.subname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = %s"
        " ORDER BY 1",
        [database],
    )
    names = [quoted(str(row[0])) for row in cursor.fetchall()]
    if names:
        raise RestoreFailed(
            f"The database {database!r} cannot be dropped while it has the subscription {', '.join(names)}. As a"
            f" superuser run ALTER DATABASE {quoted(database)} ALLOW_CONNECTIONS true, then in that database"
            f" {' '.join(f'DROP SUBSCRIPTION {name};' for name in names)} and try again. Where the restored database"
            " uses the same replication slot, run ALTER SUBSCRIPTION … DISABLE and … SET (slot_name = NONE) before it."
        )


def free_name(base: str, ending: str) -> str:
    """Return a database name made of two parts, within the server's limit in bytes."""
    room = MAX_NAME - len(ending.encode())
    return base.encode()[:room].decode("utf-8", "ignore") + ending
