"""Count the rows of an SQLite database written after the backup of the live state, by comparison with its copy."""

from __future__ import annotations

import contextlib
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

from strongroom.snapshots import SnapshotView

from ....core.sql import quoted
from ....ledger import ledger_tables
from ....sources.engines.sqlite import online_copy as sqlite
from ....storage.locations import RepositoryPlace
from ....storage.staging import staging_folder
from ...changes import StoredAt

_PIECE: Final = 1 << 20


def count_written(alias: str, place: str, stored: StoredAt) -> Mapping[str, int] | None:
    """Count the rows of each table that are not in the stored copy; return None if that backup has no copy."""
    with _as_it_was(alias, stored) as before:
        return None if before is None else _changed_in(place, before)


@contextlib.contextmanager
def _as_it_was(alias: str, stored: StoredAt) -> Iterator[Path | None]:
    repository = RepositoryPlace(Path(stored.storage), stored.encrypted).open()
    with repository.lock(optional=True):
        view = SnapshotView(repository, repository.snapshot(stored.snapshot))
        node = view.find(f"databases/{alias}/{sqlite.DUMP}".encode())
        if node is None:
            yield None
            return
        with staging_folder(uuid.uuid4(), room=node.size or 0) as staging:
            copy = staging / sqlite.DUMP
            with view.open(node) as source, copy.open("wb") as target:
                while data := source.read(_PIECE):
                    target.write(data)
            yield copy


def _changed_in(place: str, before: Path) -> dict[str, int]:
    """Count the rows of each table that differ from the copy, without the catalogue's, which were carried over."""
    own = frozenset(ledger_tables())
    with contextlib.closing(sqlite3.connect(f"file:{quote(place)}?mode=rw", uri=True)) as connection:
        cursor = connection.cursor()
        cursor.execute("ATTACH DATABASE ? AS before", [f"file:{quote(str(before))}?mode=ro&immutable=1"])
        # A virtual table has its rows in other tables.
        cursor.execute(
            "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            " AND sql NOT LIKE 'CREATE VIRTUAL%'"
            " AND name IN (SELECT name FROM before.sqlite_master WHERE type = 'table')"
        )
        names = [str(row[0]) for row in cursor.fetchall() if row[0] not in own]
        counts: dict[str, int] = {}
        for name in names:
            cursor.execute(
                f"SELECT count(*) FROM (SELECT * FROM main.{quoted(name)}"  # noqa: S608  quoted
                f" EXCEPT SELECT * FROM before.{quoted(name)})"
            )
            counts[name] = int(cursor.fetchone()[0])
        return counts
