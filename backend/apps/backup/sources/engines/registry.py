"""The capture engines: one for each kind of database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import connections

from .contract import CaptureEngine
from .mysql.engine import MysqlCapture
from .postgresql.engine import PostgresqlCapture
from .sqlite.engine import SqliteCapture

DATABASE_ENGINES: Final[Mapping[str, CaptureEngine]] = {
    one.vendor: one for one in (PostgresqlCapture(), MysqlCapture(), SqliteCapture())
}
"""By the vendor of Django's connection, which is the engine's name in a manifest."""


def engine_of(alias: str) -> CaptureEngine:
    """Return the engine of a configured database. Raises `KeyError` for a kind that cannot be backed up."""
    return DATABASE_ENGINES[connections[alias].vendor]
