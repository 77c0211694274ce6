"""The capture engines: one for each kind of database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import connections

from ..errors import SourceRefused
from .contract import CaptureEngine
from .mysql.engine import MysqlCapture
from .postgresql.engine import PostgresqlCapture
from .sqlite.engine import SqliteCapture

DATABASE_ENGINES: Final[Mapping[str, CaptureEngine]] = {
    one.vendor: one for one in (PostgresqlCapture(), MysqlCapture(), SqliteCapture())
}
"""By the vendor of Django's connection, which is the engine's name in a manifest."""


def engine_of(alias: str) -> CaptureEngine:
    """Return the engine of a configured database. Raises `SourceRefused` for a kind that cannot be backed up."""
    vendor = connections[alias].vendor
    try:
        return DATABASE_ENGINES[vendor]
    except KeyError:
        raise SourceRefused(f"The database {alias!r} is {vendor}, which cannot be backed up.") from None
