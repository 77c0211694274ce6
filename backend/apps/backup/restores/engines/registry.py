"""The restore engines: one for each kind of database, and for folders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import connections

from ...errors import RestoreRefused
from ..journal import Component, Kind
from .contract import DatabaseEngine, SwapEngine
from .files.engine import ContentsEngine, FolderEngine
from .mysql.engine import MysqlEngine
from .postgresql.engine import PostgresqlEngine
from .sqlite.engine import SqliteEngine

_DATABASES: Final = (PostgresqlEngine(), MysqlEngine(), SqliteEngine())
DATABASE_ENGINES: Final[Mapping[str, DatabaseEngine]] = {one.vendor: one for one in _DATABASES}
"""By the vendor of Django's connection, which is the engine's name in a manifest."""
OBJECT_DUMPS: Final = frozenset(one.vendor for one in _DATABASES if one.dumps_objects)
"""The names of engines whose dumps are restored object by object. A manifest may also name unknown engines."""
_DATABASES_BY_KIND: Final[Mapping[Kind, DatabaseEngine]] = {one.kind: one for one in _DATABASES}
_BY_KIND: Final[Mapping[Kind, SwapEngine]] = {
    **_DATABASES_BY_KIND,
    **{one.kind: one for one in (FolderEngine(), ContentsEngine())},
}


def swap_engine(component: Component) -> SwapEngine:
    """Return the engine that swaps a component."""
    return _BY_KIND[component.kind]


def database_engine(component: Component) -> DatabaseEngine:
    """Return the engine of a component that is a database."""
    return _DATABASES_BY_KIND[component.kind]


def engine_of(alias: str) -> DatabaseEngine:
    """Return the engine of a configured database. Raises `RestoreRefused` for a kind that cannot be restored."""
    vendor = connections[alias].vendor
    try:
        return DATABASE_ENGINES[vendor]
    except KeyError:
        raise RestoreRefused(f"The database {alias!r} is {vendor}, which cannot be restored.") from None
