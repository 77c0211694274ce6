"""Restore a PostgreSQL dump into a new database beside the live one, and compare it with the manifest."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from django.db import connections
from django.db.utils import Error as DatabaseFailure

from strongroom.streams import Reader

from ....core.manifest import DatabaseRecord
from ....errors import RestoreFailed
from ....sources.engines.postgresql.client_programs import Client, find_client, hidden_in, restore_command
from ....sources.engines.postgresql.dump import PostgresFacts, fresh_connection, read_facts
from ....sources.engines.postgresql.schema.checks import drop_checks, recreate_checks, references_not_valid
from ....sources.engines.postgresql.schema.failures import Maker, failures_of
from ....sources.engines.postgresql.schema.generated import compute_again
from ....sources.engines.postgresql.schema.rehearsal import is_failure
from ....sources.engines.postgresql.schema.rights import (
    Rights,
    give_to_owner,
    replay_facts,
    replay_rights,
    role_names,
)
from ....sources.engines.postgresql.schema.scratch import major, missing_rights, source_path, source_session
from ....sources.engines.postgresql.schema.script import Entry, Script, read_script
from ....sources.engines.postgresql.schema.server import exists, server
from ....sources.engines.postgresql.schema.session import Session, open_session
from ....sources.engines.postgresql.server_facts import extensions_publications_triggers, locale_of, server_facts
from ....sources.engines.rehearsal import RESTRICTED, Failure
from ....sources.streams import CHUNK, DumpPlace, describe_exit
from ....sources.verify import compare_rows
from ...backup_source import Progress
from ..server_check import ServerCheck
from .swap import prepared_in

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

_MOST_NAMED: Final = 10
_HEAD: Final = 1 << 16
_EMPTY_PATH: Final = b"SELECT pg_catalog.set_config('search_path', '', false);"


def check_rights(alias: str) -> ServerCheck:
    """Check the server of a database to be filled with rows. Raises `RestoreFailed` if it cannot be reached."""
    database = str(connections[alias].settings_dict["NAME"])
    with server(alias) as cursor:
        database_exists = exists(cursor, database)
        blocking = missing_rights(cursor)
        unmovable = _unmovable(cursor, database) if database_exists else []
        locale = locale_of(cursor, database)
        version = major(cursor)
    warnings = []
    if locale is not None and locale.encoding != "UTF8":
        warnings.append(f"the database {database!r} has the encoding {locale.encoding}, which has not every character")
    return ServerCheck(database, database_exists, f"PostgreSQL server {version}", "", blocking, warnings, unmovable)


def check_server(record: DatabaseRecord) -> ServerCheck:
    """Check the server for a dump. Raises `RestoreFailed` if it cannot be reached, and `ClientMissing`."""
    database = str(connections[record.alias].settings_dict["NAME"])
    with server(record.alias) as cursor:
        version = major(cursor)
        database_exists = exists(cursor, database)
        blocking = missing_rights(cursor)
        unmovable = _unmovable(cursor, database) if database_exists else []
    warnings = []
    client = find_client(version)
    recorded = int(record.server_version.split(".", 1)[0])
    if version < recorded:
        warnings.append(f"the server has version {version}, the backup is of a newer one, {recorded}; it may refuse it")
    dumped_by = int(record.tool.rpartition(" ")[2].split(".", 1)[0])
    if client.version[0] < dumped_by:
        blocking.append(
            f"the dump was written by {record.tool}, which {client.text} may not read; install"
            f" postgresql-client-{dumped_by} or set BACKUP_POSTGRESQL_BIN"
        )
    return ServerCheck(
        database, database_exists, f"PostgreSQL server {version}", client.text, blocking, warnings, unmovable
    )


def _unmovable(cursor: CursorWrapper, database: str) -> list[str]:
    obstacles = []
    cursor.execute(
        "SELECT rolsuper OR pg_has_role(datdba, 'MEMBER'), rolname FROM pg_roles, pg_database"
        " WHERE rolname = current_user AND datname = %s",
        [database],
    )
    movable, role = cursor.fetchone() or (False, "")
    if not movable:
        obstacles.append(f"the role {role!r} is not the owner of the database {database!r} and cannot rename it")
    if prepared := prepared_in(cursor, database):
        obstacles.append(prepared)
    return obstacles


def load(
    record: DatabaseRecord,
    scratch: str,
    place: DumpPlace,
    *,
    leave_out: frozenset[str],
    progress: Progress,
) -> list[str]:
    """Restore the dump in sections, compare the result with the manifest, and return notes for the user.

    The objects are created one by one, before and after the rows, without those in `leave_out`; pg_restore loads the
    rows. Rights come last, since an owner may have revoked its own. Raises `RestoreFailed`, which names the objects
    that cannot be created.
    """
    settings = connections[record.alias].settings_dict
    with server(record.alias) as cursor:
        client = find_client(major(cursor))
        roles = role_names(cursor)
        live = server_facts(cursor, str(settings["NAME"]))
    script = read_script(client, place, record).without(leave_out)
    rights = Rights()
    try:
        with source_session(record, scratch):
            with open_session(record, scratch, script.prologue) as session:
                notes = _make(session, script, script.before, record)
                checks = drop_checks(session)
            _load_rows(client, record, scratch, place, progress=progress)
            with open_session(record, scratch, script.prologue) as session:
                notes += compute_again(session)
                notes += _make(session, script, script.after, record)
                failures, not_valid = recreate_checks(session, checks)
                _require_none(failures)
                notes += not_valid
            with fresh_connection(record.alias, scratch) as wrapper, wrapper.cursor() as cursor:
                _require_same(record, read_facts(cursor))
                cursor.execute("ANALYZE")
        with open_session(record, scratch, script.prologue) as session:
            replay_rights(session, [*script.before, *script.large, *script.after], rights, roles)
            notes += _make(session, script, script.last, record)
            replay_rights(session, script.last, rights, roles)
        with fresh_connection(record.alias, scratch) as wrapper, wrapper.cursor() as cursor:
            _require_made(record, extensions_publications_triggers(cursor), leave_out)
        with server(record.alias) as cursor:
            # An old backup without these facts gets those of the live database.
            replay_facts(cursor, scratch, record.server or live, record.settings, rights)
            give_to_owner(cursor, scratch, record.server or live, rights)
    except DatabaseFailure as error:
        raise RestoreFailed(
            f"The database {scratch!r} cannot be restored or compared with the manifest: {str(error).strip()}."
            " Nothing live was changed."
        ) from error
    if rights.weaker:
        raise RestoreFailed(
            f"The restored database would allow more than the one that was backed up. {RESTRICTED}:"
            f" {'; '.join(rights.weaker[:_MOST_NAMED])}. Nothing live was changed."
        )
    return notes + rights.all_notes()


def _make(session: Session, script: Script, entries: list[Entry], record: DatabaseRecord) -> list[str]:
    """Create objects of the script, or raise `RestoreFailed`; return notes on comments, which alone may be refused."""
    refused, notes = references_not_valid(session, session.make([entry for entry in entries if not entry.is_rights]))
    counting = [(entry, refusal) for entry, refusal in refused if is_failure(entry, refusal, filled=True)]
    _require_none(failures_of(counting, script.entries, Maker(source_path(record), session.role)))
    # An extension brings its own comment.
    return notes + [
        f"not restored ({refusal.text}): {entry.display_sql}"
        for entry, refusal in refused
        if not entry.name.startswith("EXTENSION ")
    ]


def _require_none(failures: list[Failure]) -> None:
    if failures:
        named = " / ".join(str(one) for one in failures[:_MOST_NAMED])
        raise RestoreFailed(f"{len(failures)} objects cannot be restored: {named}. Nothing live was changed.")


def _require_made(
    record: DatabaseRecord, made: tuple[dict[str, str], list[str], list[str]], leave_out: frozenset[str]
) -> None:
    if record.server is None:
        return
    extensions, publications, event_triggers = made
    wanted = {f"extension:{name}" for name in record.server.extensions}
    wanted |= {f"publication:{name}" for name in record.server.publications}
    wanted |= {f"event-trigger:{name}" for name in record.server.event_triggers}
    existing = {f"extension:{name}" for name in extensions} | {f"publication:{name}" for name in publications}
    existing |= {f"event-trigger:{name}" for name in event_triggers}
    if missing := sorted(wanted - existing - leave_out):
        raise RestoreFailed(f"The restored database lacks {', '.join(missing)}. Nothing live was changed.")


def _load_rows(client: Client, record: DatabaseRecord, scratch: str, place: DumpPlace, *, progress: Progress) -> None:
    """Let pg_restore load the rows with the application's settings, which generated columns may need."""
    settings = connections[record.alias].settings_dict
    command, environment = restore_command(client, settings, scratch, os.environ)
    with place.open_member(record.path) as dump:
        digest = _feed(command, environment, dump, hidden_in(settings), progress)
    if digest != record.sha256:
        raise RestoreFailed(f"{record.path} is not the dump that was captured; nothing live was changed.")


