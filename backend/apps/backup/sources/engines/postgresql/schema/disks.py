"""The disk of a PostgreSQL server on this machine.

A server that finds no room for its log ends, and all its databases with it. So what takes room there asks before.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

LEAST: Final = 64 << 20
"""Bytes that an empty database and its log take, with as much for what the server does besides."""
LOCAL: Final = ("", "127.0.0.1", "::1")
"""Addresses of this machine; none for a socket."""
_FOLDER: Final = """
    SELECT setting, coalesce(host(inet_server_addr()), '') FROM pg_settings WHERE name = 'data_directory'
"""


def data_folder(cursor: CursorWrapper) -> Path | None:
    """Return where the server keeps its data; None where it is elsewhere, or does not tell this role."""
    cursor.execute(_FOLDER)
    row = cursor.fetchone()
    if row is None or str(row[1]) not in LOCAL:
        return None
    return local_folder(str(row[0]))


def local_folder(text: str) -> Path | None:
    """Return a folder that a server names, if this process can see it."""
    folder = Path(text)
    try:
        return folder if folder.is_dir() else None
    except OSError:
        return None


def want_of_room(cursor: CursorWrapper) -> str:
    """Tell why no further database is made for a rehearsal; "" if there is room, or nothing is known of it."""
    folder = data_folder(cursor)
    if folder is None:
        return ""
    status = os.statvfs(folder)
    free = status.f_bavail * status.f_frsize
    if free >= LEAST:
        return ""
    return (
        f"The disk of the database server has {free:,} bytes free ({folder}), too few to make a database beside the"
        f" live one without danger for the server. Make room there ({LEAST:,} bytes at the least)"
    )
