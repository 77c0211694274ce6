"""Hold the application while a restore replaces what it writes to.

Two locks of the file system carry the whole agreement, and both end with their process:

- `.hold` in the folder of journals is locked by the restore and holds one letter: what waits. Without that lock the
  letter means nothing, so the application goes on as soon as the process of the restore is gone.
- The storage root is locked (shared) by each request that may write. The restore waits until no such lock is left.

A request takes its lock first and reads the letter then; the restore writes the letter first and waits then. So no
request that was let in is missed.
"""

from __future__ import annotations

import contextlib
import enum
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.conf import settings

FOLDER: Final = "restores"
MIDDLEWARE: Final = ".middleware.HoldWrites"
NAME: Final = ".hold"
PATIENCE: Final = 10.0
"""Seconds that a restore waits for requests that have begun to write."""
NOT_HELD: Final = "the application was not held: its requests could write until the swap"
_PAUSE: Final = 0.05
_TAKE: Final = 2.0
"""Seconds to get the lock of `.hold`, which a request that looks at it holds for an instant."""


class Scope(enum.StrEnum):
    """What waits."""

    WRITES = "w"
    EVERYTHING = "e"


class Hold:
    """A hold that is in force. `notes` say what it could not do."""

    def __init__(self, descriptor: int | None, notes: list[str]) -> None:
        self._descriptor = descriptor
        self.notes = notes

    def enter(self, scope: Scope) -> None:
        """Change what waits; where nothing can be written, nothing waits, which `notes` say."""
        if self._descriptor is None:
            return
        try:
            os.pwrite(self._descriptor, scope.encode(), 0)
        except OSError:
            # A storage without room. What was restored must come back all the same.
            self._descriptor = None
            self.notes.append(NOT_HELD)


@contextlib.contextmanager
def held(root: Path) -> Iterator[Hold]:
    """Hold the writes of the application until the block is left.

    Never raises for want of a hold: a restore goes on without one, says so, and counts what was written.
    """
    descriptor = _take(root / FOLDER / NAME)
    if descriptor is None:
        yield Hold(None, [NOT_HELD])
        return
    try:
        hold = Hold(descriptor, [])
        hold.enter(Scope.WRITES)
        if not _await_writers(root):
            hold.notes.append(
                f"requests that had begun before the restore were still writing after {PATIENCE:.0f} s; the restore"
                " did not wait longer"
            )
        yield hold
    finally:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
        os.close(descriptor)


def _take(path: Path) -> int | None:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        return None
    until = time.monotonic() + _TAKE
    while not _lock(descriptor, fcntl.LOCK_EX):
        if time.monotonic() > until:
            os.close(descriptor)
            return None
        time.sleep(_PAUSE)
    return descriptor


def _await_writers(root: Path) -> bool:
    try:
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        until = time.monotonic() + PATIENCE
        while not _lock(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > until:
                return False
            time.sleep(_PAUSE)
        return True
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int) -> bool:
    """Whether the lock was to be had; a file system without locks has none."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def writing(root: Path) -> Iterator[None]:
    """Tell a restore that a request may be writing until the block is left."""
    try:
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        # No storage yet, or none that this process may read: `backup.W042` tells of that.
        yield
        return
    try:
        # Not to be had only while a restore begins to hold, which the letter tells.
        _lock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def scope_of(root: Path) -> Scope | None:
    """Return what waits now; None if no process holds anything. One look at a file as long as none has."""
    path = root / FOLDER / NAME
    try:
        if not path.stat().st_size:
            return None
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        letter = os.pread(descriptor, 1, 0)
        return Scope(letter.decode()) if letter else None
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return None


def application_is_held() -> bool:
    """Return whether the project has the middleware by which a restore holds the application."""
    return any(name.endswith(MIDDLEWARE) for name in settings.MIDDLEWARE)


def may_look(root: Path) -> bool:
    """Return whether this process can see a hold: it may read the storage root, and enter the folder of journals."""
    try:
        root.stat()
        there = (root / FOLDER).exists()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return os.access(root, os.R_OK | os.X_OK) and (not there or os.access(root / FOLDER, os.X_OK))
