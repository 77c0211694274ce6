"""Hold files by hard links during another pass of a backup, if their storage does not hold deleted files.

The links lie in the folder in which `deferred_deletes` holds deleted files. Only files that have changed since a given
time are linked: older ones are in the snapshot of the pass before. A link changes the time of the inode, so that the
next incremental backup reads these files again.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final
from uuid import UUID

from ..deferred_deletes import FOLDER, Held, holding, remove_dead

_CANNOT_BE_LINKED: Final = frozenset(
    {errno.ENOENT, errno.EEXIST, errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENAMETOOLONG}
)
"""Errors of files that are gone, linked already, on another disk, or on one without hard links: the comparison with
the rows reports them."""


@contextlib.contextmanager
def hold_by_links(held: Held, locations: Iterable[Path], job: UUID, *, since: float) -> Iterator[Callable[[], None]]:
    """Hold the files below these storages whose inode has changed at `since` or later, until the end of the block.

    Enter the block before the consistency point, and call the yielded function right after it: files that were made in
    between are held, too. A storage that cannot be written to holds nothing; a note of `held` says so.
    """
    linked: list[tuple[Path, Path]] = []

    def link_again() -> None:
        for location, holder in linked:
            with contextlib.suppress(OSError):
                _link(location, holder, since)

    with contextlib.ExitStack() as stack:
        for location in locations:
            try:
                stack.callback(_remove_empty, location / FOLDER)
                holder = stack.enter_context(holding(location, job))
                _link(location, holder, since)
            except OSError as error:
                held.notes.append(f"files deleted from {location} meanwhile are not held for the backup: {error}")
            else:
                held.add(location, holder, by_links=True)
                linked.append((location, holder))
        yield link_again


def remove_dead_links(locations: Iterable[Path]) -> None:
    """Remove the links that killed jobs have left, which keep deleted files on the disk."""
    for location in locations:
        if (location / FOLDER).is_dir():
            with contextlib.suppress(OSError):
                remove_dead(location)
            _remove_empty(location / FOLDER)


def _remove_empty(folder: Path) -> None:
    # Another job may still hold files in it.
    with contextlib.suppress(OSError):
        folder.rmdir()


def _link(location: Path, holder: Path, since: float) -> None:
    folders = [Path()]
    while folders:
        inside = folders.pop()
        try:
            entries = list(os.scandir(location / inside))
        except OSError:
            # The archiver reports the same error as a problem.
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders += [inside / entry.name] if entry.name != FOLDER else []
            elif entry.is_file(follow_symlinks=False):
                _link_file(entry, holder / inside, since)


def _link_file(entry: os.DirEntry[str], folder: Path, since: float) -> None:
    try:
        if entry.stat(follow_symlinks=False).st_ctime < since:
            return
        folder.mkdir(parents=True, exist_ok=True)
        os.link(entry.path, folder / entry.name, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _CANNOT_BE_LINKED:
            raise
