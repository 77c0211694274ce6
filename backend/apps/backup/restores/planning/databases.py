"""Plan the restore of databases: dumps for the same kind of database, rows for any."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from django.db import connections
from django.db.utils import Error as DatabaseFailure

from ...core.manifest import DatabaseRecord, DataRecord
from ...core.mounts import is_mount
from ...errors import BackupError, RestoreFailed
from ...sources.databases import database_aliases
from ...sources.engines.server_disks import LEAST
from ..backup_source import Origin, Progress
from ..engines.contract import FileEngine, ServerEngine
from ..engines.registry import engine_of
from ..engines.server_check import ServerCheck
from .extra_tables import plan_extra_tables
from .packages import find_obstacles
from .plan import Plan, Replacement, require_writable


def plan_database(
    plan: Plan,
    origin: Origin,
    record: DatabaseRecord,
    *,
    needed: dict[Path, int],
    leave_out: frozenset[str],
    place: str | None = None,
) -> None:
    """Plan the restore of a dump to the live database, or to a new one at `place`. `needed` sums up bytes by folder.

    On a server, the restore of the schema is rehearsed in a database that is dropped again.
    """
    if not _is_configured(plan, record.alias):
        return
    vendor = connections[record.alias].vendor
    if vendor != record.engine:
        plan.blocking.append(
            f"the database {record.alias!r} is {vendor} here and was {record.engine} in the backup;"
            f" point DATABASES at {record.engine}, or restore a package of the type EXPORT, which any database takes in"
        )
        return
    try:
        engine = engine_of(record.alias)
        if isinstance(engine, FileEngine):
            _plan_file(plan, engine, record.alias, needed, size=record.size, room=record.size, place=place)
        elif isinstance(engine, ServerEngine) and _is_named(plan, record.alias, place):
            check = engine.check_dump(record)
            _plan_server(plan, record.alias, check, size=None, notes=[check.server, check.client], place=place)
            _need_room(engine.data_folder(record.alias), 2 * record.size + LEAST, needed)
            if not check.blocking:
                _rehearse(plan, engine, origin, record, leave_out)
    except BackupError as error:
        plan.blocking.append(str(error))


def _need_room(folder: Path | None, size: int, needed: dict[Path, int]) -> None:
    """Add the room for rows with their indexes and a log on the server's disk, if that is on this machine."""
    if folder is not None:
        needed[folder] = needed.get(folder, 0) + size


def _rehearse(
    plan: Plan, engine: ServerEngine, origin: Origin, record: DatabaseRecord, leave_out: frozenset[str]
) -> None:
    try:
        found = engine.rehearse_dump(record, origin, leave_out)
    except DatabaseFailure as error:
        raise RestoreFailed(f"The restore cannot be rehearsed: {str(error).strip()}.") from error
    plan.blocking += [f"the database {record.alias!r} cannot be restored as it is: {one}" for one in found.obstacles]
    plan.warnings += found.notes


def plan_data(
    plan: Plan,
    origin: Origin,
    record: DataRecord,
    *,
    needed: dict[Path, int],
    leave_out: frozenset[str],
    progress: Progress,
    place: str | None = None,
) -> None:
    """Plan the restore of a database in portable form as `plan_database` does; each value of it is read."""
    if not _is_configured(plan, record.alias):
        return
    engine = engine_of(record.alias)
    rows = sum(table.rows for table in record.tables)
    notes = [f"{len(record.tables)} tables with {rows:,} rows, from {record.engine} {record.server_version}"]
    try:
        if isinstance(engine, FileEngine):
            # Rows with their indexes, and a journal beside them.
            room = 2 * record.size
            _plan_file(plan, engine, record.alias, needed, size=record.size, room=room, notes=notes, place=place)
            if place is None and engine.live_file(record.alias).exists():
                _plan_tables_of_file(plan, record)
        elif isinstance(engine, ServerEngine) and _is_named(plan, record.alias, place):
            check = engine.check(record.alias)
            _plan_server(plan, record.alias, check, size=record.size, notes=[*notes, check.server], place=place)
            _need_room(engine.data_folder(record.alias), 2 * record.size + LEAST, needed)
            if check.exists and place is None:
                plan_extra_tables(plan, record)
        obstacles = find_obstacles(origin, record, leave_out, progress)
        plan.warnings += obstacles.warnings
        plan.blocking += obstacles.blocking
    except BackupError as error:
        plan.blocking.append(str(error))


def _is_configured(plan: Plan, alias: str) -> bool:
    if alias in database_aliases(portable=True):
        return True
    plan.blocking.append(f"the backup has a database {alias!r}, the settings have none; add it to DATABASES")
    return False


def _is_named(plan: Plan, alias: str, place: str | None) -> bool:
    if place is not None or connections[alias].settings_dict["NAME"]:
        return True
    plan.blocking.append(
        f"the database {alias!r} has no NAME in the settings, only a service or a file of options that names it, and"
        " databases are swapped by their names; set NAME as well"
    )
    return False


def _plan_tables_of_file(plan: Plan, record: DataRecord) -> None:
    try:
        plan_extra_tables(plan, record)
    except DatabaseFailure as error:
        # A damaged file is a reason for the restore, not an obstacle to it.
        plan.warnings.append(
            f"the live database {record.alias!r} cannot be read ({str(error).strip()}): whether it has tables that the"
            " package does not hold is not known"
        )


def _plan_file(
    plan: Plan,
    engine: FileEngine,
    alias: str,
    needed: dict[Path, int],
    *,
    size: int,
    room: int,
    notes: Sequence[str] = (),
    place: str | None,
) -> None:
    live = engine.live_file(alias) if place is None else Path(place)
    exists = os.path.lexists(live)
    replaces = exists and place is None
    plan.replacements.append(Replacement("database", alias, str(live), replaces, size, [*notes]))
    needed[live.parent] = needed.get(live.parent, 0) + room
    require_writable(plan, live.parent)
    if replaces:
        plan.warnings.append(f"stop the application first: it would go on writing into the old {engine.label} file")
        if is_mount(live):
            plan.blocking.append(
                f"the file {live} is a mount of its own, and cannot be exchanged; mount the folder that holds it"
                " instead, or restore with --to-database and put the file there by hand, with the application stopped"
            )
    elif exists:
        plan.blocking.append(f"{live} exists; give the path of a file that does not")


def _plan_server(
    plan: Plan, alias: str, check: ServerCheck, *, size: int | None, notes: list[str], place: str | None
) -> None:
    plan.blocking += check.blocking
    plan.warnings += check.warnings
    replaces = check.exists and place is None
    if replaces:
        plan.blocking += check.unmovable
    plan.replacements.append(Replacement("database", alias, place or check.database, replaces, size, notes))
    if place is not None and engine_of(alias).is_there(alias, place):
        plan.blocking.append(f"there is a database {place!r} already; give the name of one that is not there")
