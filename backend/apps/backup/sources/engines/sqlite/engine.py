"""SQLite, as a backup reads it."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.db import connections

from strongroom.streams import Reader

from ....core.manifest import DatabaseRecord
from ...errors import SourceRefused
from ...file_references import NamedFiles, ReferenceField
from ...streams import CHUNK
from ..contract import CaptureEngine, DatabaseCapture, DumpReading
from ..opened_rows import OpenedRows
from .online_copy import (
    DUMP,
    ENGINE,
    SIDE_FILES,
    count_rows,
    damage_in,
    database_path,
    open_readonly,
    open_sqlite,
)
from .rows import open_rows

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper

_STEPS: Final = 20_000
"""Instructions of SQLite between two checks of the clock."""


class SqliteCapture(CaptureEngine):
    """Databases are copied by the online backup API, and read from the copy."""

    vendor = ENGINE
    has_dump = True
    is_file = True
    side_files = SIDE_FILES

    def open_dump(
        self, alias: str, staging: Path, *, fields: Sequence[ReferenceField], named: NamedFiles
    ) -> contextlib.AbstractContextManager[DatabaseCapture]:
        return open_sqlite(alias, connections[alias].settings_dict, staging, fields=fields, named=named)

    def open_rows(self, alias: str, staging: Path, stack: contextlib.ExitStack) -> OpenedRows:
        return open_rows(alias, staging, stack)

    def file_of(self, alias: str) -> Path:
        return database_path(alias, connections[alias].settings_dict)

    def named_file(self, alias: str) -> str:
        name = str(connections[alias].settings_dict["NAME"] or "")
        return "" if name.startswith((":memory:", "file:")) else name

    def read_dump(
        self, record: DatabaseRecord, stream: Reader, measure: Callable[[bytes], None], staging: Path | None
    ) -> DumpReading:
        with tempfile.TemporaryDirectory(prefix="verify-", dir=staging) as folder:
            copy = Path(folder) / DUMP
            with copy.open("wb") as target:
                while data := stream.read(CHUNK):
                    measure(data)
                    target.write(data)
            if damage := damage_in(copy):
                return DumpReading(damage=damage)
            with contextlib.closing(open_readonly(copy)) as connection:
                return DumpReading(count_rows(connection.cursor()))

    @contextlib.contextmanager
    def open_sample(self, alias: str, seconds: int) -> Iterator[BaseDatabaseWrapper]:
        # A connection would create a missing file.
        if not self.file_of(alias).is_file():
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
