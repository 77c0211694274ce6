"""MariaDB and MySQL, as a backup reads them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..contract import CaptureEngine
from ..opened_rows import OpenedRows
from .connection import ENGINE, fresh_connection
from .rows import open_rows

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper


class MysqlCapture(CaptureEngine):
    """Databases are read as rows only."""

    vendor = ENGINE

    def open_rows(self, alias: str, staging: Path, stack: contextlib.ExitStack) -> OpenedRows:
        return open_rows(alias, stack)

    @contextlib.contextmanager
    def open_sample(self, alias: str, seconds: int) -> Iterator[BaseDatabaseWrapper]:
        with fresh_connection(alias) as wrapper:
            with wrapper.cursor() as cursor:
                cursor.execute(f"SET SESSION lock_wait_timeout = {seconds}")
                _limit_statements(cursor, seconds)
            yield wrapper

    def as_text(self, column: str) -> tuple[str, str]:
        return f"CAST({column} AS CHAR)", f"length({column})"


def _limit_statements(cursor: CursorWrapper, seconds: int) -> None:
    """Limit each statement: MariaDB takes seconds, MySQL milliseconds."""
    cursor.execute("SHOW VARIABLES WHERE Variable_name IN ('max_statement_time', 'max_execution_time')")
    for name, _ in cursor.fetchall():
        limit = seconds if name == "max_statement_time" else seconds * 1000
        cursor.execute(f"SET SESSION {name} = {limit}")
