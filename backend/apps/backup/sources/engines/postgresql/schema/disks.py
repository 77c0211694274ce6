"""Check the disk of a PostgreSQL server on this machine before a database is made on it.

A server without room for its log stops, with all its databases.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...server_disks import LEAST, LOCAL, local_folder

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

_FOLDER: Final = """
    SELECT setting, coalesce(host(inet_server_addr()), '') FROM pg_settings WHERE name = 'data_directory'
"""


def data_folder(cursor: CursorWrapper) -> Path | None:
    """Return the folder with the server's data; None if it is on another machine, or hidden from this role."""
    cursor.execute(_FOLDER)
    row = cursor.fetchone()
    if row is None or str(row[1]) not in LOCAL:
        return None
    return local_folder(str(row[0]))


def missing_room(cursor: CursorWrapper) -> str:
    """Return why no database is made for a rehearsal: too little space; "" if there is enough, or it is unknown."""
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
