"""The restore engine for SQLite files."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from django.db import connections

from ....core.manifest import DatabaseRecord
from ....errors import RestoreFailed
from ....sources.engines.sqlite.online_copy import ENGINE, SIDE_FILES, count_rows, database_path
from ....sources.files import RESTORE_MARK
from ...backup_source import Origin, Progress
from ...changes import Baseline
from ...journal import Component, Journal, Kind
from ..contract import FileEngine, Mark
from ..files import swap
from ..files.engine import paths_beside
from ..fill_base import Filling, Scratch
from . import carry_ledger, chosen_tables, fill, stage, written

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper

_CODE: Final = "SELECT 'trigger ' || name || ' on ' || tbl_name, sql FROM sqlite_master WHERE type = 'trigger'"


class SqliteEngine(FileEngine):
    """Databases are swapped by renaming the file with its side files. SQLite itself limits the wait for locks."""

    kind = Kind.SQLITE
    vendor = ENGINE
    label = "SQLite"

    def live_file(self, alias: str) -> Path:
        return database_path(alias, connections[alias].settings_dict)

    def component(self, alias: str, journal: Journal) -> Component:
        live = self.live_file(alias)
        beside = live.with_name(f".{live.name}{RESTORE_MARK}{journal.restore.hex[:8]}")
        return paths_beside(self.kind, alias, live, beside)

    def forward(self, component: Component, mark: Mark) -> None:
        swap.forward_path(component, mark, sides=SIDE_FILES)

    def backward(self, component: Component, mark: Mark) -> None:
        swap.backward_path(component, mark, sides=SIDE_FILES)

    def settle(self, component: Component) -> None:
        if not component.had_live:
            # Only now the folder has the owner that it has in the backup.
            stage.give_to_folder_owner(Path(component.live))

    def is_there(self, name: str, place: str) -> bool:
        return os.path.lexists(place)

    def look_command(self, component: Component) -> str:
        return f"database {component.name}: sqlite3 'file:{quote(component.kept)}?mode=ro'"

    def create(self, alias: str, place: str, *, like: str) -> None:
        stage.create_empty(Path(like), Path(place))

    def load_dump(
        self,
        record: DatabaseRecord,
        place: str,
        origin: Origin,
        *,
        like: str,
        leave_out: frozenset[str],
        progress: Progress,
    ) -> list[str]:
        with origin.open_member(record.path) as dump:
            stage.load(record, Path(like), Path(place), dump=dump, progress=progress)
        return []

    def fill(self, scratch: Scratch) -> contextlib.AbstractContextManager[Filling]:
        return fill.open_sqlite(scratch)

    def drop(self, alias: str, place: str) -> None:
        swap.discard(place, sides=SIDE_FILES)

    def keep_tables(self, alias: str, place: str, keep: frozenset[str]) -> list[str]:
        return chosen_tables.keep_tables(place, keep)

    def carry_ledger(self, component: Component, target: str) -> str:
        return carry_ledger.carry_sqlite(Path(component.live), Path(target))

    @contextlib.contextmanager
    def connect(self, component: Component, place: str) -> Iterator[BaseDatabaseWrapper]:
        wrapper = connections[component.name].copy()
        wrapper.settings_dict["NAME"] = place
        wrapper.settings_dict["AUTOCOMMIT"] = True
        try:
            yield wrapper
            if place != component.live:
                # The log must be empty before the database file is renamed.
                with wrapper.cursor() as cursor:
                    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            wrapper.close()

    def count_rows(self, component: Component, place: str, before: Mapping[str, int]) -> Mapping[str, int]:
        # Writable, because rows that are still in the log beside the file count, too.
        with (
            _errors_translated(),
            contextlib.closing(sqlite3.connect(f"file:{quote(place)}?mode=rw", uri=True)) as connection,
        ):
            return count_rows(connection.cursor())

    def count_written(self, component: Component, place: str, baseline: Baseline) -> Mapping[str, int] | None:
        if baseline.stored is None:
            return None
        with _errors_translated():
            return written.count_written(component.name, place, baseline.stored)

    def stored_code(self, cursor: CursorWrapper) -> Mapping[str, str]:
        cursor.execute(_CODE)
        return {str(name): str(text) for name, text in cursor.fetchall()}

    def normalized_names(self, tables: Iterable[str]) -> frozenset[str]:
        # SQLite ignores the case of letters in names of tables.
        return frozenset(name.lower() for name in tables)


@contextlib.contextmanager
def _errors_translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise RestoreFailed(str(error)) from error
