"""PostgreSQL, as a backup reads it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from strongroom.streams import Reader

from ....core.manifest import DatabaseRecord
from ...errors import CaptureFailed
from ...file_references import NamedFiles, ReferenceField
from ...streams import DumpPlace
from ..contract import CaptureEngine, DatabaseCapture, DumpReading
from ..opened_rows import OpenedRows
from ..rehearsal import Rehearsal
from .client_programs import find_client, rows_command
from .dump import ENGINE, client_of, fresh_connection, open_postgresql, server_major
from .read_dump import count_copied, read_dump
from .rows import open_rows
from .schema.rehearsal import rehearse
from .schema.scratch import missing_rights

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper


class PostgresqlCapture(CaptureEngine):
    """Databases are dumped by pg_dump in the snapshot of one transaction."""

    vendor = ENGINE
    has_dump = True
    needs_client = True
    rehearses = True

    def open_dump(
        self, alias: str, staging: Path, *, fields: Sequence[ReferenceField], named: NamedFiles
    ) -> contextlib.AbstractContextManager[DatabaseCapture]:
        return open_postgresql(alias, fields, named)

    def open_rows(self, alias: str, staging: Path, stack: contextlib.ExitStack) -> OpenedRows:
        return open_rows(alias, stack)

    def client_programs(self, alias: str) -> Sequence[str]:
        return [client_of(alias).text]

    def require_client(self, wrapper: BaseDatabaseWrapper, *, ask_server: bool) -> None:
        find_client(server_major(wrapper) if ask_server else None)

    def read_dump(
        self, record: DatabaseRecord, stream: Reader, measure: Callable[[bytes], None], staging: Path | None
    ) -> DumpReading:
        client = find_client(int(record.server_version.split(".", 1)[0]))
        try:
            return DumpReading(read_dump(rows_command(client), stream, count_copied, measure=measure))
        except CaptureFailed as error:
            return DumpReading(damage=[str(error)])

    def rehearse(self, place: DumpPlace, record: DatabaseRecord, leave_out: frozenset[str] = frozenset()) -> Rehearsal:
        return rehearse(place, record, leave_out)

    def missing_restore_rights(self, cursor: CursorWrapper) -> Sequence[str]:
        return missing_rights(cursor)

    def open_sample(self, alias: str, seconds: int) -> contextlib.AbstractContextManager[BaseDatabaseWrapper]:
        return fresh_connection(alias)

    @contextlib.contextmanager
    def limited(self, wrapper: BaseDatabaseWrapper, cursor: CursorWrapper, seconds: int) -> Iterator[None]:
        # In a transaction: the limit must not stay in a session that a connection pooler shares.
        cursor.execute("BEGIN READ ONLY")
        try:
            cursor.execute(f"SET LOCAL statement_timeout = '{seconds}s'")
            yield
        finally:
            cursor.execute("ROLLBACK")

    def as_text(self, column: str) -> tuple[str, str]:
        text = f"CAST({column} AS text)"
        return text, f"octet_length({text})"
