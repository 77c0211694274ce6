"""PostgreSQL as a source: pg_dump reads in the snapshot of one transaction.

The transaction is READ ONLY and REPEATABLE READ on a separate connection; its snapshot is exported to pg_dump. Row
counts, sequences and the names of files are read in the same transaction, so they are of the same time as the dump.
Writers do not wait.
"""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db import connections
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.utils import Error as DatabaseFailure

from strongroom.streams import Reader

from ....core.manifest import DatabaseRecord
from ....core.server_errors import advice_for, server_message
from ....core.sql import quoted
from ...document_titles import titles_query, titles_unread
from ...errors import CaptureFailed, SourceRefused
from ...file_references import NamedFiles, ReferenceField
from ...migrations import leaves
from ...streams import MeasuredReader, ProcessReader
from ..contract import DatabaseCapture, Finished
from .client_programs import LOCK_SECONDS, Client, dump_command, find_client, hidden_in
from .server_facts import locale_of, read_server_facts

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper

__all__ = [
    "PostgresFacts",
    "client_of",
    "find_client",
    "fresh_connection",
    "open_postgresql",
    "read_facts",
    "written_since",
]

ENGINE: Final = "postgresql"
DUMP: Final = "database.dump"
_FETCH: Final = 5000
_ACTIVE: Final = 1
"""The number in libpq for the state of a connection whose statement runs."""
_XIDS: Final = 1 << 32
_LOCKED: Final = "55P03"
"""SQLSTATE of a statement that has waited for a lock up to its time limit."""
_WATCHES_US: Final = "client_connection_check_interval"
_TIMEOUTS: Final = "'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout'"

# Tables with rows of their own: partitions count, their parents do not, nor do the tables of an extension.
_TABLES: Final = """
    SELECT n.nspname, c.relname, quote_ident(n.nspname) || '.' || quote_ident(c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't'
      AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass
                      AND d.deptype = 'e')
    ORDER BY 1, 2
"""
# All roles that the dump names: owners and roles with grants.
_ROLES: Final = """
    WITH ours AS (SELECT oid, nspowner, nspacl FROM pg_namespace
                  WHERE nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%'),
    named AS (SELECT relowner AS role FROM pg_class JOIN ours ON ours.oid = relnamespace
        UNION SELECT proowner FROM pg_proc JOIN ours ON ours.oid = pronamespace
        UNION SELECT nspowner FROM ours
        UNION SELECT (aclexplode(relacl)).grantee FROM pg_class JOIN ours ON ours.oid = relnamespace
        UNION SELECT (aclexplode(proacl)).grantee FROM pg_proc JOIN ours ON ours.oid = pronamespace
        UNION SELECT (aclexplode(nspacl)).grantee FROM ours)
    SELECT DISTINCT rolname FROM pg_roles JOIN named ON named.role = pg_roles.oid
    WHERE rolname NOT LIKE 'pg\\_%' ORDER BY 1
"""
_SEQUENCES: Final = """
    SELECT schemaname || '.' || sequencename, last_value FROM pg_sequences
    WHERE schemaname NOT LIKE 'pg\\_%' ORDER BY 1
"""
_SETTINGS: Final = """
    SELECT unnest(s.setconfig) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
    WHERE d.datname = current_database() AND s.setrole = 0
"""
_COLUMN: Final = """
    SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname = %s AND attnum > 0 AND NOT attisdropped
"""


@dataclass(frozen=True)
class PostgresFacts:
    """The facts of a database besides its rows, read in one transaction."""

    tables: dict[str, int]
    sequences: dict[str, int | None]
    roles: list[str]
    large_objects: int


@contextlib.contextmanager
def fresh_connection(alias: str, database: str | None = None) -> Iterator[BaseDatabaseWrapper]:
    """Open a separate connection with the alias's settings, in autocommit mode and without time limits.

    `database` is another database on the same server.
    """
    # Under Django's alias for connections to no configured database: handlers of the project for new connections, such
    # as that of `django.contrib.postgres`, must not read the live database, which may be gone.
    wrapper = connections[alias].copy(NO_DB_ALIAS)
    wrapper.settings_dict["OPTIONS"] = {
        name: value for name, value in wrapper.settings_dict["OPTIONS"].items() if name != "pool"
    }
    if database is not None:
        wrapper.settings_dict["NAME"] = database
    try:
        with wrapper.cursor() as cursor:
            cursor.execute(f"SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN ({_TIMEOUTS})")  # noqa: S608
            # A role that may see only some rows must fail instead of counting only these.
            cursor.execute("SET row_security = off")
            with contextlib.suppress(DatabaseFailure):
                # If the server can (from 14 on, not on all systems), it notices that this process was killed, instead
                # of waiting for it with all its locks.
                cursor.execute(f"SELECT set_config(name, '5s', false) FROM pg_settings WHERE name = '{_WATCHES_US}'")  # noqa: S608
        yield wrapper
    except DatabaseFailure:
        raise
    except BaseException:
        _cancel_statement(wrapper)
        raise
    finally:
        wrapper.close()


