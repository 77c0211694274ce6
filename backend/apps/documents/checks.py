"""System checks of the EDMS: find documents and databases that every user of the machine can read."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.checks import CheckMessage, Warning
from django.db import connections


def check_folders(**_options: object) -> list[CheckMessage]:
    """Check documents.W001: every user of this machine can read the documents or the database file."""
    return [
        Warning(
            f"Every user of this machine can read {path}.",
            hint=f"Run `chmod o= {path}`.",
            id="documents.W001",
        )
        for path in _private()
        if _is_open(path)
    ]


def _private() -> Iterator[Path]:
    if settings.MEDIA_ROOT:
        yield Path(settings.MEDIA_ROOT)
    for alias in connections:
        name = str(connections[alias].settings_dict["NAME"])
        if connections[alias].vendor == "sqlite" and not name.startswith((":", "file:")):
            yield Path(name)


def _is_open(path: Path) -> bool:
    """Return whether other users can read the path and pass through all folders above it."""
    try:
        modes = [folder.stat().st_mode for folder in path.resolve().parents]
        return bool(path.stat().st_mode & stat.S_IROTH) and all(mode & stat.S_IXOTH for mode in modes)
    except OSError:
        return False  # missing, or not visible to this user
