"""Swapping of databases on a PostgreSQL server, by renaming them.

Both renames are one transaction: the server has either the old or the new database under the live name, whatever is
killed. Nobody may be connected to a database that is renamed, so the live one is barred and its sessions are ended.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from django.db import connections
from django.db.utils import Error as DatabaseFailure
from django.db.utils import OperationalError

from ..identifiers import quoted
from ..sources.postgresql import fresh_connection
from .errors import RestoreFailed
from .journal import Component

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

MAINTENANCE: Final = "postgres"
MAX_NAME: Final = 63
_ATTEMPTS: Final = 40
_PAUSE: Final = 0.25
_INVALID: Final = -2
_LOCK: Final = 0x65646D73


@contextlib.contextmanager
def server(alias: str) -> Iterator[CursorWrapper]:
    """A cursor in the server's maintenance database, in autocommit mode; raises `RestoreFailed`."""
    with contextlib.ExitStack() as stack:
        try:
            # Nobody can rename the database that he is in.
            elsewhere = "template1" if connections[alias].settings_dict["NAME"] == MAINTENANCE else MAINTENANCE
            wrapper = stack.enter_context(fresh_connection(alias, elsewhere))
            cursor = stack.enter_context(wrapper.cursor())
            # The server goes on with the statement of a process that was killed. Its session holds this lock until
            # that statement has ended, so that whoever recovers sees what came of it.
            cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        except DatabaseFailure as error:
            raise RestoreFailed(
                f"The server of the database {alias!r} cannot be reached: {str(error).strip()}. Start it and try again."
            ) from error
        yield cursor


def exists(cursor: CursorWrapper, database: str) -> bool:
    """Whether the server has a database of that name."""
    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
    return cursor.fetchone() is not None


def _bar(cursor: CursorWrapper, database: str) -> None:
    cursor.execute(f"ALTER DATABASE {quoted(database)} WITH ALLOW_CONNECTIONS false")
    cursor.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
        [database],
    )


def _admit(cursor: CursorWrapper, database: str) -> None:
    cursor.execute(f"ALTER DATABASE {quoted(database)} WITH ALLOW_CONNECTIONS true")


def _rename_all(cursor: CursorWrapper, renames: list[tuple[str, str]], opened: str) -> None:
    """Rename in one transaction, at whose end `opened` takes connections again."""
    for source, _ in renames:
        _bar(cursor, source)
    for attempt in range(_ATTEMPTS):
        cursor.execute("BEGIN")
        try:
            for source, target in renames:
                cursor.execute(f"ALTER DATABASE {quoted(source)} RENAME TO {quoted(target)}")
            if exists(cursor, opened):
                _admit(cursor, opened)
            cursor.execute("COMMIT")
        except OperationalError:
            # A session that is being ended takes a moment to go.
            cursor.execute("ROLLBACK")
            if attempt + 1 == _ATTEMPTS:
                raise
            time.sleep(_PAUSE)
        else:
            return


def _swap(component: Component, renames: list[tuple[str, str]], *, opened: str) -> None:
    with server(component.name) as cursor:
        try:
            pending = [(source, target) for source, target in renames if exists(cursor, source)]
            if any(exists(cursor, target) and target not in {one for one, _ in pending} for _, target in pending):
                raise RestoreFailed(f"The server has a database under one of the names {renames} already; remove it.")
            _rename_all(cursor, pending, opened)
        except DatabaseFailure as error:
            raise RestoreFailed(
                f"The database {component.live!r} cannot be renamed: {str(error).strip()}. End the sessions that use"
                " it, or run as its owner."
            ) from error


def forward_database(component: Component) -> None:
    """Live → kept, staged → live."""
    with server(component.name) as cursor:
        if not exists(cursor, component.staged):
            return
    _swap(
        component,
        [(component.live, component.kept), (component.staged, component.live)],
        opened=component.live,
    )


def backward_database(component: Component) -> None:
    """The other way round. Where the swap has not happened, the live database is opened again, and that is all."""
    with server(component.name) as cursor:
        # Asked of what is kept, not of what is staged: that may have been dropped already, after it was put back.
        swapped = exists(cursor, component.kept if component.had_live else component.live)
        swapped = swapped and (component.had_live or not exists(cursor, component.staged))
    renames: list[tuple[str, str]] = []
    if swapped:
        renames = [(component.live, component.staged), (component.kept, component.live)]
    _swap(component, renames, opened=component.live)


def drop(alias: str, database: str) -> None:
    """Delete a database with everything in it, if it is there."""
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
    # A DROP that was cut off leaves a database that can only be dropped; the server marks it so.
    if row[0] != _INVALID:
        _bar(cursor, database)
    for attempt in range(_ATTEMPTS):
        try:
            cursor.execute(f"DROP DATABASE IF EXISTS {quoted(database)}")
        except OperationalError:
            if attempt + 1 == _ATTEMPTS:
                raise
            time.sleep(_PAUSE)
        else:
            return


def free_name(base: str, ending: str) -> str:
    """A database name made of two parts, within the server's length (in bytes)."""
    room = MAX_NAME - len(ending.encode())
    return base.encode()[:room].decode("utf-8", "ignore") + ending


def admit_again(component: Component) -> None:
    """Let connections into the kept database, which was barred when it was replaced."""
    with server(component.name) as cursor:
        if not exists(cursor, component.kept):
            raise RestoreFailed(f"The database {component.kept!r} is gone; there is nothing to roll back to.")
        _admit(cursor, component.kept)
