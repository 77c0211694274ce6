"""Wait for the lock of a repository while other processes hold it."""

import time
from collections.abc import Callable

from strongroom.errors import RepositoryLocked
from strongroom.repository import Repository
from strongroom.repository.locks import RepositoryLock

_LOCK_PAUSE = 2.0
"""Seconds between two looks at a lock that others hold."""


def lock_patiently(
    repository: Repository,
    *,
    seconds: float,
    waiting: Callable[[], None],
    exclusive: bool = False,
    optional: bool = False,
) -> RepositoryLock:
    """The repository's lock, waited for while others hold one that excludes it; `waiting` is called before each pause.

    Raises `RepositoryLocked` when they still do after so many seconds.
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


def without_lock(lock: RepositoryLock) -> list[str]:
    """A note for the user where a repository is read without a lock, since none can be written there."""
    if not lock.obstacle:
        return []
    return [
        "the repository is read without a lock, since none can be written; nothing may prune it meanwhile:"
        f" {lock.obstacle}"
    ]
