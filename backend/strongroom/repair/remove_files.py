"""What all repairs have in common: a plan that is still true, and files removed under the lock."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable

from strongroom.backends.base import FileHandle
from strongroom.errors import FileMissing, PlanOutdated
from strongroom.ids import FileKind, StorageId
from strongroom.repository import Repository
from strongroom.repository.locks import RepositoryLock


def require_unchanged(repository: Repository, indexes: Collection[StorageId]) -> None:
    """Raise PlanOutdated when the index files are not those that a plan has seen."""
    if {stored.name for stored in repository.backend.list_files(FileKind.INDEX)} != set(indexes):
        raise PlanOutdated("The repository has changed since the plan was made. Plan again and execute that.")


def remove_files(repository: Repository, lock: RepositoryLock, kind: FileKind, names: Iterable[StorageId]) -> None:
    """Remove files; those that are gone already are as they should be. Raises LockLost."""
    for name in names:
        lock.check()
        with contextlib.suppress(FileMissing):
            repository.backend.remove(FileHandle(kind, name))
