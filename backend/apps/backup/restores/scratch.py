"""A backup's database into a new one of its own, for looking at it or trying it out; nothing live is involved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.db import connections

from ..manifest import DatabaseRecord, DataRecord
from ..progress import Tracker
from ..sources import sqlite
from . import stage_portable, stage_postgresql, stage_sqlite
from .errors import RestoreRefused
from .kinds import SERVERS
from .move_files import discard
from .origin import Origin
from .plan import Choice, Plan
from .stage_portable import Target


def restore_to_database(
    origin: Origin, plan: Plan, choice: Choice, tracker: Tracker, tick: Callable[[], None]
) -> list[str]:
    """Fill the new database `plan.to_database`; notes for the user. Whatever goes wrong is raised, and nothing left."""
    if plan.blocking:
        raise RestoreRefused("The restore cannot be done: " + "; ".join(plan.blocking))
    place = plan.to_database
    found: list[DatabaseRecord | DataRecord] = [*origin.manifest.databases, *origin.manifest.data]
    (record,) = found
    vendor = connections[record.alias].vendor

    def progress(files: int, size: int) -> None:
        tracker.reached(files=files, bytes_done=size)
        tick()

    def phase(name: str) -> None:
        tracker.begin(name, total_bytes=record.size)
        tick()

    try:
        if isinstance(record, DatabaseRecord):
            phase("restoring the database")
            _load_dump(origin, record, place, progress)
            return []
        if vendor == sqlite.ENGINE:
            stage_sqlite.create_empty(Path(place), Path(place))
        else:
            SERVERS[vendor].create(record.alias, place)
        target = Target(record, place)
        return stage_portable.load(origin, [target], leave_out=choice.leave_out, progress=progress, phase=phase)
    except BaseException:
        if vendor == sqlite.ENGINE:
            discard(place, sides=sqlite.SIDE_FILES)
        else:
            SERVERS[vendor].drop(record.alias, place)
        raise


def _load_dump(origin: Origin, record: DatabaseRecord, place: str, progress: Callable[[int, int], None]) -> None:
    with origin.open_member(record.path) as dump:
        if record.engine == sqlite.ENGINE:
            stage_sqlite.load(record, Path(place), Path(place), dump=dump, progress=progress)
        else:
            owners = stage_postgresql.create_scratch(record, place)
            stage_postgresql.load(record, place, dump, owners=owners, progress=progress)
