"""Hold the application while a restore replaces its data.

Two locks of the file system are the whole protocol, and both end with their process:

- The restore locks `.hold` in the folder of journals. The file holds one letter, the `Scope` of the hold. Without the
  lock the letter means nothing, so the application goes on as soon as the process of the restore has ended.
- Each request that may write takes a shared lock on the storage root. The restore waits until no such lock is left.

A request first takes its lock and then reads the letter; the restore first writes the letter and then waits. So the
restore waits for every request that was admitted.
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
"""Seconds that a restore waits for requests that had begun to write."""
NOT_HELD: Final = "the application was not held: its requests could write until the swap"
_PAUSE: Final = 0.05
_TAKE: Final = 2.0
"""Seconds to get the lock of `.hold`, which each request holds for an instant while it reads the letter."""


class Scope(enum.StrEnum):
    """The requests that a hold keeps waiting: those that may write, or all."""

    WRITES = "w"
    EVERYTHING = "e"


class Hold:
    """A hold that is in force. `notes` name the parts of it that failed."""

    def __init__(self, descriptor: int | None, notes: list[str]) -> None:
        self._descriptor = descriptor
        self.notes = notes

    def enter(self, scope: Scope) -> None:
        """Change the scope. If the file cannot be written, the scope stays as it was, and `notes` say so."""
        if self._descriptor is None:
            return
        try:
            os.pwrite(self._descriptor, scope.encode(), 0)
        except OSError:
            # The disk of the storage is full. The restore must go on all the same.
            self._descriptor = None
            self.notes.append(NOT_HELD)


@contextlib.contextmanager
def held(root: Path) -> Iterator[Hold]:
    """Hold the writes of the application until the block is left.

    Never raises if the hold fails: a restore goes on without it, says so, and counts the rows and files written.
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
    """Return whether the lock was taken; never on a file system without locks."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def write_lock(root: Path) -> Iterator[None]:
    """Tell restores that this request may write until the block is left."""
    try:
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        # No storage yet, or none that this process may read: the check `backup.W042` reports that.
        yield
        return
    try:
        # The lock fails only while a restore begins a hold; then the letter says so.
        _lock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def scope_of(root: Path) -> Scope | None:
    """Return the scope of the present hold, or None. Without a hold this takes one `stat`."""
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


def has_hold_middleware() -> bool:
    """Return whether the project has the middleware by which a restore holds the application."""
    return any(name.endswith(MIDDLEWARE) for name in settings.MIDDLEWARE)


def can_see_hold(root: Path) -> bool:
    """Return whether this process can see a hold: it may read the storage root, and enter the folder of journals."""
    try:
        root.stat()
        has_journals = (root / FOLDER).exists()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return os.access(root, os.R_OK | os.X_OK) and (not has_journals or os.access(root / FOLDER, os.X_OK))
