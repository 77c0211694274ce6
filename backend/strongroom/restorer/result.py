"""Progress and result of a restore."""

from __future__ import annotations

import dataclasses

from strongroom.repository.damage import Damage


@dataclasses.dataclass(frozen=True, slots=True)
class RestoreProgress:
    """The progress of a restore in files and bytes; `current` is the path of the last file."""

    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int
    current: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class RestoreProblem:
    """A path that could not be restored as it was, and the reason."""

    path: bytes
    reason: str


@dataclasses.dataclass(slots=True)
class RestoreResult:
    """The result of a restore.

    The restore is complete when `damaged` is empty. `unapplied` lists owners, modes or attributes that this user or
    file system does not allow. `damage` lists the stored copies that could not be used.
    """

    files: int = 0
    folders: int = 0
    others: int = 0
    bytes: int = 0
    damaged: list[RestoreProblem] = dataclasses.field(default_factory=list)
    unapplied: list[RestoreProblem] = dataclasses.field(default_factory=list)
    damage: list[Damage] = dataclasses.field(default_factory=list)
