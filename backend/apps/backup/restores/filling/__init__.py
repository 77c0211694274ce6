"""Rows into an empty database beside the live one: nothing is checked while they come in, everything at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

from .base import Filling, Scratch
from .mysql import open_mysql
from .postgresql import open_postgresql
from .sqlite import open_sqlite

__all__ = ["OPEN", "Filling", "Scratch"]

OPEN: Final[dict[str, Callable[[Scratch], contextlib.AbstractContextManager[Filling]]]] = {
    "mysql": open_mysql,
    "postgresql": open_postgresql,
    "sqlite": open_sqlite,
}
"""By the kind of database: opens what is to be filled."""
