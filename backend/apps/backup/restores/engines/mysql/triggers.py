"""Move the triggers of MariaDB and MySQL: a table with a trigger cannot be renamed into another database.

The triggers are therefore read into the journal, dropped, and created again where their tables are afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ....core.sql import backticked
from ....errors import RestoreFailed
from ...journal import TableTrigger
from .server import execute_alone, exists

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

_EVENTS: Final = frozenset({"INSERT", "UPDATE", "DELETE"})
_PROBE: Final = "edms_restore_probe"


def read_triggers(cursor: CursorWrapper, database: str, *, old: bool) -> list[TableTrigger]:
    """Return the triggers of a database, in the order of their creation. Raises `RestoreFailed`."""
    cursor.execute(
        "SELECT EVENT_OBJECT_TABLE, TRIGGER_NAME, ACTION_TIMING, EVENT_MANIPULATION, ACTION_STATEMENT, DEFINER,"
        " SQL_MODE, COLLATION_CONNECTION FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s"
        " ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER",
        [database],
    )
    found = []
    for row in cursor.fetchall():
        table, name, timing, event, body, definer, sql_mode, collation = (str(value) for value in row)
        if event not in _EVENTS:
            raise RestoreFailed(
                f"The trigger {name!r} of {database!r} is for {event}, which cannot be made again; drop it first."
            )
        found.append(
            TableTrigger(
                old=old,
                table=table,
                name=name,
                timing=timing,
                event=event,
                body=body,
                definer=definer,
                sql_mode=sql_mode,
                collation=collation,
            )
        )
    return found


def prove_rights(cursor: CursorWrapper, database: str, triggers: Sequence[TableTrigger]) -> None:
    """Create and drop a trigger for each definer on a temporary table: if that fails, no real trigger is dropped.

    Raises Django's database errors.
    """
    probe = f"{backticked(database)}.{backticked(_PROBE)}"
    if not triggers:
        return
    cursor.execute(f"CREATE TABLE {probe} (id int)")
    for definer in sorted({trigger.definer for trigger in triggers}):
        cursor.execute(
            f"CREATE DEFINER = {_account(definer)} TRIGGER {probe} BEFORE INSERT ON {probe} FOR EACH ROW SET @probe = 1"
        )
        cursor.execute(f"DROP TRIGGER {probe}")
    clean_up(cursor, database)


def clean_up(cursor: CursorWrapper, database: str) -> None:
    """Drop the temporary table of `prove_rights`, which a kill may have left."""
    if exists(cursor, database):
        cursor.execute(f"DROP TABLE IF EXISTS {backticked(database)}.{backticked(_PROBE)}")


def drop_trigger(cursor: CursorWrapper, database: str, trigger: TableTrigger) -> None:
    """Drop a trigger if it exists."""
    execute_alone(cursor, f"DROP TRIGGER IF EXISTS {backticked(database)}.{backticked(trigger.name)}", [database])


def make_trigger(cursor: CursorWrapper, database: str, trigger: TableTrigger) -> None:
    """Create a trigger in a database, unless it exists."""
    cursor.execute(
        "SELECT 1 FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s AND TRIGGER_NAME = BINARY %s",
        [database, trigger.name],
    )
    if cursor.fetchone() is not None:
        return
    place = backticked(database)
    cursor.execute("SET @own_mode = @@sql_mode, @own_collation = @@collation_connection")
    cursor.execute("SET SESSION sql_mode = %s, collation_connection = %s", [trigger.sql_mode, trigger.collation])
    try:
        execute_alone(
            cursor,
            f"CREATE DEFINER = {_account(trigger.definer)} TRIGGER {place}.{backticked(trigger.name)} {trigger.timing}"
            f" {trigger.event} ON {place}.{backticked(trigger.table)} FOR EACH ROW {trigger.body}",
            [database],
        )
    finally:
        cursor.execute("SET SESSION sql_mode = @own_mode, collation_connection = @own_collation")


def _account(definer: str) -> str:
    user, _, host = definer.rpartition("@")
    return f"{backticked(user)}@{backticked(host)}" if user and host else backticked(user or host)
