"""A private folder outside of the storage, for what must be written while the storage is read-only or full.

Journals and copies of databases go there, so that recovery works all the same. Each storage has a folder of its own in
it. A folder that others could have made or filled is never used.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from .. import conf
from ..errors import StorageRefused
from .private_files import make_private_folder


def fallback_folder(name: str) -> Path:
    """The folder of that name for this storage; it may not exist."""
    settings = conf.load()
    mark = hashlib.sha256(os.fsencode(settings.storage_root.resolve())).hexdigest()[:12]
    return settings.fallback_root / mark / name


def is_private(folder: Path) -> bool:
    """Whether it is a folder that only this user can write to, with those above it up to the fallback root."""
    try:
        found = [one.lstat() for one in (folder, folder.parent, folder.parent.parent)]
    except OSError:
        return False
    return all(stat.S_ISDIR(one.st_mode) and one.st_uid == os.getuid() and not one.st_mode & 0o022 for one in found)


def make_fallback(name: str) -> Path:
    """Make the folder of that name. Raises `StorageRefused` if it cannot be made, or is not private."""
    folder = fallback_folder(name)
    root = folder.parent.parent
    make_private_folder(root.parent.resolve() / root.name / folder.parent.name / name)
    if not is_private(folder):
        raise StorageRefused(
            f"The folder {str(folder)!r} does not belong to this user alone. Remove it, or set BACKUP_FALLBACK_ROOT to"
            " a folder that only this user can write to."
        )
    return folder


def has_room(folder: Path, room: int) -> bool:
    """Whether so many bytes can be written in a folder; its nearest existing parent is asked."""
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize >= room
