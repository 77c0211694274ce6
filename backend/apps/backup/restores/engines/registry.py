"""The restore engines: one for each kind of database, and for folders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import connections

from ..journal import Component, Kind
from .contract import DatabaseEngine, SwapEngine
from .files.engine import ContentsEngine, FolderEngine
from .mysql.engine import MysqlEngine
from .postgresql.engine import PostgresqlEngine
from .sqlite.engine import SqliteEngine

_DATABASES: Final = (PostgresqlEngine(), MysqlEngine(), SqliteEngine())
DATABASE_ENGINES: Final[Mapping[str, DatabaseEngine]] = {one.vendor: one for one in _DATABASES}
"""By the vendor of Django's connection, which is the engine's name in a manifest."""
_BY_KIND: Final[Mapping[Kind, SwapEngine]] = {one.kind: one for one in (*_DATABASES, FolderEngine(), ContentsEngine())}


def swap_engine(component: Component) -> SwapEngine:
    """Return the engine that swaps a component."""
    return _BY_KIND[component.kind]


def database_engine(component: Component) -> DatabaseEngine:
    """Return the engine of a component that is a database."""
    return next(one for one in _DATABASES if one.kind is component.kind)


def engine_of(alias: str) -> DatabaseEngine:
    """Return the engine of a configured database."""
    return DATABASE_ENGINES[connections[alias].vendor]
