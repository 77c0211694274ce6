"""A database that is open to be read as rows: the part that all engines share."""

from __future__ import annotations

import datetime
import zoneinfo
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings as project
from django.db import connections

from ...core.manifest import DataRecord
from ...portable.engines.base import Reading, Timestamps
from ...portable.history import History
from ...portable.tables import describe
from ..migrations import leaves

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

Applied = list[tuple[str, str]]
"""Applied migrations: the application and the name of each."""
MIGRATIONS = "SELECT app, name FROM django_migrations ORDER BY id"


@dataclass(frozen=True)
class OpenedRows:
    """The rows of a database at the consistency point, with its history and facts."""

    reading: Reading
    known: History
    applied: Applied
    version: str
    cut_at: datetime.datetime
    size: int
    warnings: list[str]
    keeps_zones: bool = False
    """Timestamps are stored with their time zone."""

    def record(self, alias: str) -> DataRecord:
        """Return the manifest's record. The figures of the tables come when they have been read."""
        tables = describe(alias, self.reading, self.known)
        left_out = [f"left out: {what}" for what in self.reading.left_out()]
        return DataRecord(
            alias=alias,
            engine=self.reading.name,
            server_version=self.version,
            cut_at=self.cut_at,
            time_zone=str(connections[alias].timezone_name),
            bare_moments=not self.keeps_zones and not project.USE_TZ,
            applied={app: sorted(names) for app, names in sorted(by_app(self.applied).items())},
            migrations=leaves(self.applied),
            tables=tables,
            warnings=[*self.warnings, *left_out],
            notes=[*self.reading.notes(), *_leftovers(self.known)],
        )


def _leftovers(known: History) -> list[str]:
    return [
        f"django_migrations names {app}.{name}, which the code does not have: it is carried as it is"
        for app, name in known.unknown
    ]


def by_app(applied: Applied) -> dict[str, list[str]]:
    """Return the names of applied migrations by application."""
    found: dict[str, list[str]] = {}
    for app, name in applied:
        found.setdefault(app, []).append(name)
    return found


def timestamps_in(alias: str, *, bare: bool) -> Timestamps:
    """Return the meaning of timestamps that the project stores without a zone; `bare` ones are written so, too."""
    zone = connections[alias].timezone if project.USE_TZ else None
    return Timestamps(zone, zoneinfo.ZoneInfo(str(project.TIME_ZONE)), bare)


def one_row(cursor: CursorWrapper) -> tuple[Any, ...]:
    """Return the only row of a query that always has one."""
    row = cursor.fetchone()
    assert row is not None  # noqa: S101  such queries have one row
    return tuple(row)


def applied_in(cursor: CursorWrapper) -> Applied:
    """Return the applied migrations."""
    cursor.execute(MIGRATIONS)
    return [(str(app), str(name)) for app, name in cursor.fetchall()]
