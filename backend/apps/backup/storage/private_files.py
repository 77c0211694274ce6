"""Folders and lock files that only their owner may read."""

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from ..core.file_locks import lock_within
from ..errors import StorageBusy, StorageRefused

_FILE_PATIENCE = 60.0
"""Seconds to wait for a file lock; the work under it takes much less."""
_FILE_PAUSE = 0.05
_LONGEST_HOLDER = 300


@contextlib.contextmanager
def hold_lock_file(path: Path, *, patience: float = _FILE_PATIENCE) -> Iterator[None]:
    """Hold an exclusive lock on a file while the block runs; make the file if it is missing.

    The lock ends with the process. Raises `StorageRefused` if the file cannot be opened or made, and `StorageBusy`,
    which names the holder, if another process holds the lock for longer than `patience` seconds.
    """
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise StorageRefused(
            f"The file {str(path)!r} cannot be opened ({error.strerror}); check the rights and the space there."
        ) from error
    try:
        _wait_for_lock(descriptor, path, patience)
        _write_holder(descriptor)
        yield
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int, path: Path, patience: float) -> None:
    try:
        lock_within(descriptor, fcntl.LOCK_EX, seconds=patience, pause=_FILE_PAUSE)
    except TimeoutError as error:
        holder = os.pread(descriptor, _LONGEST_HOLDER, 0).decode("utf-8", "replace") or "another process"
        raise StorageBusy(
            f"The file {str(path)!r} is locked for more than {patience:.0f} seconds by {holder}. If that"
            " process is stopped, continue it (`kill -CONT`) or end it; then run this again."
        ) from error


def _write_holder(descriptor: int) -> None:
    """Write the holder of the lock into the file, for the error of a process that waits in vain.

    On a full disk the lock holds without that text.
    """
    text = f"process {os.getpid()} on {socket.gethostname()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)


def make_private_folder(path: Path) -> None:
    """Make a folder and its missing parents, each readable by its owner only.

    The path must be resolved. A link that has appeared in it since then is refused with `StorageRefused`.
    """
    try:
        for folder in reversed([path, *path.parents]):
            if not folder.exists():
                # Another process may make it at the same time.
                with contextlib.suppress(FileExistsError):
                    folder.mkdir(mode=0o700)
    except OSError as error:
        raise StorageRefused(
            f"The folder {str(path)!r} cannot be made ({error.strerror}); check the rights and the space there."
        ) from error
    if path.exists() and not path.is_dir():
        raise StorageRefused(f"There is a file at {str(path)!r} and no folder; choose another path.")
    if path.resolve() != path:
        raise StorageRefused(f"The folder {str(path)!r} leads elsewhere through a link; remove the link.")
