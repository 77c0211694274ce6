"""Records of what was written after the backup of the live state, and is only in what a restore replaced."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import msgspec

from ..core.manifest import Manifest


class StoredAt(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The storage location of that backup's snapshot."""

    storage: str
    encrypted: bool
    snapshot: str


class Baseline(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The contents of the backup of the live state: rows by database and table, the number of files by root."""

    cut_at: datetime.datetime
    tables: dict[str, dict[str, int]]
    files: dict[str, int]
    positions: dict[str, str] = {}
    """Of the servers at the consistency point, by database."""
    stored: StoredAt | None = None


class TableChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A table that was written to.

    `written` counts the rows that were added or changed; None where the kind of database does not tell.
    """

    database: str
    table: str
    before: int
    after: int
    written: int | None = None


class RootChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A file root that was written to. `written` files are new or changed; the first of them are in `examples`."""

    root: str
    before: int
    after: int
    written: int
    examples: list[str]


class Changes(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Changes between the backup of the live state and the swap. `unknown` says what could not be compared."""

    since: datetime.datetime
    tables: list[TableChange] = []
    files: list[RootChange] = []
    unknown: list[str] = []
    uncounted: list[str] = []
    """Databases in which rows that were changed only are not counted."""

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        plain: dict[str, object] = msgspec.to_builtins(self)
        return plain

    def lines(self) -> list[str]:
        """In words, one line for each thing; none where nothing differs."""
        found = [
            f"database {one.database}, table {one.table}: {one.before:,} rows in the backup, {one.after:,} at the swap"
            + ("" if one.written is None else f", {one.written:,} of them added or changed since")
            for one in self.tables
        ]
        for root in self.files:
            names = ", ".join(root.examples) + (", …" if root.written > len(root.examples) else "")
            named = f"; written since: {names}" if root.written else ""
            found.append(f"files {root.root}: {root.before:,} files in the backup, {root.after:,} at the swap{named}")
        return found + [f"not compared: {line}" for line in self.unknown]


def baseline_of(manifest: Manifest, positions: Mapping[str, str]) -> Baseline:
    """Return what a backup of the live state holds, to be compared later."""
    tables: dict[str, dict[str, int]] = {}
    for alias, name, rows in manifest.tables:
        tables.setdefault(alias, {})[name] = rows
    return Baseline(
        cut_at=manifest.cut_at,
        tables=tables,
        files={root.name: root.files for root in manifest.files},
        positions=dict(positions),
    )
