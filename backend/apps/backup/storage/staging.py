"""Working folders for data that is on its way, such as the copy of an SQLite database.

Such a copy is not encrypted, so it must not outlive its job: the folder is removed when the job ends, and what a killed
process left behind is removed by the next job. A lock that dies with its holder tells the two apart.
"""

import contextlib
import fcntl
import os
import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path

from strongroom.errors import OUT_OF_SPACE

from .. import conf
from ..errors import StorageFull
from .fallback import has_room, make_fallback
from .private_files import locked, make_private_folder

_FOLDER = "staging"
_HELD = ".held"
_MARGIN = 1 << 20
"""Bytes that a copy takes besides its content."""


@contextlib.contextmanager
def staging_folder(job: uuid.UUID, *, room: int | None = None) -> Iterator[Path]:
    """A private folder that is there until the block is left; the leavings of dead processes are removed first.

    With `room`, the bytes that are needed, it is one outside of a storage that has not so many, or is read-only.
    Raises `StorageFull` where the block does not find the room there that it needs.
    """
    base = conf.load().storage_root.resolve() / _FOLDER
    if room is not None and not has_room(base, room + _MARGIN):
        base = make_fallback(_FOLDER).resolve()
    make_private_folder(base)
    with _full_disk_named(base), _held_folder(base, base / str(job)) as inside:
        yield inside


@contextlib.contextmanager
def _held_folder(base: Path, folder: Path) -> Iterator[Path]:
    with locked(base / _HELD):
        # Under one lock, so that nobody sweeps a folder between its making and its locking.
        _sweep(base)
        folder.mkdir(mode=0o700)
        held = os.open(folder / _HELD, os.O_CREAT | os.O_RDWR, 0o600)
        # Of a file that we have just made, under the lock: nobody else can hold it.
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        inside = folder / "data"
        inside.mkdir(mode=0o700)
        yield inside
    finally:
        shutil.rmtree(folder)
        os.close(held)


@contextlib.contextmanager
def _full_disk_named(base: Path) -> Iterator[None]:
    """Neither SQLite nor a bare write says which disk is full; whatever else is written to has errors of its own."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        if not is_full(error):
            raise
        raise StorageFull(
            f"There is no space left in {base}, where copies of what is read or read back lie until the job ends. Make"
            " room there, and run it again."
        ) from error


def is_full(error: OSError | sqlite3.Error) -> bool:
    """Whether it says that a disk has no space, quota or allowed file size left."""
    if isinstance(error, OSError):
        return error.errno in OUT_OF_SPACE
    # Python's own errors of SQLite, such as that of a closed connection, have no code.
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


def _sweep(base: Path) -> None:
    for folder in [path for path in base.iterdir() if path.is_dir()]:
        # A child process that outlives a killed job (a dump client) does not inherit the lock: Python closes it.
        descriptor = os.open(folder / _HELD, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(folder)
        finally:
            os.close(descriptor)
