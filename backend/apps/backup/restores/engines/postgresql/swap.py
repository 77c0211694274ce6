"""Swap databases on a PostgreSQL server by renaming them.

Both renames are one transaction: also after a kill, the server has either the old or the new database under the live
name. A database with connections cannot be renamed, so the live one is barred and its sessions are ended.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.db.utils import Error as DatabaseFailure
from django.db.utils import OperationalError

from ....core.sql import quoted
from ....errors import RestoreFailed, RestoreRefused
from ....sources.engines.postgresql.schema.server import PATIENCE, PAUSE, bar_connections, end_sessions, exists, server
from ...journal import Component

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper


def prepared_in(cursor: CursorWrapper, database: str) -> str:
    """Describe the prepared transactions of a database: they outlive sessions, and keep it from being renamed."""
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
    """Raise `RestoreRefused` while prepared transactions keep the live database from being renamed."""
    with server(component.name) as cursor:
        if obstacle := prepared_in(cursor, component.live):
            raise RestoreRefused(f"Nothing was changed: {obstacle}.")


def _admit(cursor: CursorWrapper, database: str) -> None:
    cursor.execute(f"ALTER DATABASE {quoted(database)} WITH ALLOW_CONNECTIONS true")


def _rename_all(cursor: CursorWrapper, renames: list[tuple[str, str]], opened: str) -> None:
    """Rename in one transaction, at whose end `opened` accepts connections again."""
    for source, _ in renames:
        bar_connections(cursor, source)
    deadline = time.monotonic() + PATIENCE
    while True:
        cursor.execute("BEGIN")
        try:
            for source, target in renames:
                cursor.execute(f"ALTER DATABASE {quoted(source)} RENAME TO {quoted(target)}")
            if exists(cursor, opened):
                _admit(cursor, opened)
            cursor.execute("COMMIT")
        except OperationalError:
            # A session takes some time to end, and one that was just starting is visible only now.
            cursor.execute("ROLLBACK")
            if time.monotonic() > deadline:
                raise
            for source, _ in renames:
                _require_movable(cursor, source)
                end_sessions(cursor, source)
            time.sleep(PAUSE)
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
                # Check before connections are barred: prepared transactions would prevent the renaming.
                _require_movable(cursor, source)
            _rename_all(cursor, pending, opened)
        except DatabaseFailure as error:
            raise RestoreFailed(
                f"The database {component.live!r} cannot be renamed: {str(error).strip()}. End the sessions that use"
                " it, or run as its owner."
            ) from error


def forward_database(component: Component) -> None:
    """Move live → kept and staged → live."""
    with server(component.name) as cursor:
        if not exists(cursor, component.staged):
            return
    _swap(
        component,
        [(component.live, component.kept), (component.staged, component.live)],
        opened=component.live,
    )


def backward_database(component: Component) -> None:
    """Move live → staged and kept → live. If the swap has not happened, only open the live database again."""
    with server(component.name) as cursor:
        # Check the kept database, not the staged one, which may have been put back and dropped already.
        swapped = exists(cursor, component.kept if component.had_live else component.live)
        swapped = swapped and (component.had_live or not exists(cursor, component.staged))
    renames: list[tuple[str, str]] = []
    if swapped:
        renames = [(component.live, component.staged), (component.kept, component.live)]
    _swap(component, renames, opened=component.live)


def open_again(component: Component) -> None:
    """Admit connections to the live database, which was barred for a swap that did not happen."""
    with server(component.name) as cursor:
        if exists(cursor, component.live):
            _admit(cursor, component.live)


def admit_again(component: Component) -> None:
    """Admit connections to the kept database, which was barred when it was replaced."""
    with server(component.name) as cursor:
        if not exists(cursor, component.kept):
            raise RestoreFailed(f"The database {component.kept!r} is gone; there is nothing to roll back to.")
        _admit(cursor, component.kept)
