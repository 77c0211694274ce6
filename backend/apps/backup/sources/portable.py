"""Databases in portable form as a source: one transaction sees everything, and every table is a stream of lines.

Names of files are taken from the rows as they pass, so that they are of the same moment and cost no query.
"""

from __future__ import annotations

import contextlib
import datetime
import sqlite3
import zoneinfo
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from django.conf import settings as project
from django.db import connections
from django.db.utils import Error as DatabaseFailure

from strongroom.entries import Entry, Folder, Stream
from strongroom.streams import Reader

from .. import conf
from ..core.manifest import DataRecord, TableRecord
from ..portable.engines.base import Moments, Reading
from ..portable.engines.mysql import MysqlReading
from ..portable.engines.postgresql import PostgresqlReading
from ..portable.engines.sqlite import SqliteReading
from ..portable.forms import Row
from ..portable.history import History, history
from ..portable.rows import LinesReader
from ..portable.tables import FOLDER, decimal_places, describe
from . import mysql, postgresql, sqlite
from .errors import CaptureFailed
from .migrations import leaves
from .named_files import NamedFiles, ReferenceField

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

Applied = list[tuple[str, str]]
_MIGRATIONS = "SELECT app, name FROM django_migrations ORDER BY id"


@dataclass
class PortableCut:
    """One database at its cut. `record` has the figures of the tables that have been read to their end."""

    record: DataRecord
    reading: Reading
    named: NamedFiles
    fields: Sequence[ReferenceField]
    size_hint: int | None = None
    _finished: dict[str, TableRecord] = field(default_factory=dict)

    def entries(self) -> list[Entry]:
        """One stream for each table, in the order of their names."""
        streams = [(table.path.rpartition("/")[2].encode(), table) for table in self.record.tables]
        return [Stream(name, self._opener(table)) for name, table in sorted(streams, key=lambda pair: pair[0])]

    def _opener(self, table: TableRecord) -> Callable[[], Reader]:
        def finished(rows: int, size: int, sha256: str) -> None:
            self._finished[table.name] = msgspec.structs.replace(table, rows=rows, size=size, sha256=sha256)

        def opened() -> Reader:
            with _translated(self.record.alias, table.name):
                reader = LinesReader(self.reading.batches(table), finished, watch=self._watch(table))
            return _Translating(reader, self.record.alias, table.name)

        return opened

    def _watch(self, table: TableRecord) -> Callable[[Sequence[Row]], None] | None:
        places = {column.name: place for place, column in enumerate(table.columns)}
        watched = [(one, places[one.column]) for one in self.fields if one.table == table.name and one.column in places]
        if not watched:
            return None

        def watch(rows: Sequence[Row]) -> None:
            for one, place in watched:
                self.named.add(one, [str(row[place]) for row in rows if row[place]])

        return watch

    def finished(self) -> DataRecord:
        """The record with every table's figures; raises `CaptureFailed` if one was not read to its end."""
        unread = [table.name for table in self.record.tables if table.name not in self._finished]
        if unread:
            raise CaptureFailed(f"The table {unread[0]} was not read to its end; there is no backup.")
        tables = [self._finished[table.name] for table in self.record.tables]
        return msgspec.structs.replace(self.record, tables=tables, notes=[*self.record.notes, *self.reading.met()])


class _Translating:
    """A stream whose database errors are ours."""

    def __init__(self, reader: LinesReader, alias: str, table: str) -> None:
        self._reader = reader
        self._alias = alias
        self._table = table

    def read(self, size: int, /) -> bytes:
        with _translated(self._alias, self._table):
            return self._reader.read(size)

    def close(self) -> None:
        self._reader.close()


@contextlib.contextmanager
def _translated(alias: str, table: str | None = None) -> Iterator[None]:
    try:
        with connections[alias].wrap_database_errors:
            yield
    except (DatabaseFailure, sqlite3.Error) as error:
        what = f"The database {alias!r}" if table is None else f"The table {table!r} of the database {alias!r}"
        raise CaptureFailed(f"{what} cannot be read: {str(error).strip()}") from error


def data_folder(cuts: Sequence[PortableCut]) -> Folder:
    """All databases as they lie in a package: the default one's tables, and a folder for each other one."""
    inside: dict[bytes, Entry] = {}
    for cut in cuts:
        entries = cut.entries()
        parent = Path(cut.record.tables[0].path).parent.name if cut.record.tables else ""
        if parent == FOLDER:
            inside |= {entry.name: entry for entry in entries}
        elif parent:
            inside[parent.encode()] = Folder(parent.encode(), entries)
    return Folder(FOLDER.encode(), [inside[name] for name in sorted(inside)])


@contextlib.contextmanager
def open_portable(
    alias: str, staging: Path, *, fields: Sequence[ReferenceField], named: NamedFiles
) -> Iterator[PortableCut]:
    """Fix the cut of one database; its rows are read while the block runs. Raises `CaptureFailed`."""
    with contextlib.ExitStack() as stack:
        with _translated(alias):
            opened = _OPEN[connections[alias].vendor](alias, staging, stack)
            record = opened.record(alias)
        yield PortableCut(record, opened.reading, named, fields, opened.size)


