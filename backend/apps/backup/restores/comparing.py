"""Compare what a restore replaces with the backup that was made of it before.

Writes that arrive between that backup and the swap are in no backup: only the replaced state has them. Rows are
counted, so a row that was changed and not added is not seen; files are found by the time of their last change.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

from django.db.utils import Error as DatabaseFailure

from ..deferred_deletes import FOLDER
from ..errors import BackupError
from ..identifiers import backticked
from ..schema.server import bar, server
from ..sources.files import RESTORE_MARK, never_captured
from ..sources.mysql import fresh_connection as fresh_mysql
from ..sources.postgresql import fresh_connection, read_facts
from ..sources.sqlite import count_rows
from .carry import ledger_models
from .changed import Baseline, Changes, RootChange, TableChange
from .journal import DATABASES, Component, Journal, Kind
from .move_postgresql import admit_again

_EXAMPLES: Final = 20


def compare_kept(journal: Journal, baseline: Baseline) -> Changes:
    """Compare what a restore has replaced and keeps."""
    return _compare(journal, baseline, lambda component: component.kept, count=_count_kept)


def compare_live(journal: Journal, baseline: Baseline) -> Changes:
    """Compare what is live now, and is about to be replaced by a rollback."""
    return _compare(journal, baseline, lambda component: component.live, count=_count_in)


def _compare(
    journal: Journal,
    baseline: Baseline,
    place_of: Callable[[Component], str],
    *,
    count: Callable[[Component, str, Mapping[str, int]], Mapping[str, int]],
) -> Changes:
    changes = Changes(since=baseline.cut_at)
    for component in [one for one in journal.components if one.had_live]:
        try:
            if component.kind in DATABASES:
                before = baseline.tables.get(component.name, {})
                after = count(component, place_of(component), before) if before else {}
                changes.tables += _tables(component.name, before, after)
            elif component.name in baseline.files:
                changes.files += _files(component, place_of(component), baseline)
        except (BackupError, DatabaseFailure, sqlite3.Error, OSError) as error:
            # What was restored is live by now: the restore is told, with what could not be found out about it.
            changes.unknown.append(f"{component.kind.value} {component.name}: {str(error).strip()}")
    return changes


def _tables(database: str, before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[TableChange]:
    # The rows of the ledger were carried over: they are live.
    own = {model._meta.db_table for model in ledger_models()}
    for table, rows in sorted(before.items()):
        now = after.get(table, after.get(f"public.{table}"))
        if now is not None and now != rows and table.rpartition(".")[2] not in own:
            yield TableChange(database=database, table=table, before=rows, after=now)


def _count_kept(component: Component, place: str, before: Mapping[str, int]) -> Mapping[str, int]:
    if component.kind is not Kind.POSTGRESQL:
        return _count_in(component, place, before)
    admit_again(component)
    try:
        return _count_in(component, place, before)
    finally:
        with server(component.name) as cursor:
            bar(cursor, place)


def _count_in(component: Component, place: str, before: Mapping[str, int]) -> Mapping[str, int]:
    if component.kind is Kind.SQLITE:
        # Not as unchangeable: what is still in the log beside it counts.
        with contextlib.closing(sqlite3.connect(f"file:{quote(place)}?mode=rw", uri=True)) as connection:
            return count_rows(connection.cursor())
    if component.kind is Kind.POSTGRESQL:
        with fresh_connection(component.name, place) as wrapper, wrapper.cursor() as cursor:
            return read_facts(cursor).tables
    with fresh_mysql(component.name, place) as wrapper, wrapper.cursor() as cursor:
        cursor.execute("SHOW FULL TABLES WHERE Table_type <> 'VIEW'")
        there = {str(row[0]) for row in cursor.fetchall()}
        counts = {}
        for table in sorted(there & set(before)):
            cursor.execute(f"SELECT count(*) FROM {backticked(table)}")  # noqa: S608  quoted
            row = cursor.fetchone()
            counts[table] = int(str(row[0])) if row else 0
        return counts


def _files(component: Component, place: str, baseline: Baseline) -> Iterator[RootChange]:
    since = baseline.cut_at.timestamp()
    before, after, written, examples = baseline.files[component.name], 0, 0, list[str]()
    for path, changed_at in _walk(os.fsencode(place), os.fsencode(component.live)):
        after += 1
        if changed_at >= since:
            written += 1
            if len(examples) < _EXAMPLES:
                examples.append(os.fsdecode(path).encode("utf-8", "replace").decode())
    if after != before or written:
        yield RootChange(root=component.name, before=before, after=after, written=written, examples=sorted(examples))


def _walk(place: bytes, live: bytes) -> Iterator[tuple[bytes, float]]:
    """Each file below `place` that a backup of `live` would hold: its path from there, and when it was changed."""
    never, mark = frozenset(never_captured(Path(os.fsdecode(place)))), os.fsencode(RESTORE_MARK)
    folders = [b""]
    while folders:
        folder = folders.pop()
        with os.scandir(os.path.join(place, folder)) as entries:  # noqa: PTH118  bytes
            for entry in entries:
                inside = os.path.join(folder, entry.name)  # noqa: PTH118
                if mark in entry.name or entry.name == os.fsencode(FOLDER) or os.path.join(live, inside) in never:  # noqa: PTH118
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(inside)
                elif entry.is_file(follow_symlinks=False):
                    yield inside, entry.stat(follow_symlinks=False).st_mtime
