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
from .errors import RestoreFailed, RestoreRefused
from .journal import Component

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

MAINTENANCE: Final = "postgres"
MAX_NAME: Final = 63
_PATIENCE: Final = 30.0
"""Seconds for sessions that are being ended. The server itself waits five of them for each statement."""
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
            # that statement has ended, so that whoever recovers sees what came of it. Other databases of the server are
            # of other projects, which do not wait for us.
            name = str(connections[alias].settings_dict["NAME"])
            cursor.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", [_LOCK, name])
        except DatabaseFailure as error:
            raise RestoreFailed(
                f"The server of the database {alias!r} cannot be reached: {str(error).strip()}. Start it and try again."
            ) from error
        yield cursor


def exists(cursor: CursorWrapper, database: str) -> bool:
    """Whether the server has a database of that name."""
    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
    return cursor.fetchone() is not None


def prepared_in(cursor: CursorWrapper, database: str) -> str:
    """What no end of sessions ends, and keeps a database from being renamed: its prepared transactions, in words."""
    cursor.execute("SELECT gid FROM pg_prepared_xacts WHERE database = %s ORDER BY prepared", [database])
    names = [repr(str(row[0])) for row in cursor.fetchall()]
    if not names:
        return ""
    shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    return (
        f"the database {database!r} has prepared transactions ({shown}), and cannot be renamed while it has; end each"
        " of them there, by COMMIT PREPARED or ROLLBACK PREPARED"
    )


def require_none_prepared(component: Component) -> None:
    """Raises `RestoreRefused` while the live database cannot be renamed."""
    with server(component.name) as cursor:
        if obstacle := prepared_in(cursor, component.live):
            raise RestoreRefused(f"Nothing was changed: {obstacle}.")


def _bar(cursor: CursorWrapper, database: str) -> None:
    cursor.execute(f"ALTER DATABASE {quoted(database)} WITH ALLOW_CONNECTIONS false")
    _end_sessions(cursor, database)


def _end_sessions(cursor: CursorWrapper, database: str) -> None:
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
    deadline = time.monotonic() + _PATIENCE
    while True:
        cursor.execute("BEGIN")
        try:
            for source, target in renames:
                cursor.execute(f"ALTER DATABASE {quoted(source)} RENAME TO {quoted(target)}")
            if exists(cursor, opened):
                _admit(cursor, opened)
            cursor.execute("COMMIT")
        except OperationalError:
            # A session that is being ended takes a moment to go; one that was being begun is seen only now.
            cursor.execute("ROLLBACK")
            if time.monotonic() > deadline:
                raise
            for source, _ in renames:
                _require_movable(cursor, source)
                _end_sessions(cursor, source)
            time.sleep(_PAUSE)
        else:
            return


def _require_movable(cursor: CursorWrapper, database: str) -> None:
    if obstacle := prepared_in(cursor, database):
        raise RestoreFailed(f"The databases were not exchanged: {obstacle}.")


def _swap(component: Component, renames: list[tuple[str, str]], *, opened: str) -> None:
    with server(component.name) as cursor:
        try:
            pending = [(source, target) for source, target in renames if exists(cursor, source)]
            if any(exists(cursor, target) and target not in {one for one, _ in pending} for _, target in pending):
                raise RestoreFailed(f"The server has a database under one of the names {renames} already; remove it.")
            for source, _ in pending:
                # Before anybody is shut out: what is in the way would stay there.
                _require_movable(cursor, source)
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


def open_again(component: Component) -> None:
    """Let connections into the live database, which was barred for a swap that did not come to be."""
    with server(component.name) as cursor:
        if exists(cursor, component.live):
            _admit(cursor, component.live)


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
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            cursor.execute(f"DROP DATABASE IF EXISTS {quoted(database)}")
        except OperationalError:
            if time.monotonic() > deadline:
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
