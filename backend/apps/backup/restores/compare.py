"""Compare the state that a restore replaces with the backup that was made of it before.

Writes between that backup and the swap are in no backup: only the replaced state has them. Rows are counted, and also
the added and changed ones if the engine can (`count_written`); files are found by the time of their last change.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..ledger import ledger_tables
from ..sources.files import is_never_captured, never_captured
from .changes import CANNOT_COMPARE, Baseline, Changes, RootChange, TableChange
from .engines.registry import database_engine, swap_engine
from .journal import DATABASES, Component, Journal

_EXAMPLES: Final = 20


def compare_kept(journal: Journal, baseline: Baseline) -> Changes:
    """Compare the state that a restore has replaced and keeps."""
    return _compare(journal, baseline, lambda component: component.kept, count=_count_kept)


def compare_live(journal: Journal, baseline: Baseline) -> Changes:
    """Compare the live state, which a rollback is about to replace."""
    return _compare(journal, baseline, lambda component: component.live, count=_count)


def _compare(
    journal: Journal,
    baseline: Baseline,
    place_of: Callable[[Component], str],
    *,
    count: Callable[[Component, str, Baseline], _Counts],
) -> Changes:
    changes = Changes(since=baseline.cut_at)
    for component in [one for one in journal.components if one.had_live]:
        try:
            if component.kind in DATABASES and component.name in baseline.tables:
                seen = count(component, place_of(component), baseline)
                changes.tables += _table_changes(component.name, baseline.tables[component.name], seen)
                changes.unknown += seen.unknown
                changes.uncounted += [component.name] if seen.written is None else []
            elif component.name in baseline.files:
                changes.files += _root_changes(component, place_of(component), baseline)
        except CANNOT_COMPARE as error:
            # The restored state is already live: the restore continues, and reports that this could not be compared.
            changes.unknown.append(f"{component.kind.value} {component.name}: {str(error).strip()}")
    return changes


@dataclass(frozen=True)
class _Counts:
    """The rows by table, those written since (None if the engine cannot tell), and texts on what is unknown."""

    rows: Mapping[str, int]
    written: Mapping[str, int] | None
    unknown: Sequence[str]


def _table_changes(database: str, before: Mapping[str, int], seen: _Counts) -> Iterator[TableChange]:
    # The rows of the catalogue were carried over: they are live.
    own = frozenset(ledger_tables())
    for table, rows in sorted(before.items()):
        now = _of_table(seen.rows, table)
        written = None if seen.written is None else _of_table(seen.written, table)
        if now is not None and (now != rows or written) and table.rpartition(".")[2] not in own:
            yield TableChange(database=database, table=table, before=rows, after=now, written=written)


def _of_table(numbers: Mapping[str, int], table: str) -> int | None:
    return numbers.get(table, numbers.get(f"public.{table}"))


def _count_kept(component: Component, place: str, baseline: Baseline) -> _Counts:
    with swap_engine(component).connections_admitted(component):
        return _count(component, place, baseline)


def _count(component: Component, place: str, baseline: Baseline) -> _Counts:
    engine = database_engine(component)
    rows = engine.count_rows(component, place, baseline.tables[component.name])
    try:
        return _Counts(rows, engine.count_written(component, place, baseline), ())
    except CANNOT_COMPARE as error:
        return _Counts(rows, None, [f"rows that were changed in {component.name}: {str(error).strip()}"])


def _root_changes(component: Component, place: str, baseline: Baseline) -> Iterator[RootChange]:
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
    """Yield each file below `place` that a backup of `live` would hold: its relative path and time of change."""
    never = frozenset(never_captured(Path(os.fsdecode(place))))
    folders = [b""]
    while folders:
        folder = folders.pop()
        with os.scandir(os.path.join(place, folder)) as entries:  # noqa: PTH118  bytes
            for entry in entries:
                inside = os.path.join(folder, entry.name)  # noqa: PTH118
                if is_never_captured(os.path.join(live, inside), never):  # noqa: PTH118
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(inside)
                elif entry.is_file(follow_symlinks=False):
                    yield inside, entry.stat(follow_symlinks=False).st_mtime
