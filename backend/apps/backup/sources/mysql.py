"""MariaDB and MySQL as a source: a connection of its own, and the snapshot that its transaction sees."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from django.db import connections
from django.db.utils import Error as DatabaseFailure

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

ENGINE: Final = "mysql"
_PATIENT: Final = ("net_write_timeout = 86400", "net_read_timeout = 86400", "wait_timeout = 86400")
_STATEMENT_LIMITS: Final = ("max_statement_time = 0", "max_execution_time = 0")
"""MariaDB's and MySQL's."""


@contextlib.contextmanager
def fresh_connection(alias: str, database: str | None = None) -> Iterator[BaseDatabaseWrapper]:
    """A connection of its own with the alias's settings, without time limits; closed at the end.

    `database` is another database on the same server.
    """
    wrapper = connections[alias].copy()
    if database is not None:
        wrapper.settings_dict["NAME"] = database
    try:
        with wrapper.cursor() as cursor:
            for limit in _PATIENT:
                cursor.execute(f"SET SESSION {limit}")
            for limit in _STATEMENT_LIMITS:
                # Each server knows one of them.
                with contextlib.suppress(DatabaseFailure):
                    cursor.execute(f"SET SESSION {limit}")
        yield wrapper
    finally:
        wrapper.close()
