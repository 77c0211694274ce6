"""The disks of database servers on this machine, for the room that a plan asks for."""

from __future__ import annotations

import socket
from pathlib import Path

from django.db import connections

from ...sources.schema import disks
from ...sources.schema.server import server as postgresql_server
from .mysql.server import server as mysql_server


def server_folder(alias: str) -> Path | None:
    """Return where the server of a database keeps its data; None where it is elsewhere, or does not tell."""
    if connections[alias].vendor == "postgresql":
        with postgresql_server(alias) as cursor:
            return disks.data_folder(cursor)
    with mysql_server(alias) as cursor:
        cursor.execute("SELECT @@datadir, @@hostname")
        row = cursor.fetchone()
    host = str(connections[alias].settings_dict.get("HOST") or "")
    if row is None or str(row[1]) != socket.gethostname() or host not in {*disks.LOCAL, "localhost"}:
        return None
    return disks.local_folder(str(row[0]))
