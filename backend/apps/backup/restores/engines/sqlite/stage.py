"""Restore an SQLite database into a file beside the live one, and compare it with the manifest."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from pathlib import Path

from strongroom.streams import Reader

from ....core.manifest import DatabaseRecord
from ....errors import RestoreFailed, RestoreRefused
from ....sources.engines.sqlite.online_copy import count_rows, damage_in, open_readonly
from ....sources.streams import CHUNK
from ....sources.verify import compare_rows
from ...backup_source import Progress


def load(record: DatabaseRecord, live: Path, staged: Path, *, dump: Reader, progress: Progress) -> None:
    """Write the database beside the live one, with the live one's mode and owner, and check it.

    Raises `RestoreFailed` if it differs from the captured one, `RestoreRefused` without space or permission.
    """
    try:
        digest = _write(staged, dump, progress)
        _copy_owner(live, staged)
    except OSError as error:
        reason = "there is no space left" if error.errno in {errno.ENOSPC, errno.EFBIG} else str(error.strerror)
        raise RestoreRefused(f"{staged} cannot be written: {reason}. Nothing live was changed.") from error
    if digest != record.sha256:
        raise RestoreFailed(f"{record.path} is not the database that was captured; nothing live was changed.")
    damage = damage_in(staged)
    if not damage:
        with contextlib.closing(open_readonly(staged)) as connection:
            counts = count_rows(connection.cursor())
        damage = compare_rows(record, counts)
        damage += [f"table {name} is not in the manifest" for name in sorted(set(counts) - set(record.tables))]
    if damage:
        raise RestoreFailed(
            f"The restored database is not the one that was captured ({len(damage)} differences):"
            f" {'; '.join(damage[:5])}. Nothing live was changed."
        )


def create_empty(live: Path, staged: Path) -> None:
    """Create an empty file beside the live one, with its mode and owner. Raises `RestoreRefused`."""
    try:
        _make_folder(staged.parent)
        os.close(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        _copy_owner(live, staged)
    except OSError as error:
        raise RestoreRefused(f"{staged} cannot be written: {error.strerror}. Nothing live was changed.") from error


def _write(staged: Path, dump: Reader, progress: Progress) -> str:
    _make_folder(staged.parent)
    digest = hashlib.sha256()
    size = 0
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        while data := dump.read(CHUNK):
            digest.update(data)
            target.write(data)
            size += len(data)
            progress(0, size)
        target.flush()
        os.fsync(target.fileno())
    return digest.hexdigest()


def _make_folder(folder: Path) -> None:
    """Create a folder and its missing parents, with the owner of the nearest existing one."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    if missing and os.geteuid() == 0:
        status = missing[-1].parent.stat()
        for one in missing:
            os.chown(one, status.st_uid, status.st_gid)


def _copy_owner(live: Path, staged: Path) -> None:
    if not live.exists():
        give_to_folder_owner(staged)
        return
    status = live.stat()
    if os.geteuid() == 0:
        os.chown(staged, status.st_uid, status.st_gid)
    staged.chmod(status.st_mode & 0o666)


def give_to_folder_owner(database: Path) -> None:
    """Give a database that had no live file the owner of its folder, and let the group write if it may write there.

    The application may run as another user than the restore. That user can write to the folder, since SQLite needs that
    to write to a database.
    """
    status = database.parent.stat()
    if os.geteuid() == 0:
        os.chown(database, status.st_uid, status.st_gid)
    database.chmod(0o660 if status.st_mode & 0o020 else 0o600)
