"""A rehearsal: the schema of a stored dump is restored into an empty database, which is dropped again.

Within seconds it finds the objects that the server would refuse in a restore. It does not find problems that only rows
can show.
"""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from django.db import connections

from .....core.manifest import DatabaseRecord
from .....errors import RestoreFailed
from .....models import RehearsalState
from ....streams import DumpPlace
from ...rehearsal import Failure, Rehearsal
from ..client_programs import find_client
from ..dump import ENGINE, fresh_connection
from .checks import drop_checks, recreate_checks
from .disks import missing_room
from .failures import Maker, Refused, failures_of
from .large_objects import sample_large_objects
from .rights import Rights, replay_facts, replay_rights, role_names
from .scratch import create_scratch, major, missing_rights, source_path, source_session
from .script import Entry, Script, read_script
from .server import drop, free_name, maintenance, server
from .session import Refusal, Session, open_session

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

_MARK: Final = "_rehearsal_"
_LOCK: Final = 0x65646D72
_SKIPPED: Final = frozenset({"SUBSCRIPTION"})
"""A database with a subscription cannot be dropped."""
_FILLED: Final = "MATERIALIZED VIEW DATA"
_WRONG_SQL: Final = "42"
"""The class of errors in the SQL itself, regardless of the rows."""


def rehearse(place: DumpPlace, record: DatabaseRecord, leave_out: frozenset[str] = frozenset()) -> Rehearsal:
    """Rehearse the restore of one database, without the objects that `leave_out` names.

    Raises `RestoreFailed`, `ClientMissing`, and Django's `DatabaseError` if the server has a problem.
    """
    if record.alias not in connections.settings or connections[record.alias].vendor != ENGINE:
        return Rehearsal(RehearsalState.IMPOSSIBLE, "The settings have no such database on PostgreSQL.")
    with server(record.alias) as cursor:
        if missing := missing_rights(cursor):
            return Rehearsal(RehearsalState.IMPOSSIBLE, f"{missing[0]}.")
        if lack := missing_room(cursor):
            return Rehearsal(RehearsalState.IMPOSSIBLE, f"{lack}.")
        client = find_client(major(cursor))
        roles = role_names(cursor)
    whole = read_script(client, place, record)
    unknown = leave_out - {entry.selector for entry in whole.entries}
    if unknown:
        raise RestoreFailed(f"The backup has no {sorted(unknown)[0]!r} that could be left out; see the plan for names.")
    script = sample_large_objects(whole.without(leave_out).without_kinds(_SKIPPED))
    rights = Rights()
    with _scratch(record) as scratch:
        with source_session(record, scratch), open_session(record, scratch, script.prologue) as session:
            refused, failures = _create_all(session, script)
            replay_rights(session, [*script.before, *script.large, *script.after], rights, roles)
            refused += _create(session, script.last)
            replay_rights(session, script.last, rights, roles)
            maker = Maker(source_path(record), session.role)
        with server(record.alias) as cursor:
            replay_facts(cursor, scratch, record.server, record.settings, rights)
    left_out = [entry for entry in whole.entries if entry.selector in leave_out]
    failures = failures_of(refused, whole.entries, maker, left_out) + failures
    state = RehearsalState.FAILED if failures or rights.weaker else RehearsalState.PASSED
    return Rehearsal(state.value, "", failures, rights.weaker, rights.all_notes())


def _create_all(session: Session, script: Script) -> tuple[list[Refused], list[Failure]]:
    refused = _create(session, [*script.before, *script.large])
    checks = drop_checks(session)
    refused += _create(session, script.after)
    failures, _ = recreate_checks(session, checks)
    return refused, failures


def _create(session: Session, entries: list[Entry]) -> list[Refused]:
    refused = session.make([entry for entry in entries if not entry.is_rights])
    return [(entry, refusal) for entry, refusal in refused if is_failure(entry, refusal)]


def is_failure(entry: Entry, refusal: Refusal, *, filled: bool = False) -> bool:
    """Return whether a refusal counts as a failure.

    That of a comment does not: a comment is refused on an object of the server, which has its own. An error that is
    only due to missing rows does not count either, unless the tables are `filled`.
    """
    if entry.kind == "COMMENT":
        return False
    return filled or entry.kind != _FILLED or refusal.state.startswith(_WRONG_SQL)


@contextlib.contextmanager
def _scratch(record: DatabaseRecord) -> Iterator[str]:
    """Create an empty database and drop it at the end. Leftovers of killed rehearsals are dropped first."""
    live = str(connections[record.alias].settings_dict["NAME"])
    name = free_name(live, f"{_MARK}{uuid.uuid4().hex[:8]}")
    with fresh_connection(record.alias, maintenance(record.alias)) as wrapper, wrapper.cursor() as cursor:
        # This process holds the lock while it runs: a database of that name without a lock was left by a killed one.
        cursor.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", [_LOCK, name])
        for leftover in _leftovers(cursor, live):
            drop(record.alias, leftover)
        try:
            create_scratch(record, name)
            yield name
        finally:
            drop(record.alias, name)


def _leftovers(cursor: CursorWrapper, live: str) -> list[str]:
    pattern = re.escape(free_name(live, f"{_MARK}{'0' * 8}")[:-8]) + "[0-9a-f]{8}"
    cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"%{_MARK}%"])
    found = [str(row[0]) for row in cursor.fetchall() if re.fullmatch(pattern, str(row[0]))]
    dead = []
    for name in found:
        cursor.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", [_LOCK, name])
        ((free,),) = cursor.fetchall()
        if free:
            dead.append(name)
    return dead
