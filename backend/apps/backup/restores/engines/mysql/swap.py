"""Swap databases on a MariaDB or MySQL server by renaming their tables.

These servers cannot rename a database. But one RENAME TABLE moves all tables of the live database to the kept one and
all of the staged one to the live one, and it is atomic from MariaDB 10.6 and MySQL 8.0 on: also after a kill, all or
none of the tables have moved. Live tables that the staged database does not have stay. Foreign keys follow their
tables. The live database itself stays, with its grants, default collation, views, routines, events and sequences.
Sessions need not be barred: they wait for the statement.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from django.db.utils import Error as DatabaseFailure

from ....core.sql import backticked
from ....errors import RestoreFailed
from ...journal import Component
from .server import execute_alone, exists, reason, server, tables
from .triggers import clean_up, drop_trigger, make_trigger, prove_rights, read_triggers

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

MAX_NAME: Final = 64
_MAX_FOLDER: Final = 255

# The steps of a component. Triggers are in the journal before the first one is dropped.
_FORWARD: Final = "forward"
_NEW: Final = "new"
_BACKWARD: Final = "backward"
_OLD: Final = "old"

Mark = Callable[[str], None]
"""Writes a step and the component's triggers into the journal."""


def free_name(base: str, ending: str) -> str:
    """Return a database name of two parts, within the limits in characters (server) and bytes (its folder)."""
    kept = base[: MAX_NAME - len(ending)]
    while kept and _folder_length(kept + ending) > _MAX_FOLDER:
        kept = kept[:-1]
    return kept + ending


def _folder_length(name: str) -> int:
    # In the folder's name, any other character than a letter or digit of ASCII is @ and at most four digits.
    return sum(1 if letter == "_" or (letter.isascii() and letter.isalnum()) else 5 for letter in name)


@contextlib.contextmanager
def named_failure(what: str, then: str) -> Iterator[None]:
    """Translate an error of the server to `RestoreFailed`, with what failed, the server's reason and the remedy."""
    try:
        yield
    except DatabaseFailure as error:
        raise RestoreFailed(f"{what}: {reason(error)}. {then}") from error


def drop(alias: str, database: str) -> None:
    """Drop a database with all its contents, if it exists."""
    with server(alias) as cursor, named_failure(f"The database {database!r} cannot be dropped", "Drop it by hand."):
        execute_alone(cursor, f"DROP DATABASE IF EXISTS {backticked(database)}", [database])


def forward_database(component: Component, mark: Mark) -> None:
    """Move live → kept and staged → live."""
    if component.step == _NEW:
        return
    with server(component.name) as cursor, _renaming(component):
        if component.step != _FORWARD:
            if not tables(cursor, component.staged):
                raise RestoreFailed(f"The staged database {component.staged!r} has no tables; nothing was swapped.")
            if component.had_live:
                component.stays = sorted({*tables(cursor, component.live)} - {*tables(cursor, component.staged)})
            _record_triggers(cursor, component, old_in=component.live, new_in=component.staged)
            mark(_FORWARD)
        _move(cursor, component, swapped=True)
        _drop_if_empty(cursor, component.staged)
    mark(_NEW)


def backward_database(component: Component, mark: Mark) -> None:
    """Move live → staged and kept → live. Does nothing if the swap has not begun."""
    if component.step in {"", _OLD}:
        return
    with server(component.name) as cursor, _renaming(component):
        if component.step == _NEW:
            _record_triggers(cursor, component, old_in=component.kept, new_in=component.live)
        # An interrupted swap may have dropped some of the triggers already: those in the journal are complete.
        mark(_BACKWARD)
        _move(cursor, component, swapped=False)
        _drop_if_empty(cursor, component.kept)
        if not component.had_live:
            _drop_if_empty(cursor, component.live)
    mark(_OLD)


@contextlib.contextmanager
def _renaming(component: Component) -> Iterator[None]:
    with named_failure(
        f"The tables of the database {component.live!r} cannot be renamed",
        "The renaming is all or nothing: end the sessions that use them, or get the right that is missing, and try"
        " again.",
    ):
        yield


def _record_triggers(cursor: CursorWrapper, component: Component, *, old_in: str, new_in: str) -> None:
    triggers = read_triggers(cursor, old_in, old=True) if component.had_live else []
    triggers += read_triggers(cursor, new_in, old=False)
    component.triggers = [one for one in triggers if one.table not in component.stays]


def _place(component: Component, *, old: bool, swapped: bool) -> str:
    """Return the database of the old or the new tables, before or after the swap."""
    if old:
        return component.kept if swapped else component.live
    return component.live if swapped else component.staged


def _move(cursor: CursorWrapper, component: Component, *, swapped: bool) -> None:
    """Move all tables, and then their triggers, to their places in the state `swapped` or not."""
    # A kill may have left the table of `prove_rights` there, which must not be moved.
    probed = component.kept if component.had_live else component.live
    clean_up(cursor, probed)
    # One statement renames all: the new tables are either all staged or all live.
    is_swapped = not tables(cursor, component.staged)
    if is_swapped is not swapped:
        _prepare(cursor, component, swapped=swapped)
        prove_rights(cursor, probed, component.triggers)
        for trigger in component.triggers:
            drop_trigger(cursor, _place(component, old=trigger.old, swapped=is_swapped), trigger)
        renames = _renames(cursor, component, swapped=swapped)
        cursor.execute("SET SESSION foreign_key_checks = 0")
        databases = [component.live, component.staged, component.kept]
        execute_alone(cursor, f"RENAME TABLE {', '.join(renames)}", databases)
    for trigger in component.triggers:
        make_trigger(cursor, _place(component, old=trigger.old, swapped=swapped), trigger)


def _prepare(cursor: CursorWrapper, component: Component, *, swapped: bool) -> None:
    """Create the databases into which tables are moved."""
    if swapped:
        if component.had_live:
            _create_like(cursor, component.kept, component.live)
        _create_like(cursor, component.live, component.staged)
    else:
        if component.had_live and not exists(cursor, component.kept):
            raise RestoreFailed(f"The database {component.kept!r} is gone; there is nothing to go back to.")
        _create_like(cursor, component.staged, component.live)


def _create_like(cursor: CursorWrapper, database: str, pattern: str) -> None:
    cursor.execute(
        "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA"
        " WHERE SCHEMA_NAME = %s",
        [pattern],
    )
    row = cursor.fetchone()
    defaults = f"CHARACTER SET {backticked(str(row[0]))} COLLATE {backticked(str(row[1]))}" if row else ""
    cursor.execute(f"CREATE DATABASE IF NOT EXISTS {backticked(database)} {defaults}")


def _renames(cursor: CursorWrapper, component: Component, *, swapped: bool) -> list[str]:
    order = [True, False] if swapped else [False, True]
    found = []
    for old in order:
        if old and not component.had_live:
            continue
        source = _place(component, old=old, swapped=not swapped)
        target = _place(component, old=old, swapped=swapped)
        found += [
            f"{backticked(source)}.{backticked(name)} TO {backticked(target)}.{backticked(name)}"
            for name in tables(cursor, source)
            if name not in component.stays or source != component.live
        ]
    return found


def _drop_if_empty(cursor: CursorWrapper, database: str) -> None:
    """Drop a database without tables. Its views and routines are useless without them."""
    if exists(cursor, database) and not tables(cursor, database):
        cursor.execute(f"DROP DATABASE IF EXISTS {backticked(database)}")
