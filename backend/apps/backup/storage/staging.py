"""Private working folders for temporary data, such as the copy of a database.

Such a copy is not encrypted, so it must not outlive its job: the folder is removed when the job ends, and the next job
removes the folder of a killed process. A lock that ends with its holder distinguishes the two.
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
from .private_files import hold_lock_file, make_private_folder

_FOLDER = "staging"
_HELD = ".held"
_MARGIN = 1 << 20
"""Bytes that a copy takes in addition to its content."""


@contextlib.contextmanager
def staging_folder(job: uuid.UUID, *, room: int | None = None) -> Iterator[Path]:
    """Make a private folder for the time of the block; remove the folders of dead processes first.

    `room` is the number of bytes that are needed: if the storage has fewer, or is read-only, the folder lies in the
    fallback folder. Raises `StorageFull` if the block runs out of space.
    """
    base = conf.load().storage_root.resolve() / _FOLDER
    if room is not None and not has_room(base, room + _MARGIN):
        base = make_fallback(_FOLDER).resolve()
    make_private_folder(base)
    with _translate_full_disk(base), _held_folder(base, base / str(job)) as inside:
        yield inside


@contextlib.contextmanager
def _held_folder(base: Path, folder: Path) -> Iterator[Path]:
    with hold_lock_file(base / _HELD):
        # Under one lock, so that no process removes a folder between its making and its locking.
        _remove_abandoned(base)
        folder.mkdir(mode=0o700)
        held = os.open(folder / _HELD, os.O_CREAT | os.O_RDWR, 0o600)
        # The file was just made, under the lock: no other process can hold it.
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        inside = folder / "data"
        inside.mkdir(mode=0o700)
        yield inside
    finally:
        shutil.rmtree(folder)
        os.close(held)


@contextlib.contextmanager
def _translate_full_disk(base: Path) -> Iterator[None]:
    """Raise `StorageFull` with the folder's name: neither SQLite nor a plain write says which disk is full.

    Other places that the block writes to raise errors of their own.
    """
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        if not is_full(error):
            raise
        raise StorageFull(
            f"There is no space left in {base}, where a job keeps temporary copies until it ends. Make room there, and"
            " run it again."
        ) from error


def is_full(error: OSError | sqlite3.Error) -> bool:
    """Return whether an error says that a disk has no space, quota or allowed file size left.

    SQLite is the library of working files here, such as `NamedFiles`, whatever engines the project's databases have.
    """
    if isinstance(error, OSError):
        return error.errno in OUT_OF_SPACE
    # Errors that Python itself raises for SQLite, such as that of a closed connection, have no code.
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


def _remove_abandoned(base: Path) -> None:
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