def _feed(
    command: list[str], environment: dict[str, str], dump: Reader, hidden: Sequence[str], progress: Progress
) -> str:
    digest = hashlib.sha256()
    size = 0
    with tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            cwd="/",
            start_new_session=True,
        )
        assert process.stdin is not None  # noqa: S101  asked for above
        complete = False
        try:
            head = _head(dump)
            while data := head or dump.read(CHUNK):
                digest.update(data)
                process.stdin.write(_with_own_path(data) if head else data)
                head = b""
                size += len(data)
                progress(0, size)
            process.stdin.close()
            complete = True
        except BrokenPipeError:
            # pg_restore ended before the dump; its exit status and messages say why.
            process.wait()
        finally:
            if not complete:
                process.kill()
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            status = process.wait()
        if status != 0 or not complete:
            stderr.seek(0)
            messages = " / ".join(stderr.read()[-8000:].decode("utf-8", "replace").strip().splitlines()[-5:])
            for secret in hidden:
                messages = messages.replace(secret, "********") if secret else messages
            raise RestoreFailed(f"pg_restore failed ({describe_exit(status)}): {messages}. Nothing live was changed.")
    return digest.hexdigest()


def _head(dump: Reader) -> bytes:
    """Return the beginning of a dump, which has its search path."""
    head = b""
    while len(head) < _HEAD and (data := dump.read(CHUNK)):
        head += data
    return head


def _with_own_path(head: bytes) -> bytes:
    """Change the beginning of a dump so that the loading session keeps its own search path, not an empty one."""
    return head.replace(_EMPTY_PATH, b"RESET search_path;".ljust(len(_EMPTY_PATH)), 1)


def _require_same(record: DatabaseRecord, found: PostgresFacts) -> None:
    differences = compare_rows(record, found.tables)
    differences += [f"table {name} is not in the manifest" for name in sorted(set(found.tables) - set(record.tables))]
    for name, recorded in record.sequences.items():
        value = found.sequences.get(name)
        # Sequences are outside of transactions: the dump may have a later value than the consistency point.
        if recorded is not None and (value is None or abs(value) < abs(recorded)):
            differences.append(f"sequence {name} is at {value}, it was at {recorded}")
    if found.large_objects != record.large_objects:
        differences.append(f"there are {found.large_objects} large objects, there were {record.large_objects}")
    if differences:
        raise RestoreFailed(
            f"The restored database is not the one that was captured ({len(differences)} differences):"
            f" {'; '.join(differences[:5])}. Nothing live was changed."
        )