@dataclass(frozen=True)
class _Opened:
    reading: Reading
    known: History
    applied: Applied
    version: str
    cut_at: datetime.datetime
    size: int
    warnings: list[str]

    def record(self, alias: str) -> DataRecord:
        tables = describe(alias, self.reading, self.known)
        left_out = [f"left out: {what}" for what in self.reading.left_out()]
        return DataRecord(
            alias=alias,
            engine=self.reading.name,
            server_version=self.version,
            cut_at=self.cut_at,
            time_zone=str(connections[alias].timezone_name),
            bare_moments=self.reading.name != postgresql.ENGINE and not project.USE_TZ,
            applied={app: sorted(names) for app, names in sorted(_by_app(self.applied).items())},
            migrations=leaves(self.applied),
            tables=tables,
            warnings=[*self.warnings, *left_out],
            notes=[*self.reading.notes(), *_leftovers(self.known)],
        )


def _leftovers(known: History) -> list[str]:
    return [
        f"django_migrations names {app}.{name}, which the code does not have: it is carried as it is"
        for app, name in known.unknown
    ]


def _by_app(applied: Applied) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for app, name in applied:
        found.setdefault(app, []).append(name)
    return found


def moments_in(alias: str, *, bare: bool) -> Moments:
    """How the project means the moments that this database stores without a zone; `bare` says how they are written."""
    zone = connections[alias].timezone if project.USE_TZ else None
    return Moments(zone, zoneinfo.ZoneInfo(str(project.TIME_ZONE)), bare)


def _open_postgresql(alias: str, staging: Path, stack: contextlib.ExitStack) -> _Opened:  # noqa: ARG001  one form
    wrapper = stack.enter_context(postgresql.fresh_connection(alias))
    wrapper.inc_thread_sharing()
    cursor = stack.enter_context(wrapper.cursor())
    reading = PostgresqlReading(cursor, moments_in(alias, bare=False))
    reading.prepare()
    cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    cursor.execute("SELECT now(), current_setting('server_version'), pg_database_size(current_database())")
    now, version, size = _row(cursor)
    cut_at = now.astimezone(datetime.UTC)
    cursor.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
    applied = _applied(cursor) if _row(cursor)[0] else []
    return _Opened(reading, history(_by_app(applied)), applied, str(version), cut_at, int(size), [])


def _open_mysql(alias: str, staging: Path, stack: contextlib.ExitStack) -> _Opened:  # noqa: ARG001  one form
    wrapper = stack.enter_context(mysql.fresh_connection(alias))
    wrapper.inc_thread_sharing()
    cursor = stack.enter_context(wrapper.cursor())
    reading = MysqlReading(wrapper, cursor, moments=moments_in(alias, bare=not project.USE_TZ))
    reading.prepare()
    cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    now = datetime.datetime.now(datetime.UTC)
    cursor.execute(
        "SELECT VERSION(), coalesce(sum(data_length), 0) FROM information_schema.tables WHERE table_schema = DATABASE()"
    )
    version, size = _row(cursor)
    loose = mysql.not_transactional(cursor, str(wrapper.settings_dict["NAME"]))
    warnings = [f"the table {name} is not InnoDB: its rows are not of the cut's moment" for name in loose]
    cursor.execute(
        "SELECT count(*) FROM information_schema.tables"
        " WHERE table_schema = DATABASE() AND table_name = 'django_migrations'"
    )
    applied = _applied(cursor) if _row(cursor)[0] else []
    return _Opened(reading, history(_by_app(applied)), applied, str(version), now, int(size), warnings)


def _open_sqlite(alias: str, staging: Path, stack: contextlib.ExitStack) -> _Opened:
    settings = connections[alias].settings_dict
    copy, cut_at = stack.enter_context(sqlite.copied(alias, settings, staging))
    connection = stack.enter_context(contextlib.closing(sqlite.open_readonly(copy)))
    there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'django_migrations'").fetchone()
    applied = [(str(app), str(name)) for app, name in connection.execute(_MIGRATIONS)] if there else []
    known = history(_by_app(applied))
    reading = SqliteReading(
        connection,
        moments=moments_in(alias, bare=not project.USE_TZ),
        places=decimal_places(known),
        derived=conf.load().derived_tables,
    )
    return _Opened(reading, known, applied, sqlite3.sqlite_version, cut_at, copy.stat().st_size, [])


def _row(cursor: CursorWrapper) -> tuple[Any, ...]:
    row = cursor.fetchone()
    assert row is not None  # noqa: S101  such queries have one row
    return tuple(row)


def _applied(cursor: CursorWrapper) -> Applied:
    cursor.execute(_MIGRATIONS)
    return [(str(app), str(name)) for app, name in cursor.fetchall()]


_OPEN: dict[str, Callable[[str, Path, contextlib.ExitStack], _Opened]] = {
    postgresql.ENGINE: _open_postgresql,
    mysql.ENGINE: _open_mysql,
    sqlite.ENGINE: _open_sqlite,
}
