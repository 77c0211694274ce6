"""Names of new files that last after a power failure and never replace another file."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

_CANNOT_LINK: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
"""Errors of file systems without hard links, such as that of many USB sticks."""
_CANNOT_SYNC: Final = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EBADF})
"""Errors of file systems that flush by themselves, such as some network file systems."""


def publish_new(temporary: Path, path: Path) -> None:
    """Give a complete file its final name in the same folder. Raises `FileExistsError` if the name is taken.

    On a file system without hard links, another process may take the name between the check and the rename.
    """
    try:
        # A link never replaces a file that another process has just created; a rename would.
        os.link(temporary, path)
    except OSError as error:
        if error.errno not in _CANNOT_LINK:
            raise
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(path)) from None
        temporary.rename(path)


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def sync(descriptor: int) -> None:
    """Flush an open file or folder to the disk, where the file system has that."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise
