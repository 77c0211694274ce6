"""Rows into an empty database beside the live one: nothing is checked while they come in, everything at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

from .fill_base import Filling, Scratch
from .mysql.fill import open_mysql
from .postgresql.fill import open_postgresql
from .sqlite.fill import open_sqlite

__all__ = ["OPEN", "Filling", "Scratch"]

OPEN: Final[dict[str, Callable[[Scratch], contextlib.AbstractContextManager[Filling]]]] = {
    "mysql": open_mysql,
    "postgresql": open_postgresql,
    "sqlite": open_sqlite,
}
"""By the kind of database: opens what is to be filled."""
