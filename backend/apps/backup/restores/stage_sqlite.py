"""An SQLite database into a file beside the live one, and the comparison with the manifest."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from pathlib import Path

from strongroom.streams import Reader

from ..manifest import DatabaseRecord
from ..sources.readers import CHUNK
from ..sources.sqlite import count_rows, damage_in, open_readonly
from ..sources.verify import compare_rows
from .errors import RestoreFailed, RestoreRefused
from .origin import Progress


def load(record: DatabaseRecord, live: Path, staged: Path, *, dump: Reader, progress: Progress) -> None:
    """Write the database beside the live one, with the live one's mode and owner, and check it.

    Raises `RestoreFailed` when it is not what was captured, `RestoreRefused` when there is no room or right.
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
    """Make an empty file beside the live one, with its mode and owner; raises `RestoreRefused`."""
    try:
        staged.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        _copy_owner(live, staged)
    except OSError as error:
        raise RestoreRefused(f"{staged} cannot be written: {error.strerror}. Nothing live was changed.") from error


def _write(staged: Path, dump: Reader, progress: Progress) -> str:
    staged.parent.mkdir(parents=True, exist_ok=True)
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


def _copy_owner(live: Path, staged: Path) -> None:
    """The application may run as another user than we do: without a live file its folder's owner is the best guess."""
    pattern = live if live.exists() else live.parent
    status = pattern.stat()
    if os.geteuid() == 0:
        os.chown(staged, status.st_uid, status.st_gid)
    staged.chmod(status.st_mode & 0o666 if live.exists() else 0o600)