def _cancel_statement(wrapper: BaseDatabaseWrapper) -> None:
    """Cancel the running statement: a server goes on waiting for a lock after its client has left."""
    connection = wrapper.connection
    if connection is None or connection.info.transaction_status != _ACTIVE:
        return
    with contextlib.suppress(DatabaseFailure), wrapper.wrap_database_errors:
        connection.cancel()


def server_major(wrapper: BaseDatabaseWrapper) -> int:
    """Return the server's major version."""
    with wrapper.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        return int(single_text(cursor)) // 10000


def client_of(alias: str) -> Client:
    """Return the client that would dump this database. Raises `ClientMissing`, and `SourceRefused` without a server."""
    try:
        with fresh_connection(alias) as wrapper:
            return find_client(server_major(wrapper))
    except DatabaseFailure as error:
        raise SourceRefused(
            f"There is no connection to the database {alias!r}: {server_message(error)}. {advice_for(error)}"
        ) from error


def single_text(cursor: CursorWrapper) -> str:
    """Return the first column of the only row as text; "" for null."""
    row = cursor.fetchone()
    value = row[0] if row else None
    return "" if value is None else str(value)


def read_facts(cursor: CursorWrapper) -> PostgresFacts:
    """Count the rows of all tables and read all sequences, in the cursor's transaction."""
    cursor.execute(_TABLES)
    tables: dict[str, int] = {}
    for schema, table, name in cursor.fetchall():
        cursor.execute(f"SELECT count(*) FROM ONLY {name}")  # noqa: S608  quoted by the server
        tables[f"{schema}.{table}"] = int(single_text(cursor))
    cursor.execute(_ROLES)
    roles = [str(row[0]) for row in cursor.fetchall()]
    cursor.execute(_SEQUENCES)
    sequences = {str(name): None if value is None else int(str(value)) for name, value in cursor.fetchall()}
    cursor.execute("SELECT count(*) FROM pg_largeobject_metadata")
    return PostgresFacts(tables, sequences, roles, int(single_text(cursor)))


def written_since(cursor: CursorWrapper, position: str) -> dict[str, int]:
    """Count the rows of each table that were added or changed after a position of this server, by their xmin.

    Transaction numbers in rows have 32 bits and wrap around: a number that seems to be in the future is very old.
    """
    _, first_later, running = position.split(":")
    later = str(int(first_later) % _XIDS)
    still_running = [str(int(one) % _XIDS) for one in running.split(",") if one]
    cursor.execute(_TABLES)
    written: dict[str, int] = {}
    for schema, table, name in cursor.fetchall():
        # With parameters, the driver interprets "%".
        literal = str(name).replace("%", "%%")
        cursor.execute(
            f"SELECT count(*) FROM ONLY {literal}"  # noqa: S608  quoted by the server
            " WHERE age(xmin) BETWEEN 0 AND age(%s::xid) OR xmin::text = ANY(%s)",
            [later, still_running],
        )
        written[f"{schema}.{table}"] = int(single_text(cursor))
    return written


@contextlib.contextmanager
def open_postgresql(alias: str, fields: Sequence[ReferenceField], named: NamedFiles) -> Iterator[DatabaseCapture]:
    """Fix the consistency point of one database, and read all facts before the block; the dump is read in the block.

    The transaction stays open until the end of the block. Raises `ClientMissing` and `CaptureFailed`.
    """
    with contextlib.ExitStack() as stack:
        try:
            wrapper = stack.enter_context(fresh_connection(alias))
            # Another thread may read the dump and close the connection.
            wrapper.inc_thread_sharing()
            client = find_client(server_major(wrapper))
            cursor = stack.enter_context(wrapper.cursor())
            # A prepared transaction may lock a table forever, and a migration for hours.
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{LOCK_SECONDS}s"])
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SELECT pg_export_snapshot()")
            snapshot = single_text(cursor)
            cursor.execute("SELECT txid_current_snapshot()::text")
            position = str(single_text(cursor))
            record = _record(cursor, alias, client)
            for field in fields:
                _read_names(wrapper, cursor, field, named)
            cursor.execute("SELECT pg_database_size(current_database())")
            size = int(single_text(cursor))
        except DatabaseFailure as error:
            message = str(error).strip() + _advice(error)
            raise CaptureFailed(f"The database {alias!r} cannot be read: {message}") from error
        yield DatabaseCapture(
            record,
            lambda finished: _open_dump(wrapper, alias, client, snapshot=snapshot, finished=finished),
            size,
            position,
        )


