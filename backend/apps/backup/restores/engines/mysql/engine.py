"""The restore engine for MariaDB and MySQL."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.db import connections

from ....core.sql import backticked
from ....sources.engines.mysql.connection import ENGINE, fresh_connection
from ....sources.engines.server_disks import LOCAL, local_folder
from ...journal import Component, Kind
from ..contract import Mark, ServerEngine
from ..fill_base import Filling, Scratch
from ..server_check import ServerCheck
from . import carry_ledger, chosen_tables, fill, stage, swap
from .server import exists, server, tables

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper

_LOCK_SECONDS: Final = 3
"""Seconds to wait for a live table that another session has locked."""
_REFERENCES: Final = """
    SELECT TABLE_NAME, REFERENCED_TABLE_NAME FROM information_schema.KEY_COLUMN_USAGE
    WHERE TABLE_SCHEMA = %s AND REFERENCED_TABLE_SCHEMA = TABLE_SCHEMA ORDER BY 1, 2
"""


class MysqlEngine(ServerEngine):
    """Databases are swapped by renaming their tables into other databases, and filled with rows, never from dumps."""

    kind = Kind.MYSQL
    vendor = ENGINE
    extra_tables_stay = True

    def free_name(self, base: str, ending: str) -> str:
        return swap.free_name(base, ending)

    def forward(self, component: Component, mark: Mark) -> None:
        swap.forward_database(component, mark)

    def backward(self, component: Component, mark: Mark) -> None:
        swap.backward_database(component, mark)

    def is_there(self, name: str, place: str) -> bool:
        with server(name) as cursor:
            return exists(cursor, place)

    def look_command(self, component: Component) -> str:
        return f"database {component.name}: mariadb --database={component.kept}"

    def create(self, alias: str, place: str, *, like: str) -> None:
        stage.create_scratch(alias, place)

    def fill(self, scratch: Scratch) -> contextlib.AbstractContextManager[Filling]:
        return fill.open_mysql(scratch)

    def drop(self, alias: str, place: str) -> None:
        swap.drop(alias, place)

    def keep_tables(self, alias: str, place: str, keep: frozenset[str]) -> list[str]:
        return chosen_tables.keep_tables(alias, place, keep)

    def carry_ledger(self, component: Component, target: str) -> str:
        return carry_ledger.carry_mysql(component.name, component.live, target)

    def connect(self, component: Component, place: str) -> contextlib.AbstractContextManager[BaseDatabaseWrapper]:
        return fresh_connection(component.name, place)

    def count_rows(self, component: Component, place: str, before: Mapping[str, int]) -> Mapping[str, int]:
        with self.connect(component, place) as wrapper, wrapper.cursor() as cursor:
            if place == component.live:
                self.wait_briefly(cursor)
            cursor.execute("SHOW FULL TABLES WHERE Table_type <> 'VIEW'")
            existing = {str(row[0]) for row in cursor.fetchall()}
            counts = {}
            for table in sorted(existing & set(before)):
                cursor.execute(f"SELECT count(*) FROM {backticked(table)}")  # noqa: S608  quoted
                row = cursor.fetchone()
                counts[table] = int(str(row[0])) if row else 0
            return counts

    def check(self, alias: str) -> ServerCheck:
        return stage.check_server(alias)

    def data_folder(self, alias: str) -> Path | None:
        with server(alias) as cursor:
            cursor.execute("SELECT @@datadir, @@hostname")
            row = cursor.fetchone()
        host = str(connections[alias].settings_dict.get("HOST") or "")
        if row is None or str(row[1]) != socket.gethostname() or host not in {*LOCAL, "localhost"}:
            return None
        return local_folder(str(row[0]))

    def left_behind(self, component: Component) -> list[str]:
        return stage.left_behind(component.name, live=component.live, staged=component.staged)

    def wait_briefly(self, cursor: CursorWrapper) -> None:
        cursor.execute(f"SET SESSION lock_wait_timeout = {_LOCK_SECONDS}")

    def tables(self, alias: str, cursor: CursorWrapper) -> Sequence[str]:
        return tables(cursor, self.live_place(alias))

    def references(self, alias: str, cursor: CursorWrapper) -> Sequence[tuple[str, str]]:
        cursor.execute(_REFERENCES, [self.live_place(alias)])
        return [(str(child), str(parent)) for child, parent in cursor.fetchall()]
