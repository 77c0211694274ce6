"""The plan of a restore."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Replacement:
    """A database or folder that the restore replaces. Sizes are bytes; `size` is None if it is not known before."""

    kind: str
    name: str
    live: str
    exists: bool
    size: int | None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Space:
    """The space on one file system."""

    where: str
    needed: int
    available: int


@dataclass(frozen=True)
class TableDifference:
    """A table with another number of rows; None where the backup or the live database does not have it."""

    database: str
    table: str
    backup: int | None
    live: int | None


@dataclass
class RootDifference:
    """A file root: the files that a restore brings back, changes and removes, and those that are the same."""

    root: str
    comes_back: int = 0
    changes: int = 0
    goes_away: int = 0
    same: int = 0


@dataclass
class Differences:
    """The differences of a backup and the live system; `unknown` says what could not be compared, and why."""

    tables: list[TableDifference] = field(default_factory=list)
    files: list[RootDifference] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the differences as lines of text."""
        found = [
            f"database {one.database}, table {one.table}: {_rows(one.backup)} in the backup, {_rows(one.live)} now"
            for one in self.tables
        ]
        found += [
            f"files {one.root}: {one.comes_back:,} come back, {one.changes:,} change, {one.goes_away:,} go away,"
            f" {one.same:,} stay as they are"
            for one in self.files
        ]
        return found + [f"not compared: {one}" for one in self.unknown]


def _rows(count: int | None) -> str:
    return "no table" if count is None else f"{count:,} rows"


@dataclass
class Plan:
    """The plan of a restore, which can be run if `blocking` is empty.

    `paths` and `tables` are the chosen ones, empty for the whole backup; `counts` are the numbers of restored objects.
    `access` describes the access that comes back; with `drop_access`, sessions and tokens are removed before the swap.
    """

    backup: str
    backup_job: str
    restore_type: str
    taken_at: str
    to_folder: str = ""
    to_database: str = ""
    paths: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    replacements: list[Replacement] = field(default_factory=list)
    space: list[Space] = field(default_factory=list)
    ledger: str = ""
    safety_backup: bool = False
    access: list[str] = field(default_factory=list)
    drop_access: bool = False
    differences: Differences | None = None
    """The comparison with the live system; None where it was not made."""
    blocking: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, object]:
        """Return the plan for programs."""
        return asdict(self)


def nearest_existing(path: Path) -> Path:
    """Return a path, or the nearest folder above it that exists."""
    while not path.exists():
        path = path.parent
    return path


def require_writable(plan: Plan, folder: Path) -> None:
    """Add an obstacle to the plan if a folder cannot be written to."""
    if not os.access(nearest_existing(folder), os.W_OK | os.X_OK):
        plan.blocking.append(f"{nearest_existing(folder)} may not be written by this user; run as its owner")
