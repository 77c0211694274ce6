"""A private folder outside of the storage, for files that must be written while the storage is read-only or full.

Journals and copies of databases go there, so that recovery still works. Each storage has its own folder in it. A folder
that other users could have made or written to is never used.
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
    """Return the path of the folder of that name for this storage; it may not exist."""
    settings = conf.load()
    mark = hashlib.sha256(os.fsencode(settings.storage_root.resolve())).hexdigest()[:12]
    return settings.fallback_root / mark / name


def is_private(folder: Path) -> bool:
    """Return whether only this user can write to a folder and to those above it, up to the fallback root."""
    try:
        found = [one.lstat() for one in (folder, folder.parent, folder.parent.parent)]
    except OSError:
        return False
    return all(stat.S_ISDIR(one.st_mode) and one.st_uid == os.getuid() and not one.st_mode & 0o022 for one in found)


def make_fallback(name: str) -> Path:
    """Make the folder of that name, and return it. Raises `StorageRefused` if it cannot be made or is not private."""
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
    """Return whether `room` bytes can be written into a folder; if it is missing, into its nearest existing parent."""
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize >= room
