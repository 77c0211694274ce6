"""The limits for values of each kind of database that packages can be restored into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from . import mysql, postgresql, sqlite
from .base import ValueLimits

VALUE_LIMITS: Final[Mapping[str, ValueLimits]] = {
    one.vendor: one for one in (postgresql.LIMITS, mysql.LIMITS, sqlite.LIMITS)
}
"""By the vendor of Django's connection."""
