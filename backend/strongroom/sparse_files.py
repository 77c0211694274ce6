"""Holes of sparse files: ranges of zeros that take no space on the disk and no time to read."""

from __future__ import annotations

import errno
import os
from typing import Final

from strongroom.long_paths import reachable

_BLOCK: Final = 512
"""The unit of st_blocks in bytes, on every system that has it."""
_LARGE: Final = 256 << 20
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def hole_bytes(descriptor: int, status: os.stat_result) -> int:
    """Return the size of a file's holes in bytes, and go back to its beginning. Raises OSError.

    Few blocks alone do not mean holes: the file system may compress.
    """
    if not hasattr(os, "SEEK_HOLE") or status.st_blocks * _BLOCK >= status.st_size:
        return 0
    holes = position = 0
    while position < status.st_size:
        try:
            data = os.lseek(descriptor, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            data = status.st_size  # the rest is a hole
        holes += data - position
        position = os.lseek(descriptor, data, os.SEEK_HOLE) if data < status.st_size else data
    os.lseek(descriptor, 0, os.SEEK_SET)
    return holes


def data_bytes(path: bytes, status: os.stat_result) -> int:
    """Return about how many bytes of a file must be read. Looks for holes only in files of 256 MiB and more."""
    if status.st_size < _LARGE or getattr(status, "st_blocks", status.st_size) * _BLOCK >= status.st_size:
        return status.st_size
    try:
        with reachable(path) as place:
            descriptor = os.open(place, _FLAGS)
        try:
            return status.st_size - hole_bytes(descriptor, status)
        finally:
            os.close(descriptor)
    except OSError:
        # Reading it for the backup reports the error; the size is good enough for an estimate.
        return status.st_size
