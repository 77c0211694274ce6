"""Forget snapshots. Their blobs stay until the next prune."""

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
    """Remove the snapshots with these full ids, under an exclusive lock. Return the ids that still existed.

    Idempotent. A snapshot that cannot be read is removed, too, since it was named. Raises SnapshotProtected before any
    removal if one of them is protected; UnsupportedRepository or AppendOnly if nothing may be removed; LockLost;
    ValueError without an exclusive lock.
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
        raise SnapshotProtected(
            f"Cannot forget snapshot {name[:8]} in {repository.location}: it is {reason}. Nothing was removed."
        )
