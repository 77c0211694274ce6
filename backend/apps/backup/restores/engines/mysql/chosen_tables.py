"""Reduce a new MariaDB or MySQL database to some of its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db.utils import Error as DatabaseFailure

from ....core.sql import backticked
from ....errors import RestoreFailed
from ....sources.engines.mysql.connection import fresh_connection as fresh_mysql
from ..chosen_tables import require_tables
from .server import reason, tables

if TYPE_CHECKING:
    pass

_MYSQL_REFERENCES: Final = """
    SELECT TABLE_NAME, CONSTRAINT_NAME, REFERENCED_TABLE_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS
    WHERE CONSTRAINT_SCHEMA = %s ORDER BY 1, 2
"""


def keep_tables(alias: str, place: str, keep: frozenset[str]) -> list[str]:
    """Drop all other tables, and return notes for the user. Raises `RestoreFailed`."""
    try:
        with fresh_mysql(alias, place) as wrapper, wrapper.cursor() as cursor:
            cursor.execute("SET SESSION foreign_key_checks = 0")
            cursor.execute("SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = %s", [place])
            for (view,) in cursor.fetchall():
                cursor.execute(f"DROP VIEW {backticked(str(view))}")
            cursor.execute(_MYSQL_REFERENCES, [place])
            references = [row for row in cursor.fetchall() if row[0] in keep and row[2] not in keep]
            for table, name, _ in references:
                cursor.execute(f"ALTER TABLE {backticked(table)} DROP FOREIGN KEY {backticked(name)}")
            existing = tables(cursor, place)
            require_tables(repr(place), keep, existing)
            gone = [backticked(name) for name in existing if name not in keep]
            if gone:
                cursor.execute(f"DROP TABLE {', '.join(gone)}")
    except DatabaseFailure as error:
        raise RestoreFailed(
            f"The other tables cannot be dropped from {place!r}: {reason(error)}. Nothing live was changed."
        ) from error
    return [f"the reference of {table} to {to} is gone with that table" for table, _, to in references]
