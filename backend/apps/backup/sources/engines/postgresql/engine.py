"""PostgreSQL, as a backup reads it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...file_references import NamedFiles, ReferenceField
from ..contract import CaptureEngine, DatabaseCapture
from ..opened_rows import OpenedRows
from .dump import ENGINE, client_of, fresh_connection, open_postgresql
from .rows import open_rows

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper


class PostgresqlCapture(CaptureEngine):
    """One transaction sees everything, and pg_dump sees what that transaction sees."""

    vendor = ENGINE
    has_dump = True

    def open_dump(
        self, alias: str, staging: Path, *, fields: Sequence[ReferenceField], named: NamedFiles
    ) -> contextlib.AbstractContextManager[DatabaseCapture]:
        return open_postgresql(alias, fields, named)

    def open_rows(self, alias: str, staging: Path, stack: contextlib.ExitStack) -> OpenedRows:
        return open_rows(alias, stack)

    def client_programs(self, alias: str) -> Sequence[str]:
        return [client_of(alias).text]

    def open_sample(self, alias: str, seconds: int) -> contextlib.AbstractContextManager[BaseDatabaseWrapper]:
        return fresh_connection(alias)

    @contextlib.contextmanager
    def limited(self, wrapper: BaseDatabaseWrapper, cursor: CursorWrapper, seconds: int) -> Iterator[None]:
        # Changes nothing outside of the transaction, which suits poolers of connections.
        cursor.execute("BEGIN READ ONLY")
        try:
            cursor.execute(f"SET LOCAL statement_timeout = '{seconds}s'")
            yield
        finally:
            cursor.execute("ROLLBACK")

    def as_text(self, column: str) -> tuple[str, str]:
        text = f"CAST({column} AS text)"
        return text, f"octet_length({text})"
