"""SQLite, as a backup reads it."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.db import connections

from ...errors import SourceRefused
from ...file_references import NamedFiles, ReferenceField
from ..contract import CaptureEngine, DatabaseCapture
from ..opened_rows import OpenedRows
from .online_copy import ENGINE, database_path, open_sqlite
from .rows import open_rows

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper

_STEPS: Final = 20_000
"""SQLite looks at the clock after so many of its instructions."""


class SqliteCapture(CaptureEngine):
    """The online backup API makes a copy, and everything else is read from that copy."""

    vendor = ENGINE
    has_dump = True
    is_file = True

    def open_dump(
        self, alias: str, staging: Path, *, fields: Sequence[ReferenceField], named: NamedFiles
    ) -> contextlib.AbstractContextManager[DatabaseCapture]:
        return open_sqlite(alias, connections[alias].settings_dict, staging, fields=fields, named=named)

    def open_rows(self, alias: str, staging: Path, stack: contextlib.ExitStack) -> OpenedRows:
        return open_rows(alias, staging, stack)

    @contextlib.contextmanager
    def open_sample(self, alias: str, seconds: int) -> Iterator[BaseDatabaseWrapper]:
        # Connecting would make a file that is not there.
        if not database_path(alias, connections[alias].settings_dict).is_file():
            raise SourceRefused("there is no file of the database")
        wrapper = connections[alias].copy()
        try:
            wrapper.ensure_connection()
            _raw(wrapper).text_factory = lambda data: data.decode("utf-8", "surrogateescape")
            with wrapper.cursor() as cursor:
                cursor.execute(f"PRAGMA busy_timeout = {seconds * 1000}")
                cursor.execute("PRAGMA query_only = ON")
            yield wrapper
        finally:
            wrapper.close()

    @contextlib.contextmanager
    def limited(self, wrapper: BaseDatabaseWrapper, cursor: CursorWrapper, seconds: int) -> Iterator[None]:
        deadline = time.monotonic() + seconds
        _raw(wrapper).set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
        yield

    def as_text(self, column: str) -> tuple[str, str]:
        return f"CAST({column} AS TEXT)", f"length({column})"


def _raw(wrapper: BaseDatabaseWrapper) -> sqlite3.Connection:
    assert isinstance(wrapper.connection, sqlite3.Connection)  # noqa: S101  it is connected
    return wrapper.connection
