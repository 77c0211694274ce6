"""Errors of packages that cannot be written to a disk."""

from __future__ import annotations

import os
from pathlib import Path

from strongroom.errors import OUT_OF_SPACE, PackageRefused


def unwritable(path: Path, error: OSError, left: str) -> PackageRefused:
    """Return the error for a `path` that could not be written. `left` describes what is there now."""
    if error.errno in OUT_OF_SPACE:
        return PackageRefused(f"Cannot write {path}: no space is left; {left}. Free space and try again.")
    where = path if error.filename is None else os.fsdecode(error.filename)
    return PackageRefused(f"Cannot write {path}: {error.strerror} ({where}); {left}.")
