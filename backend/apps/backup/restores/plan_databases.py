"""The part of a plan that is about databases: dumps for the same kind of database, rows for any."""

from __future__ import annotations

from pathlib import Path

from django.db import connections

from ..errors import BackupError
from ..manifest import DatabaseRecord, DataRecord
from ..sources import sqlite
from ..sources.cut import database_aliases
from . import stage_postgresql
from .kinds import SERVERS
from .origin import Origin, Progress
from .plan import Plan, Replacement, require_writable
from .portable_plan import look_at


def plan_database(plan: Plan, record: DatabaseRecord, needed: dict[Path, int]) -> None:
    """Plan the restore of a dump. `needed` sums up the bytes by folder."""
    if record.alias not in database_aliases(portable=True):
        plan.blocking.append(f"the backup has a database {record.alias!r}, the settings have none; add it to DATABASES")
        return
    connection = connections[record.alias]
    if connection.vendor != record.engine:
        plan.blocking.append(
            f"the database {record.alias!r} is {connection.vendor} here and was {record.engine} in the backup;"
            f" point DATABASES at {record.engine}, or restore a package of the type EXPORT, which any database takes in"
        )
        return
    try:
        if record.engine == sqlite.ENGINE:
            live = sqlite.database_path(record.alias, connection.settings_dict)
            plan.replacements.append(Replacement("database", record.alias, str(live), live.exists(), record.size))
            needed[live.parent] = needed.get(live.parent, 0) + record.size
            require_writable(plan, live.parent)
            if live.exists():
                plan.warnings.append("stop the application first: it would go on writing into the old SQLite file")
            return
        check = stage_postgresql.check_server(record)
    except BackupError as error:
        plan.blocking.append(str(error))
        return
    plan.blocking += check.blocking
    plan.warnings += check.warnings
    plan.replacements.append(
        Replacement("database", record.alias, check.database, check.exists, None, [check.server, check.client])
    )


def plan_data(
    plan: Plan,
    origin: Origin,
    record: DataRecord,
    *,
    needed: dict[Path, int],
    leave_out: frozenset[str],
    progress: Progress,
) -> None:
    """Plan the restore of a database in portable form; every value of it is read."""
    if record.alias not in database_aliases(portable=True):
        plan.blocking.append(f"the backup has a database {record.alias!r}, the settings have none; add it to DATABASES")
        return
    connection = connections[record.alias]
    rows = sum(table.rows for table in record.tables)
    notes = [f"{len(record.tables)} tables with {rows:,} rows, from {record.engine} {record.server_version}"]
    try:
        if connection.vendor == sqlite.ENGINE:
            live = sqlite.database_path(record.alias, connection.settings_dict)
            plan.replacements.append(
                Replacement("database", record.alias, str(live), live.exists(), record.size, notes)
            )
            # Rows with their indexes, and a journal beside them.
            needed[live.parent] = needed.get(live.parent, 0) + 2 * record.size
            require_writable(plan, live.parent)
            if live.exists():
                plan.warnings.append("stop the application first: it would go on writing into the old SQLite file")
        else:
            check = SERVERS[connection.vendor].check(record.alias)
            plan.blocking += check.blocking
            plan.warnings += check.warnings
            notes.append(check.server)
            plan.replacements.append(
                Replacement("database", record.alias, check.database, check.exists, record.size, notes)
            )
        obstacles = look_at(origin, record, leave_out, progress)
        plan.warnings += obstacles.warnings
        plan.blocking += obstacles.blocking
    except BackupError as error:
        plan.blocking.append(str(error))
