"""Wait for the lock of a repository while other processes hold it."""

import time
from collections.abc import Callable

from strongroom.errors import RepositoryLocked
from strongroom.repository import Repository
from strongroom.repository.locks import RepositoryLock

_LOCK_PAUSE = 2.0
"""Seconds between two attempts to get a lock that other processes hold."""


def lock_patiently(
    repository: Repository,
    *,
    seconds: float,
    waiting: Callable[[], None],
    exclusive: bool = False,
    optional: bool = False,
) -> RepositoryLock:
    """Lock the repository, waiting up to `seconds` while other processes hold a lock that excludes it.

    `waiting` is called before each pause. Raises `RepositoryLocked` after that time.
    """
    patience = time.monotonic() + seconds
    while True:
        try:
            return repository.lock(exclusive=exclusive, optional=optional)
        except RepositoryLocked:
            if time.monotonic() >= patience:
                raise
        waiting()
        time.sleep(_LOCK_PAUSE)


def missing_lock_notes(lock: RepositoryLock) -> list[str]:
    """Return a note for the user if the repository is read without a lock, because none can be written there."""
    if not lock.obstacle:
        return []
    return [
        "the repository is read without a lock, since none can be written; nothing may prune it meanwhile:"
        f" {lock.obstacle}"
    ]
