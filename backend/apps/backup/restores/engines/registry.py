"""Database servers by their kind, as restores use them: SQLite has none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ...sources.schema.live import create_like_live
from ...sources.schema.server import drop, exists, free_name, server
from ..journal import Kind
from .mysql import server as mysql_server
from .mysql import stage as stage_mysql
from .mysql import swap as move_mysql
from .postgresql import stage as stage_postgresql
from .server_check import ServerCheck


@dataclass(frozen=True)
class DatabaseServer:
    """What one kind of server offers. Databases are named by the alias whose server it is, and a name.

    `check` says whether another database can be made and filled, `create` makes an empty one like the live one,
    `free_name` makes a name of two parts that is short enough.
    """

    kind: Kind
    check: Callable[[str], ServerCheck]
    exists: Callable[[str, str], bool]
    create: Callable[[str, str], None]
    drop: Callable[[str, str], None]
    free_name: Callable[[str, str], str]


def _exists_postgresql(alias: str, name: str) -> bool:
    with server(alias) as cursor:
        return exists(cursor, name)


def _exists_mysql(alias: str, name: str) -> bool:
    with mysql_server.server(alias) as cursor:
        return mysql_server.exists(cursor, name)


SERVERS: Final[Mapping[str, DatabaseServer]] = {
    "postgresql": DatabaseServer(
        Kind.POSTGRESQL,
        check=stage_postgresql.check_rights,
        exists=_exists_postgresql,
        create=create_like_live,
        drop=drop,
        free_name=free_name,
    ),
    "mysql": DatabaseServer(
        Kind.MYSQL,
        check=stage_mysql.check_server,
        exists=_exists_mysql,
        create=stage_mysql.create_scratch,
        drop=move_mysql.drop,
        free_name=move_mysql.free_name,
    ),
}
"""By the vendor of Django's connection."""
