"""What a disk refuses, in words."""

from __future__ import annotations

import os
from pathlib import Path

from strongroom.errors import OUT_OF_ROOM, PackageRefused


def unwritable(path: Path, error: OSError, left: str) -> PackageRefused:
    """The error for a `path` that could not be written; `left` says what is there now."""
    if error.errno in OUT_OF_ROOM:
        return PackageRefused(f"There is no space for {path}; {left}. Make room and try again.")
    where = path if error.filename is None else os.fsdecode(error.filename)
    return PackageRefused(f"{path} cannot be written: {error.strerror} ({where}); {left}.")
