"""What is put beside the live system. The journal has it before it is made, so that a kill leaves nothing unknown."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from django.db import connections

from ..manifest import DataRecord
from ..sources import sqlite
from ..sources.files import RESTORE_MARK
from . import stage_mysql, stage_portable, stage_sqlite
from .journal import Component, Journal, Kind
from .kinds import SERVERS
from .origin import Origin, Progress
from .stage_portable import Target


def announce(journal: Journal, component: Component) -> None:
    """Write into the journal what is about to be made."""
    journal.components.append(component)
    journal.save()


def announce_database(journal: Journal, alias: str) -> Component:
    """Name the database that is put beside the live one."""
    settings, mark = connections[alias].settings_dict, journal.restore.hex[:8]
    if connections[alias].vendor == sqlite.ENGINE:
        live = sqlite.database_path(alias, settings)
        component = paths(Kind.SQLITE, alias, live, live.with_name(f".{live.name}{RESTORE_MARK}{mark}"))
    else:
        name, server = str(settings["NAME"]), SERVERS[connections[alias].vendor]
        component = Component(
            kind=server.kind,
            name=alias,
            live=name,
            staged=server.free_name(name, f"_new_{mark}"),
            kept=server.free_name(name, f"_old_{mark}"),
            had_live=server.exists(alias, name),
        )
    announce(journal, component)
    return component


def paths(kind: Kind, name: str, live: Path, beside: Path) -> Component:
    """Name a file or folder that is put beside the live one."""
    return Component(
        kind=kind,
        name=name,
        live=str(live),
        staged=f"{beside}.new",
        kept=f"{beside}.old",
        had_live=os.path.lexists(live),
    )


def stage_rows(
    journal: Journal,
    origin: Origin,
    data: Sequence[DataRecord],
    *,
    leave_out: frozenset[str],
    progress: Progress,
    phase: Callable[[str], None],
) -> list[str]:
    """Make databases beside the live ones and take the rows of a package in; notes for the user.

    Raises `RestoreFailed` for rows that do not fit.
    """
    targets = []
    for database in data:
        component = announce_database(journal, database.alias)
        if component.kind is Kind.SQLITE:
            stage_sqlite.create_empty(Path(component.live), Path(component.staged))
        else:
            SERVERS[connections[database.alias].vendor].create(database.alias, component.staged)
        targets.append(Target(database, component.staged))
    notes = stage_portable.load(origin, targets, leave_out=leave_out, progress=progress, phase=phase)
    for component in journal.components:
        if component.kind is Kind.MYSQL:
            notes += stage_mysql.left_behind(component.name, live=component.live, staged=component.staged)
    return notes
