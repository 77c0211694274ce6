"""SQLite as a source: the online backup API makes a copy, from which the backup reads.

The copy fixes the consistency point. It stays in the job's working folder until it has been read, so that neither the
writers of the live database nor the job's heartbeat wait while it is stored.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from django.db import connections

from ....core.manifest import DatabaseRecord
from ....core.sql import quoted
from ....storage.staging import is_full
from ...document_titles import titles_query, titles_unread
from ...errors import CaptureFailed, SourceRefused
from ...file_references import NamedFiles, ReferenceField
from ...migrations import leaves
from ...streams import FileReader, MeasuredReader
from ..contract import DatabaseCapture

ENGINE: Final = "sqlite"
DUMP: Final = "database.sqlite3"
SIDE_FILES: Final = ("-wal", "-shm", "-journal")
_FETCH: Final = 5000
_BUSY_SECONDS: Final = 60.0
_FOLD_SECONDS: Final = 5.0


def database_path(alias: str, settings: Mapping[str, object]) -> Path:
    """Return the file of an SQLite database. Raises `SourceRefused` for one in memory, which cannot be backed up."""
    name = os.fspath(settings["NAME"]) if isinstance(settings["NAME"], os.PathLike) else str(settings["NAME"])
    if name.startswith("file:") and "mode=memory" not in name and ":memory:" not in name:
        name = unquote(urlsplit(name).path)
    if not name or name.startswith("file:") or ":memory:" in name:
        raise SourceRefused(f"The database {alias!r} is an SQLite database in memory; give it a file to back it up.")
    return Path(os.path.realpath(name))


def open_readonly(path: Path) -> sqlite3.Connection:
    """Open a database file that has no writers, without creating side files."""
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True, isolation_level=None)
    # Text that is not UTF-8 must not stop a backup.
    connection.text_factory = _text
    return connection


def has_no_tables(path: Path) -> bool:
    """Return whether a file is a database without tables; False for any other file, and for a missing one."""
    if not path.is_file() or path.is_symlink():
        return False
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
            return bool(connection.execute("SELECT count(*) = 0 FROM sqlite_master").fetchone()[0])
    except sqlite3.Error:
        return False


def checkpoint_log(path: Path) -> None:
    """Write the log of a database into its main file before it is moved, as far as its users allow.

    The log beside the file is moved with it in any case, also one that cannot be read.
    """
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(path, timeout=_FOLD_SECONDS, isolation_level=None)) as connection,
    ):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def count_rows(cursor: sqlite3.Cursor) -> dict[str, int]:
    """Return the number of rows of each table, also of tables without a model and of shadow tables."""
    cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    names = sorted(str(row[0]) for row in cursor.fetchall())
    counts: dict[str, int] = {}
    for name in names:
        cursor.execute(f"SELECT count(*) FROM {quoted(name)}")  # noqa: S608  quoted
        row = cursor.fetchone()
        counts[name] = int(str(row[0])) if row else 0
    return counts


@contextlib.contextmanager
def open_sqlite(
    alias: str, settings: Mapping[str, object], staging: Path, *, fields: Sequence[ReferenceField], named: NamedFiles
) -> Iterator[DatabaseCapture]:
    """Copy one database and read its facts; the block reads the copy. Raises `SourceRefused` and `CaptureFailed`."""
    with copied(alias, settings, staging) as (copy, cut_at):
        try:
            with contextlib.closing(open_readonly(copy)) as connection:
                record = _record(alias, connection, cut_at)
                for field in fields:
                    _read_names(alias, connection, field, named)
        except sqlite3.Error as error:
            raise CaptureFailed(f"The copy of the database {alias!r} cannot be read: {error}") from error
        yield DatabaseCapture(
            record, lambda finished: MeasuredReader(FileReader(copy, remove=True), finished), copy.stat().st_size
        )


@contextlib.contextmanager
def copied(alias: str, settings: Mapping[str, object], staging: Path) -> Iterator[tuple[Path, datetime.datetime]]:
    """Copy one database into `staging` for the time of the block, and yield the copy and its time.

    Raises `SourceRefused` and `CaptureFailed`.
    """
    live = database_path(alias, settings)
    if not live.is_file():
        raise CaptureFailed(f"The database {alias!r} should be {live}, which is not there; restore it or fix settings.")
    copy = staging / f"{alias}.sqlite3"
    try:
        try:
            cut_at = _copy(live, copy)
        except (sqlite3.Error, OSError) as error:
            room = ". Make room there." if is_full(error) else ""
            raise CaptureFailed(f"The database {alias!r} ({live}) cannot be copied to {copy}: {error}{room}") from error
        yield copy, cut_at
    finally:
        copy.unlink(missing_ok=True)


def _copy(live: Path, copy: Path) -> datetime.datetime:
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    uri = f"file:{quote(str(live))}?mode=rw"
    with (
        contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_BUSY_SECONDS)) as source,
        contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as target,
    ):
        # An open read transaction keeps the copy from starting again after each write.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        cut_at = datetime.datetime.now(datetime.UTC)
        target.execute("PRAGMA synchronous = OFF")
        source.backup(target)
        source.execute("ROLLBACK")
    return cut_at


def _record(alias: str, connection: sqlite3.Connection, cut_at: datetime.datetime) -> DatabaseRecord:
    cursor = connection.cursor()
    tables = count_rows(cursor)
    applied: list[tuple[str, str]] = []
    if "django_migrations" in tables:
        cursor.execute("SELECT app, name FROM django_migrations ORDER BY id")
        applied = [(str(app), str(name)) for app, name in cursor.fetchall()]
    sequences: dict[str, int | None] = {}
    if cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone():
        sequences = {str(name): int(value) for name, value in cursor.execute("SELECT name, seq FROM sqlite_sequence")}
    encoding = str(cursor.execute("PRAGMA encoding").fetchone()[0])
    return DatabaseRecord(
        alias=alias,
        engine=ENGINE,
        path=f"databases/{alias}/{DUMP}",
        size=-1,
        sha256="",
        cut_at=cut_at,
        server_version=sqlite3.sqlite_version,
        tables=tables,
        migrations=leaves(applied),
        encoding=encoding,
        sequences=sequences,
    )


def _read_names(alias: str, connection: sqlite3.Connection, field: ReferenceField, named: NamedFiles) -> None:
    columns = connection.execute(f"PRAGMA table_info({quoted(field.table)})").fetchall()
    if field.column not in {str(column[1]) for column in columns}:
        return
    table, column = quoted(field.table), quoted(field.column)
    cursor = connection.execute(
        f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL AND {column} <> ''"  # noqa: S608  quoted
    )
    while rows := cursor.fetchmany(_FETCH):
        named.add(field, [str(row[0]) for row in rows])
    if field.titles:
        # A table of the titles may lack a column, as before a migration.
        try:
            cursor = connection.execute(titles_query(field.label, field.titles, connections[alias]))
            while rows := cursor.fetchmany(_FETCH):
                named.add_titles(field, rows)
        except sqlite3.OperationalError as error:
            named.notes.append(titles_unread(field.label, error))


def damage_in(path: Path) -> list[str]:
    """Return the findings of SQLite's integrity check in a database file, none if it is good."""
    with contextlib.closing(open_readonly(path)) as connection:
        try:
            rows = connection.execute("PRAGMA integrity_check").fetchall()
        except sqlite3.DatabaseError as error:
            return [str(error)]
    return [] if rows == [("ok",)] else [str(row[0]) for row in rows]
