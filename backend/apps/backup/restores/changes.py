"""Records of the changes after the backup of the live state, which only the replaced state of a restore has."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Final

import msgspec
from django.db.utils import Error as DatabaseFailure

from strongroom.errors import StrongroomError

from ..core.manifest import Manifest
from ..errors import BackupError

CANNOT_COMPARE: Final = (BackupError, StrongroomError, DatabaseFailure, OSError)
"""Errors of a database or folder that cannot be read: the comparison names it, and goes on with the others."""


class StoredAt(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The location of that backup's snapshot in the storage."""

    storage: str
    encrypted: bool
    snapshot: str


class Baseline(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The contents of the backup of the live state: rows by database and table, the number of files by root."""

    cut_at: datetime.datetime
    tables: dict[str, dict[str, int]]
    files: dict[str, int]
    positions: dict[str, str] = {}
    """The position of each database's server at the consistency point."""
    stored: StoredAt | None = None


class TableChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A table that was written to.

    `written` counts the rows that were added or changed; None if the kind of database does not record that.
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
    """Changes between the backup of the live state and the swap. `unknown` names parts that could not be compared."""

    since: datetime.datetime
    tables: list[TableChange] = []
    files: list[RootChange] = []
    unknown: list[str] = []
    uncounted: list[str] = []
    """Databases in which changed rows are not counted, only added and removed ones."""

    def to_json(self) -> dict[str, object]:
        """Return the record for programs."""
        plain: dict[str, object] = msgspec.to_builtins(self)
        return plain

    def lines(self) -> list[str]:
        """Return one line of text for each change; none if nothing differs."""
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
    """Return the contents of a backup of the live state, for a later comparison."""
    tables: dict[str, dict[str, int]] = {}
    for alias, name, rows in manifest.tables:
        tables.setdefault(alias, {})[name] = rows
    return Baseline(
        cut_at=manifest.cut_at,
        tables=tables,
        files={root.name: root.files for root in manifest.files},
        positions=dict(positions),
    )
