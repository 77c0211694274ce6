"""Access to paths that are longer than a system call takes (4,096 bytes on Linux), through an open folder."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterator
from typing import Final

LONGEST: Final = 3500
"""Bytes up to which every system call takes a path and the paths of its direct entries."""
_FOLDER: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_PATH", 0)
_TOO_DEEP: Final = frozenset({errno.ENAMETOOLONG, errno.EMFILE, errno.ENFILE})


@contextlib.contextmanager
def reachable(path: bytes) -> Iterator[bytes]:
    """Give a path that the system takes for `path` while the block runs: `path` itself unless it is too long.

    An OSError in the block names `path`.
    """
    if len(path) <= LONGEST:
        yield path
        return
    descriptor = -1
    try:
        base, rest = b"", path
        while len(rest) > LONGEST:
            end = rest.rindex(b"/", 1, LONGEST)
            deeper = os.open(base + rest[:end], _FOLDER)
            if descriptor >= 0:
                os.close(descriptor)
            descriptor = deeper
            base, rest = b"/proc/self/fd/%d/" % descriptor, rest[end + 1 :]
        yield base + rest
    except OSError as error:
        error.filename = path
        raise
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def remove_tree(path: bytes) -> None:
    """Remove a folder with everything in it, however deep. Raises OSError."""
    try:
        shutil.rmtree(path)
    except RecursionError:
        _remove_deep(path)
    except OSError as error:
        if error.errno not in _TOO_DEEP:
            raise
        _remove_deep(path)


def count_entries(path: bytes) -> int:
    """Return the number of files and folders below a folder, however deep. Raises OSError."""
    count = 0
    folders = [path]
    while folders:
        folder = folders.pop()
        names, inner = _children(folder)
        count += len(names) + len(inner)
        folders.extend(os.path.join(folder, name) for name in inner)
    return count


def _remove_deep(path: bytes) -> None:
    """Move every folder to the top, where its path is short, before it is emptied."""
    folders, number = [path], 0
    while folders:
        folder = folders.pop()
        names, inner = _children(folder)
        for name in names:
            os.unlink(os.path.join(folder, name))
        for name in inner:
            while os.path.lexists(beside := os.path.join(path, b".remove-%d" % number)):
                number += 1
            os.rename(os.path.join(folder, name), beside)
            folders.append(beside)
        if folder != path:
            os.rmdir(folder)
    os.rmdir(path)


def _children(folder: bytes) -> tuple[list[bytes], list[bytes]]:
    """Return the names of the entries of a folder: those that are no folders, and the folders."""
    names: list[bytes] = []
    inner: list[bytes] = []
    with reachable(folder) as place, os.scandir(place) as listing:
        for item in listing:
            is_folder = stat.S_ISDIR(item.stat(follow_symlinks=False).st_mode)
            (inner if is_folder else names).append(item.name)
    return names, inner
