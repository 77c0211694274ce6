"""The plan of a restore."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Replacement:
    """One thing that the restore replaces. Sizes are bytes; `size` is None where it is not known before."""

    kind: str
    name: str
    live: str
    exists: bool
    size: int | None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Space:
    """Room on one file system."""

    where: str
    needed: int
    available: int


@dataclass
class Plan:
    """The plan of a restore. It can be carried out when `blocking` is empty.

    `paths` and `tables` are those that were chosen, of the whole none; `counts` is what is restored, in numbers.
    `access` says who gets in again; with `drop_access` sessions and tokens are removed before the swap.
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
        """Plain values."""
        return asdict(self)


def existing(path: Path) -> Path:
    """The nearest folder above that is there, or the path itself."""
    while not path.exists():
        path = path.parent
    return path


def require_writable(plan: Plan, folder: Path) -> None:
    """Note it in the plan if nothing can be made in a folder."""
    if not os.access(existing(folder), os.W_OK | os.X_OK):
        plan.blocking.append(f"{existing(folder)} may not be written by this user; run as its owner")
