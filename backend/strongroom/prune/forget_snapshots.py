"""Snapshots removed, and nothing else: what only they needed stays until a prune."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection

from strongroom.backends.base import FileHandle
from strongroom.errors import Damaged, FileMissing, SnapshotProtected
from strongroom.ids import FileKind, StorageId
from strongroom.repository import Repository
from strongroom.repository.locks import RepositoryLock


def forget(repository: Repository, snapshots: Collection[StorageId], lock: RepositoryLock) -> list[StorageId]:
    """Remove the snapshots of these full ids under an exclusive lock; gives those that were still there.

    Doing it twice is doing it once. One that cannot be read may go, since it was asked for by its name. Raises
    SnapshotProtected, before any is removed, when one of them is marked to be kept; UnsupportedRepository or AppendOnly
    where nothing may be removed; LockLost; ValueError without an exclusive lock.
    """
    repository.require_removable()
    lock.require_exclusive(repository)
    wanted = sorted(set(snapshots))
    for name in wanted:
        _require_unprotected(repository, name)
    removed = []
    for name in wanted:
        lock.check()
        with contextlib.suppress(FileMissing):
            repository.backend.remove(FileHandle(FileKind.SNAPSHOT, name))
            removed.append(name)
    return removed


def _require_unprotected(repository: Repository, name: StorageId) -> None:
    try:
        reason = repository.load_snapshot(name).must_stay(time.time_ns())
    except (FileMissing, Damaged):
        return
    if reason:
        raise SnapshotProtected(f"Snapshot {name[:8]} in {repository.location} is {reason}.")
