"""A PostgreSQL dump into a scratch database beside the live one, and the comparison with the manifest."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db import connections
from django.db.utils import Error as DatabaseFailure

from strongroom.streams import Reader

from ..identifiers import quoted
from ..manifest import DatabaseRecord
from ..sources.postgresql import PostgresFacts, fresh_connection, read_facts
from ..sources.postgresql_client import find_client, hidden_in, restore_command
from ..sources.readers import CHUNK, describe_exit
from ..sources.verify import compare_rows
from .errors import RestoreFailed
from .move_postgresql import exists, prepared_in, server
from .origin import Progress
from .servers import ServerCheck

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

# Their recorded values are lists of quoted names, which must not be quoted once more as a whole.
_LISTS: Final = frozenset(
    {
        "search_path",
        "local_preload_libraries",
        "session_preload_libraries",
        "temp_tablespaces",
        "unix_socket_directories",
    }
)


def check_rights(alias: str) -> ServerCheck:
    """Look at the server of a database that is to be filled with rows; raises `RestoreFailed` if it is not reached."""
    database = str(connections[alias].settings_dict["NAME"])
    with server(alias) as cursor:
        there = exists(cursor, database)
        blocking = _missing_rights(cursor)
        unmovable = _unmovable(cursor, database) if there else []
        locale = _locale_of(cursor, database)
        major = _major(cursor)
    warnings = []
    if locale is not None and locale.encoding != "UTF8":
        warnings.append(f"the database {database!r} has the encoding {locale.encoding}, which has not every character")
    return ServerCheck(database, there, f"PostgreSQL server {major}", "", blocking, warnings, unmovable)


def _major(cursor: CursorWrapper) -> int:
    cursor.execute("SHOW server_version_num")
    return int(_value(cursor)) // 10000


def check_server(record: DatabaseRecord) -> ServerCheck:
    """Look at the server of a database; raises `RestoreFailed` if it cannot be reached, `ClientMissing`."""
    database = str(connections[record.alias].settings_dict["NAME"])
    with server(record.alias) as cursor:
        major = _major(cursor)
        there = exists(cursor, database)
        blocking = _missing_rights(cursor)
        unmovable = _unmovable(cursor, database) if there else []
        warnings = _missing_roles(cursor, record)
    client = find_client(major)
    recorded = int(record.server_version.split(".", 1)[0])
    if major < recorded:
        warnings.append(f"the server has version {major}, the backup is of a newer one, {recorded}; it may refuse it")
    dumped_by = int(record.tool.rpartition(" ")[2].split(".", 1)[0])
    if client.version[0] < dumped_by:
        blocking.append(
            f"the dump was written by {record.tool}, which {client.text} may not read; install"
            f" postgresql-client-{dumped_by} or set BACKUP_POSTGRESQL_BIN"
        )
    return ServerCheck(database, there, f"PostgreSQL server {major}", client.text, blocking, warnings, unmovable)


def _value(cursor: CursorWrapper) -> str:
    row = cursor.fetchone()
    return "" if row is None or row[0] is None else str(row[0])


def _missing_rights(cursor: CursorWrapper) -> list[str]:
    cursor.execute("SELECT rolcreatedb OR rolsuper, rolname FROM pg_roles WHERE rolname = current_user")
    creates, role = cursor.fetchone() or (False, "")
    if creates:
        return []
    return [f"the role {role!r} may not create databases; run ALTER ROLE {quoted(str(role))} CREATEDB"]


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


def _missing_roles(cursor: CursorWrapper, record: DatabaseRecord) -> list[str]:
    if _keeps_owners(cursor, record):
        return []
    return [f"not all of the roles {', '.join(record.roles)} can be used here: everything will belong to the own role"]


def _keeps_owners(cursor: CursorWrapper, record: DatabaseRecord) -> bool:
    cursor.execute(
        "SELECT count(*) FROM pg_roles WHERE rolname = ANY(%s) AND pg_has_role(oid, 'MEMBER')", [list(record.roles)]
    )
    return int(_value(cursor)) == len(record.roles)


@dataclass(frozen=True)
class _Locale:
    """How a database sorts and spells."""

    encoding: str
    collation: str
    character_type: str
    locale_provider: str
    icu_locale: str


def create_scratch(record: DatabaseRecord, scratch: str) -> bool:
    """Create the empty database with the recorded encoding and collation; whether owners can be kept."""
    locale = _Locale(
        record.encoding, record.collation, record.character_type, record.locale_provider, record.icu_locale
    )
    with _creating(record.alias, scratch) as cursor:
        cursor.execute(_create_statement(locale, scratch))
        return _keeps_owners(cursor, record)


def create_like_live(alias: str, scratch: str) -> None:
    """Create an empty database with encoding, collation and settings of the live one, or the server's own."""
    database = str(connections[alias].settings_dict["NAME"])
    with _creating(alias, scratch) as cursor:
        locale = _locale_of(cursor, database)
        if locale is None:
            cursor.execute(f"CREATE DATABASE {quoted(scratch)} TEMPLATE template0 ENCODING 'UTF8'")
            return
        cursor.execute(_create_statement(locale, scratch))
        cursor.execute(
            "SELECT unnest(s.setconfig) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase"
            " WHERE d.datname = %s AND s.setrole = 0",
            [database],
        )
        for (setting,) in cursor.fetchall():
            cursor.execute(f"ALTER DATABASE {quoted(scratch)} SET {_assignment(str(setting))}")


