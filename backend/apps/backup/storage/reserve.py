"""A reserve of space in each storage, released when a removal or a prune needs room on a full disk.

Removing backups itself takes a few blocks: a lock, new index files, rows of a catalogue that may lie on the same disk.
Each storage therefore holds a file of a fixed size. It is deleted before a removal on a disk that is nearly full, and
made again afterwards if it fits, or else by a later job when there is ample room.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

NAME: Final = ".reserve"
SIZE: Final = 16 << 20
"""Bytes: enough for the index files of a repository of about a terabyte."""
_AMPLE: Final = 4 * SIZE
_MARGIN: Final = 1 << 20

_logger: Final = logging.getLogger(__name__)


def ensure_reserve(storage: Path, *, least: int = _AMPLE) -> bool:
    """Make the reserve of a storage if it is missing and `least` bytes are free; return whether it exists then.

    Raises `OSError`.
    """
    path = storage / NAME
    if path.exists():
        return True
    if not storage.is_dir() or shutil.disk_usage(storage).free < least:
        return False
    new = storage / f"{NAME}.new"
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, SIZE)
        finally:
            os.close(descriptor)
        new.rename(path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise
    return True


@contextlib.contextmanager
def reserves_released(storages: Iterable[Path]) -> Iterator[frozenset[Path]]:
    """Release the reserve of each storage on a disk that is nearly full while the block runs; yield these storages."""
    nearly_full = frozenset(storage for storage in storages if _is_nearly_full(storage))
    for storage in nearly_full:
        with contextlib.suppress(FileNotFoundError):
            (storage / NAME).unlink()
    try:
        yield nearly_full
    finally:
        for storage in nearly_full:
            try:
                ensure_reserve(storage, least=SIZE + _MARGIN)
            except OSError as error:
                _logger.warning("The reserve in %s cannot be made again: %s", storage, error)


def _is_nearly_full(storage: Path) -> bool:
    """Return whether less than a reserve is free in a storage that can be written to."""
    if not storage.is_dir() or not os.access(storage, os.W_OK | os.X_OK):
        return False
    return shutil.disk_usage(storage).free < SIZE
