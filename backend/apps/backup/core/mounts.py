"""Which folders are mounts: they cannot be renamed, and go along with a folder above them that is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_TABLE: Final = Path("/proc/self/mountinfo")


def is_mount(path: Path) -> bool:
    """True if a folder is a mount, also of a folder of the same disk, which its device number does not tell."""
    return any_mount([path])


def any_mount(paths: Iterable[Path]) -> bool:
    """True if one of these folders is; the table is read once."""
    table = _mount_points()
    return any(os.path.ismount(path) if table is None else path.resolve() in table for path in paths)


def mounts_below(path: Path) -> list[Path]:
    """The mounts inside a folder, as far as the system tells: Linux does."""
    folder = path.resolve()
    return sorted(place for place in _mount_points() or () if folder in place.parents)


def _mount_points() -> set[Path] | None:
    """The places in Linux's table, whose fifth column has spaces and the like as octal numbers; None elsewhere."""
    if not _TABLE.exists():
        return None
    places = [line.split(b" ")[4] for line in _TABLE.read_bytes().splitlines()]
    return {Path(os.fsdecode(_unescaped(place))) for place in places}


def _unescaped(place: bytes) -> bytes:
    return re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), place)