@contextlib.contextmanager
def _creating(alias: str, scratch: str) -> Iterator[CursorWrapper]:
    with server(alias) as cursor:
        try:
            yield cursor
        except DatabaseFailure as error:
            raise RestoreFailed(
                f"The database {scratch!r} cannot be created beside the live one: {str(error).strip()}. Nothing was"
                " changed."
            ) from error


def _locale_of(cursor: CursorWrapper, database: str) -> _Locale | None:
    """Of a database on the server; None if there is none of that name."""
    cursor.execute("SHOW server_version_num")
    number = int(_value(cursor))
    provider = "d.datlocprovider::text" if number >= 150000 else "''"
    icu = "coalesce(d.datlocale, '')" if number >= 170000 else "coalesce(d.daticulocale, '')"
    cursor.execute(
        f"SELECT pg_encoding_to_char(d.encoding), d.datcollate, d.datctype, {provider},"  # noqa: S608
        f" {icu if number >= 150000 else chr(39) * 2} FROM pg_database d WHERE d.datname = %s",
        [database],
    )
    row = cursor.fetchone()
    return None if row is None else _Locale(*map(str, row))


def _create_statement(locale: _Locale, scratch: str) -> str:
    words = [f"CREATE DATABASE {quoted(scratch)} TEMPLATE template0 ENCODING {_literal(locale.encoding)}"]
    words.append(f"LC_COLLATE {_literal(locale.collation)} LC_CTYPE {_literal(locale.character_type)}")
    if locale.locale_provider == "i":
        words.append(f"LOCALE_PROVIDER icu ICU_LOCALE {_literal(locale.icu_locale)}")
    elif locale.locale_provider == "b":
        words.append(f"LOCALE_PROVIDER builtin BUILTIN_LOCALE {_literal(locale.icu_locale)}")
    return " ".join(words)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def load(record: DatabaseRecord, scratch: str, dump: Reader, *, owners: bool, progress: Progress) -> None:
    """Feed the dump to pg_restore and compare the result with the manifest; raises `RestoreFailed`."""
    settings = connections[record.alias].settings_dict
    with server(record.alias) as cursor:
        client = find_client(_major(cursor))
    command, environment = restore_command(client, settings, scratch, os.environ, owners=owners)
    digest = _feed(command, environment, dump, hidden_in(settings), progress)
    if digest != record.sha256:
        raise RestoreFailed(f"{record.path} is not the dump that was captured; nothing live was changed.")
    try:
        with fresh_connection(record.alias, scratch) as wrapper, wrapper.cursor() as cursor:
            _require_same(record, read_facts(cursor))
            cursor.execute("ANALYZE")
        with server(record.alias) as cursor:
            for setting in record.settings:
                cursor.execute(f"ALTER DATABASE {quoted(scratch)} SET {_assignment(setting)}")
    except DatabaseFailure as error:
        raise RestoreFailed(
            f"The restored database {scratch!r} cannot be compared with the manifest: {str(error).strip()}."
            " Nothing live was changed."
        ) from error


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
            while data := dump.read(CHUNK):
                digest.update(data)
                process.stdin.write(data)
                size += len(data)
                progress(0, size)
            process.stdin.close()
            complete = True
        except BrokenPipeError:
            # pg_restore has ended before the dump did; its status and its words say why.
            process.wait()
        finally:
            if not complete:
                process.kill()
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            status = process.wait()
        if status != 0 or not complete:
            stderr.seek(0)
            said = " / ".join(stderr.read()[-8000:].decode("utf-8", "replace").strip().splitlines()[-5:])
            for secret in hidden:
                said = said.replace(secret, "********") if secret else said
            raise RestoreFailed(f"pg_restore failed ({describe_exit(status)}): {said}. Nothing live was changed.")
    return digest.hexdigest()


def _require_same(record: DatabaseRecord, found: PostgresFacts) -> None:
    differences = compare_rows(record, found.tables)
    differences += [f"table {name} is not in the manifest" for name in sorted(set(found.tables) - set(record.tables))]
    for name, recorded in record.sequences.items():
        value = found.sequences.get(name)
        # Sequences stand outside of transactions: the dump may have seen a later value than the cut.
        if recorded is not None and (value is None or abs(value) < abs(recorded)):
            differences.append(f"sequence {name} is at {value}, it was at {recorded}")
    if found.large_objects != record.large_objects:
        differences.append(f"there are {found.large_objects} large objects, there were {record.large_objects}")
    if differences:
        raise RestoreFailed(
            f"The restored database is not the one that was captured ({len(differences)} differences):"
            f" {'; '.join(differences[:5])}. Nothing live was changed."
        )


def _assignment(setting: str) -> str:
    name, _, value = setting.partition("=")
    if name in _LISTS:
        parts = [part.strip().strip('"').replace('""', '"') for part in value.split(",")]
        return f"{quoted(name)} TO {', '.join(_literal(part) for part in parts)}"
    return f"{quoted(name)} TO {_literal(value)}"
