"""Rows into an empty database beside the live one: nothing is checked while they come in, everything at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

from ...portable.history import History
from .base import Filling
from .mysql import open_mysql
from .postgresql import open_postgresql
from .sqlite import open_sqlite

__all__ = ["OPEN", "Filling"]

OPEN: Final[dict[str, Callable[[str, str, History], contextlib.AbstractContextManager[Filling]]]] = {
    "mysql": open_mysql,
    "postgresql": open_postgresql,
    "sqlite": open_sqlite,
}
"""By the kind of database: opens the scratch database of an alias, by its name or path, as migrations have made it."""
