"""Working folders for data that is on its way, such as the copy of an SQLite database.

Such a copy is not encrypted, so it must not outlive its job: the folder is removed when the job ends, and what a killed
process left behind is removed by the next job. A lock that dies with its holder tells the two apart.
"""

import contextlib
import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from . import conf
from .storage import locked, make_private_folder

_HELD = ".held"


@contextlib.contextmanager
def staging_folder(job: uuid.UUID) -> Iterator[Path]:
    """A private folder that is there until the block is left; the leavings of dead processes are removed first."""
    base = conf.load().storage_root.resolve() / "staging"
    make_private_folder(base)
    folder = base / str(job)
    with locked(base / _HELD):
        # Under one lock, so that nobody sweeps a folder between its making and its locking.
        _sweep(base)
        folder.mkdir(mode=0o700)
        held = os.open(folder / _HELD, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        inside = folder / "data"
        inside.mkdir(mode=0o700)
        yield inside
    finally:
        shutil.rmtree(folder)
        os.close(held)


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
