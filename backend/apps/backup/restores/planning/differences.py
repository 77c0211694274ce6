"""Compare a backup with the live system before its restore: the rows of each table, the files of each root.

Rows are counted; files are compared by kind, size and time of change. Nothing is changed, and nothing is read for it
but names and numbers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from strongroom.format.tree import Node, NodeKind
from strongroom.ids import BlobId
from strongroom.long_paths import reachable
from strongroom.snapshots import SnapshotView

from ...core.manifest import DatabaseRecord, DataRecord, FileRootRecord
from ...ledger import ledger_tables
from ...sources.files import FileRoot, is_never_captured, never_captured
from ..backup_source import Origin, Progress
from ..changes import CANNOT_COMPARE
from ..engines.registry import engine_of
from .plan import Differences, RootDifference, TableDifference


def find_differences(
    origin: Origin,
    databases: Sequence[DatabaseRecord | DataRecord],
    roots: Sequence[tuple[FileRootRecord, FileRoot]],
    *,
    progress: Progress,
) -> Differences:
    """Compare databases and file roots that exist on both sides. Parts that cannot be read are in `unknown`."""
    found = Differences()
    for record in databases:
        try:
            found.tables += _table_differences(record)
        except CANNOT_COMPARE as error:
            found.unknown.append(f"database {record.alias}: {str(error).strip()}")
    for root, live in roots:
        if origin.view is None:
            found.unknown.append(f"files {root.name}: the files of a package are compared while they are restored")
            continue
        try:
            found.files.append(_root_difference(origin.view, root.name, live.path, progress))
        except CANNOT_COMPARE as error:
            found.unknown.append(f"files {root.name}: {str(error).strip()}")
    return found


def _table_differences(record: DatabaseRecord | DataRecord) -> Iterator[TableDifference]:
    engine = engine_of(record.alias)
    stored = (
        dict(record.tables) if isinstance(record, DatabaseRecord) else {one.name: one.rows for one in record.tables}
    )
    component = engine.live_component(record.alias)
    # The catalogue is carried over: its rows stay as they are.
    own = frozenset(ledger_tables())
    live = {_short(name): rows for name, rows in engine.count_rows(component, component.live, stored).items()}
    backup = {_short(name): rows for name, rows in stored.items()}
    for table in sorted(backup.keys() | live.keys()):
        if backup.get(table) != live.get(table) and table not in own:
            yield TableDifference(record.alias, table, backup.get(table), live.get(table))


def _short(table: str) -> str:
    """Return the name of a table, without the schema that every project of PostgreSQL has."""
    return table.removeprefix("public.")


def _root_difference(view: SnapshotView, name: str, place: Path, progress: Progress) -> RootDifference:
    """Walk both trees at once, a folder at a time: the memory does not grow with their size."""
    found = RootDifference(name)
    base = os.fsencode(place)
    never = frozenset(never_captured(place))
    folders: list[tuple[bytes, BlobId | None]] = [(base, view.subtree(b"files/" + os.fsencode(name)))]
    while folders:
        path, tree = folders.pop()
        nodes = {} if tree is None else {node.name: node for node in view.nodes(tree)}
        live = _entries(path, never)
        for entry, status in live.items():
            node = nodes.pop(entry, None)
            if status is None or (node is not None and node.kind is NodeKind.DIR):
                # A folder on one side at least: all that is below it differs, unless both are folders.
                below = node.subtree if node is not None and node.kind is NodeKind.DIR else None
                folders.append((os.path.join(path, entry), below))  # noqa: PTH118  bytes
                found.goes_away += status is not None
                found.comes_back += node is not None and node.kind is not NodeKind.DIR
            elif node is None:
                found.goes_away += 1
            elif _is_same(node, status):
                found.same += 1
            else:
                found.changes += 1
        for node in nodes.values():
            if node.kind is NodeKind.DIR:
                folders.append((os.path.join(path, node.name), node.subtree))  # noqa: PTH118
            else:
                found.comes_back += 1
        progress(found.same + found.changes + found.comes_back + found.goes_away, 0)
    return found


def _entries(folder: bytes, never: frozenset[bytes]) -> dict[bytes, os.stat_result | None]:
    """Return the entries of a live folder that a backup would hold, None for each folder; none if it is not there."""
    found: dict[bytes, os.stat_result | None] = {}
    try:
        with reachable(folder) as place, os.scandir(place) as entries:
            for entry in entries:
                if is_never_captured(os.path.join(folder, entry.name), never):  # noqa: PTH118
                    continue
                is_folder = entry.is_dir(follow_symlinks=False)
                found[entry.name] = None if is_folder else entry.stat(follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return found


def _is_same(node: Node, status: os.stat_result) -> bool:
    return (node.size if node.kind is NodeKind.FILE else 0, node.mtime_ns) == (
        status.st_size if node.kind is NodeKind.FILE else 0,
        status.st_mtime_ns,
    )
