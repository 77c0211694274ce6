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