def sqlstate(error: DatabaseFailure) -> str:
    """Return the SQLSTATE of an error that the server raised; "" for an error without an answer of the server."""
    cause = error.__cause__
    # Psycopg 3 has the first attribute, psycopg2 the second.
    return str(getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or "")


def _advice(error: DatabaseFailure) -> str:
    if sqlstate(error) != _LOCKED:
        return ""
    return (
        f". Another session has locked a table against readers for {LOCK_SECONDS} s: a migration, or a transaction"
        " that was prepared and neither committed nor rolled back (see pg_prepared_xacts)"
    )


def _open_dump(
    wrapper: BaseDatabaseWrapper, alias: str, client: Client, *, snapshot: str, finished: Finished
) -> Reader:
    settings = wrapper.settings_dict
    command, environment = dump_command(client, settings, snapshot, os.environ)
    what = f"pg_dump of the database {alias!r}"
    reader = ProcessReader(command, environment, what=what, hidden=hidden_in(settings))
    return MeasuredReader(reader, finished)


def _record(cursor: CursorWrapper, alias: str, client: Client) -> DatabaseRecord:
    cursor.execute("SELECT now(), current_setting('server_version'), current_database()")
    row = cursor.fetchone()
    assert row is not None  # noqa: S101  a SELECT without FROM has one row
    cut_at, version, name = row
    assert isinstance(cut_at, datetime.datetime)  # noqa: S101  the type of now()
    locale = locale_of(cursor, str(name))
    assert locale is not None  # noqa: S101  the database that we are in exists
    facts = read_facts(cursor)
    cursor.execute(_SETTINGS)
    settings = [str(row[0]) for row in cursor.fetchall()]
    return DatabaseRecord(
        alias=alias,
        engine=ENGINE,
        path=f"databases/{alias}/{DUMP}",
        size=-1,
        sha256="",
        cut_at=cut_at.astimezone(datetime.UTC),
        server_version=str(version),
        tables=facts.tables,
        migrations=leaves(_applied(cursor)),
        tool=f"pg_dump {client.version[0]}.{client.version[1]}",
        database=str(name),
        encoding=locale.encoding,
        collation=locale.collation,
        character_type=locale.character_type,
        locale_provider=locale.locale_provider,
        icu_locale=locale.icu_locale,
        icu_rules=locale.icu_rules,
        settings=settings,
        roles=facts.roles,
        sequences=facts.sequences,
        large_objects=facts.large_objects,
        server=read_server_facts(cursor, str(name)),
    )


def _applied(cursor: CursorWrapper) -> list[tuple[str, str]]:
    cursor.execute("SELECT to_regclass('django_migrations')")
    if not single_text(cursor):
        return []
    cursor.execute("SELECT app, name FROM django_migrations ORDER BY id")
    return [(str(app), str(name)) for app, name in cursor.fetchall()]


def _read_names(wrapper: BaseDatabaseWrapper, cursor: CursorWrapper, field: ReferenceField, named: NamedFiles) -> None:
    table, column = quoted(field.table), quoted(field.column)
    cursor.execute(_COLUMN, [table, field.column])
    if cursor.fetchone() is None:
        return
    names = f"SELECT DISTINCT {column}::text FROM {table} WHERE {column} IS NOT NULL AND {column}::text <> ''"  # noqa: S608
    for rows in _fetched(cursor, names):
        named.add(field, [str(row[0]) for row in rows])
    if field.titles:
        # A table of the titles may lack a column, as before a migration.
        cursor.execute("SAVEPOINT titles")
        try:
            for rows in _fetched(cursor, titles_query(field.label, field.titles, wrapper)):
                named.add_titles(field, rows)
        except DatabaseFailure as error:
            cursor.execute("ROLLBACK TO SAVEPOINT titles")
            named.notes.append(titles_unread(field.label, error))


def _fetched(cursor: CursorWrapper, query: str) -> Iterator[list[tuple[object, ...]]]:
    """Yield the rows of a query by the thousand, in constant memory."""
    cursor.execute(f"DECLARE names NO SCROLL CURSOR FOR {query}")
    while True:
        cursor.execute(f"FETCH {_FETCH} FROM names")
        rows = cursor.fetchall()
        if not rows:
            break
        yield rows
    cursor.execute("CLOSE names")
