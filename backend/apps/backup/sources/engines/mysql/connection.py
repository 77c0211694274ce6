"""MariaDB and MySQL: open a separate connection, through the driver of the project: mysqlclient or PyMySQL."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from django.db import connections

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper

ENGINE: Final = "mysql"
"""The vendor of Django's connection, for both servers."""
CHARACTER_SET: Final = "utf8mb4"

_IDLE_SECONDS: Final = 7 * 24 * 3600
_TRAFFIC_SECONDS: Final = 3600
# Values that do not fit are errors, and a key of 0 stays 0 instead of becoming the next number.
_SQL_MODE: Final = "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO"
_CLIENT_TIMEOUTS: Final = frozenset({"read_timeout", "write_timeout"})


def not_transactional(cursor: CursorWrapper, database: str) -> list[str]:
    """Return the tables of a database that do not support transactions."""
    cursor.execute(
        "SELECT TABLE_NAME FROM information_schema.TABLES"
        " WHERE TABLE_SCHEMA = %s AND TABLE_TYPE = 'BASE TABLE' AND ENGINE <> 'InnoDB' ORDER BY 1",
        [database],
    )
    return [str(name) for (name,) in cursor.fetchall()]


@contextlib.contextmanager
def fresh_connection(alias: str, database: str | None = None) -> Iterator[BaseDatabaseWrapper]:
    """Open a separate connection with the alias's settings, in autocommit mode and without time limits.

    `database` is another database on the same server.
    """
    wrapper = connections[alias].copy()
    options = {name: value for name, value in wrapper.settings_dict["OPTIONS"].items() if name not in _CLIENT_TIMEOUTS}
    wrapper.settings_dict["OPTIONS"] = options | {"charset": CHARACTER_SET}
    wrapper.settings_dict["AUTOCOMMIT"] = True
    if database is not None:
        wrapper.settings_dict["NAME"] = database
    try:
        with wrapper.cursor() as cursor:
            cursor.execute(
                f"SET SESSION sql_mode = '{_SQL_MODE}', wait_timeout = {_IDLE_SECONDS},"
                f" net_read_timeout = {_TRAFFIC_SECONDS}, net_write_timeout = {_TRAFFIC_SECONDS}"
            )
            cursor.execute("SHOW VARIABLES WHERE Variable_name IN ('max_statement_time', 'max_execution_time')")
            for name, _ in cursor.fetchall():
                cursor.execute(f"SET SESSION {name} = 0")
            cursor.execute("SHOW VARIABLES LIKE 'idle%transaction_timeout'")
            for name, _ in cursor.fetchall():
                cursor.execute(f"SET SESSION {name} = 0")
        yield wrapper
    finally:
        wrapper.close()
