"""Where the backups lie: whether it can be written, whether it is a place of its own, how long its space lasts."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings as project
from django.db import connections

from .. import conf
from ..core.mounts import any_mount
from ..errors import SettingsInvalid
from ..sources import SourceRefused
from ..sources.file_references import reference_fields
from ..sources.files import file_roots, storages
from ..storage import upload_files as uploads
from .findings import Finding, critical, warning

_LITTLE = 0.10
_VERY_LITTLE = 0.03
_FEW_DAYS = 14.0


@dataclasses.dataclass(frozen=True, slots=True)
class Space:
    """The space of a storage in bytes, what a day's backups take of it, and how many days that lasts.

    `uploads` are the bytes of it that packages take which somebody has sent and nobody has restored yet.
    """

    root: str
    total: int
    free: int
    daily: int | None
    days_left: float | None
    uploads: int = 0


def storage_findings() -> Iterator[Finding]:
    """W003: the storage cannot be written."""
    for root in conf.load().roots:
        folder = existing(root)
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            yield critical(
                3,
                f"storage {root}",
                f"The backup storage {str(root)!r} cannot be written: {str(folder)!r} is no folder, or not ours.",
                "Correct the owner or the mode of the folder, or name another one in BACKUP_STORAGE_ROOT.",
            )


def root_findings() -> Iterator[Finding]:
    """W025: a file root holds the backups."""
    try:
        roots = file_roots(reference_fields(conf.load().reference_fields))
    except (SourceRefused, SettingsInvalid):
        return  # every backup of files says so
    for root in roots:
        inside = [str(path) for path in storages() if path.is_relative_to(root.path)]
        if inside:
            yield warning(
                25,
                f"file root {root.name}",
                f"It ({root.path}) also holds the backup storage {' and '.join(inside)}.",
                "Move the storage to another disk, and set BACKUP_STORAGE_ROOT. Or name the folders that hold"
                " documents in BACKUP_FILE_ROOTS. A restore replaces what is around the storage.",
            )


def placement_findings() -> Iterator[Finding]:
    """W010: the storage is on no mount of its own. W011: it is on the disk of the data."""
    root = existing(conf.load().storage_root)
    device = root.stat().st_dev
    if not _has_mount(root):
        yield warning(
            10,
            f"storage {root}",
            "It is on no mount of its own: in a container it goes when the container does, and elsewhere a disk that"
            " was not mounted lets backups go to the system's own.",
            "Mount a volume or a disk there.",
        )
    for what, path in _data():
        if path.exists() and path.stat().st_dev == device:
            yield warning(
                11,
                f"storage {root}",
                f"It is on the same disk as {what} ({path}): what takes one takes both.",
                "Put the backup storage on another disk, or copy the repository elsewhere regularly.",
            )
            return


def space(*, daily: int | None) -> Space:
    """The space of the main storage, with the forecast for backups that take `daily` bytes a day."""
    root = existing(conf.load().storage_root)
    usage = shutil.disk_usage(root)
    days = usage.free / daily if daily else None
    return Space(
        root=str(root), total=usage.total, free=usage.free, daily=daily, days_left=days, uploads=uploads.taken()
    )


def space_findings(seen: Space) -> Iterator[Finding]:
    """W017: the space of the storage ends, or will soon."""
    subject, hint = f"storage {seen.root}", "Make room, keep fewer backups, or set another storage path."
    if seen.uploads > seen.total * _LITTLE:
        hint += (
            f" Uploads take {seen.uploads / seen.total:.0%} of it: whoever has sent them can delete them, and after a"
            " day without use they go by themselves."
        )
    part = seen.free / seen.total if seen.total else 0.0
    if part < _VERY_LITTLE:
        yield critical(17, subject, f"Only {part:.1%} of its space is free.", hint)
    elif seen.days_left is not None and seen.days_left < 1:
        yield critical(17, subject, "Its space does not last for another day's backups.", hint)
    elif seen.days_left is not None and seen.days_left < _FEW_DAYS:
        yield warning(17, subject, f"At this rate its space lasts for {seen.days_left:.0f} days.", hint)
    elif part < _LITTLE:
        yield warning(17, subject, f"Only {part:.1%} of its space is free.", hint)


def existing(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _has_mount(path: Path) -> bool:
    """True if the folder or one above it, other than the root of the system, is a mount."""
    resolved = path.resolve()
    above = {folder for folder in (resolved, *resolved.parents) if folder != Path(resolved.anchor)}
    return any_mount(above)


def _data() -> Iterator[tuple[str, Path]]:
    if project.MEDIA_ROOT:
        yield "the documents", Path(project.MEDIA_ROOT)
    for alias in connections:
        name = str(connections[alias].settings_dict["NAME"])
        if connections[alias].vendor == "sqlite" and not name.startswith((":memory:", "file:")):
            yield f"the database {alias}", Path(name)
