"""Recognition of mount points: a mount cannot be renamed, and moves with a folder above it that is renamed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_TABLE: Final = Path("/proc/self/mountinfo")


def is_mount(path: Path) -> bool:
    """Return whether a folder is a mount; also a bind mount from the same disk, which has the same device number."""
    return any_mount([path])


def any_mount(paths: Iterable[Path]) -> bool:
    """Return whether one of these folders is a mount; the table of mounts is read once."""
    table = _mount_points()
    return any(os.path.ismount(path) if table is None else path.resolve() in table for path in paths)


def mounts_below(path: Path) -> list[Path]:
    """Return the mounts inside a folder; none on systems other than Linux."""
    folder = path.resolve()
    return sorted(place for place in _mount_points() or () if folder in place.parents)


def _mount_points() -> set[Path] | None:
    """Return the mount points of Linux's table, None on other systems.

    They are in the fifth column, in which spaces and some other characters are octal numbers.
    """
    if not _TABLE.exists():
        return None
    places = [line.split(b" ")[4] for line in _TABLE.read_bytes().splitlines()]
    return {Path(os.fsdecode(_unescaped(place))) for place in places}


def _unescaped(place: bytes) -> bytes:
    return re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), place)
