"""Check the disk of the storage: it is writable, it is a disk of its own, and its space lasts."""

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
from ..sources.engines.registry import DATABASE_ENGINES
from ..sources.errors import SourceRefused
from ..sources.file_references import reference_fields
from ..sources.files import file_roots, storages
from ..storage import upload_files as uploads
from .findings import Finding, critical, warning

_LITTLE = 0.10
_VERY_LITTLE = 0.03
_FEW_DAYS = 14.0


@dataclasses.dataclass(frozen=True, slots=True)
class Space:
    """The space of a storage in bytes, the bytes that a day's backups need (`daily`), and how many days are left.

    `uploads` counts the bytes of uploaded packages that are not restored yet.
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
        folder = nearest_existing(root)
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            yield critical(
                3,
                f"storage {root}",
                f"Cannot write to the backup storage {str(root)!r}: {str(folder)!r} is not a folder, or this user has"
                " no permission to write to it.",
                "Correct the owner or the mode of the folder, or set BACKUP_STORAGE_ROOT to another one.",
            )


def root_findings() -> Iterator[Finding]:
    """W025: a file root contains the backup storage."""
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
                f"The folder {root.path} also contains the backup storage {' and '.join(inside)}.",
                "Move the storage to another disk, and set BACKUP_STORAGE_ROOT. Or list only the folders with documents"
                " in BACKUP_FILE_ROOTS. A restore replaces everything around the storage.",
            )


def placement_findings() -> Iterator[Finding]:
    """W010: the storage is not on a mount of its own. W011: it is on the disk of the data."""
    root = nearest_existing(conf.load().storage_root)
    device = root.stat().st_dev
    if not _has_mount(root):
        yield warning(
            10,
            f"storage {root}",
            "It is not a mount of its own. In a container, the backups are deleted with the container. Elsewhere, if"
            " the backup disk is not mounted, backups go to the system disk.",
            "Mount a volume or a disk there.",
        )
    for what, path in _data():
        if path.exists() and path.stat().st_dev == device:
            yield warning(
                11,
                f"storage {root}",
                f"It is on the same disk as {what} ({path}): if that disk fails, both are lost.",
                "Put the backup storage on another disk, or copy the repository elsewhere regularly.",
            )
            return


def space(*, daily: int | None) -> Space:
    """Measure the space of the main storage, with a forecast for backups that need `daily` bytes a day."""
    root = nearest_existing(conf.load().storage_root)
    usage = shutil.disk_usage(root)
    days = usage.free / daily if daily else None
    return Space(
        root=str(root), total=usage.total, free=usage.free, daily=daily, days_left=days, uploads=uploads.total_bytes()
    )


def space_findings(seen: Space) -> Iterator[Finding]:
    """W017: the storage is full, or will be soon."""
    subject, hint = f"storage {seen.root}", "Free some space, keep fewer backups, or set another storage path."
    if seen.uploads > seen.total * _LITTLE:
        hint += (
            f" Uploads use {seen.uploads / seen.total:.0%} of it: the users who sent them can delete them. Uploads"
            " that are not used for a day are deleted automatically."
        )
    part = seen.free / seen.total if seen.total else 0.0
    # The figures that move by themselves stand in the hint: with another `what`, an acknowledged finding opens again.
    free = f"About {part:.0%} of its space is free. {hint}"
    if part < _VERY_LITTLE:
        yield critical(17, subject, f"Less than {_VERY_LITTLE:.0%} of its space is free.", free)
    elif seen.days_left is not None and seen.days_left < 1:
        yield critical(17, subject, "There is not enough space for another day's backups.", hint)
    elif seen.days_left is not None and seen.days_left < _FEW_DAYS:
        yield warning(
            17,
            subject,
            f"At this rate, its space lasts for less than {_FEW_DAYS:.0f} days.",
            f"The forecast is {seen.days_left:.0f} days. {hint}",
        )
    elif part < _LITTLE:
        yield warning(17, subject, f"Less than {_LITTLE:.0%} of its space is free.", free)


def nearest_existing(path: Path) -> Path:
    """Return the path, or the nearest folder above it that exists."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _has_mount(path: Path) -> bool:
    """Return whether the folder, or a parent other than the root of the system, is a mount."""
    resolved = path.resolve()
    above = {folder for folder in (resolved, *resolved.parents) if folder != Path(resolved.anchor)}
    return any_mount(above)


def _data() -> Iterator[tuple[str, Path]]:
    if project.MEDIA_ROOT:
        yield "the documents", Path(project.MEDIA_ROOT)
    for alias in connections:
        engine = DATABASE_ENGINES.get(connections[alias].vendor)
        if engine is not None and (name := engine.named_file(alias)):
            yield f"the database {alias}", Path(name)
