"""The disk of a database server, if the server runs on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Final

LEAST: Final = 64 << 20
"""Bytes that an empty database and its log take, with a reserve for the other work of the server."""
LOCAL: Final = ("", "127.0.0.1", "::1")
"""Addresses of this machine; none for a socket."""


def local_folder(text: str) -> Path | None:
    """Return a folder that a server names; None if this process cannot see it."""
    folder = Path(text)
    try:
        return folder if folder.is_dir() else None
    except OSError:
        return None
