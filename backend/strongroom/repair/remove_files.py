"""Shared steps of all repairs: check that a plan is current, and remove files under the lock."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable

from strongroom.backends.base import FileHandle
from strongroom.errors import FileMissing, PlanOutdated
from strongroom.ids import FileKind, StorageId
from strongroom.repository import Repository
from strongroom.repository.locks import RepositoryLock


def require_unchanged(repository: Repository, indexes: Collection[StorageId]) -> None:
    """Raise PlanOutdated if the index files are not those of the plan."""
    if {stored.name for stored in repository.backend.list_files(FileKind.INDEX)} != set(indexes):
        raise PlanOutdated("The repository has changed since the plan was made. Make a new plan.")


def remove_files(repository: Repository, lock: RepositoryLock, kind: FileKind, names: Iterable[StorageId]) -> None:
    """Remove files, and ignore missing ones. Raises LockLost."""
    for name in names:
        lock.check()
        with contextlib.suppress(FileMissing):
            repository.backend.remove(FileHandle(kind, name))
