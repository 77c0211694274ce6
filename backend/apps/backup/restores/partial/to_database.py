"""Restore a backup's database, or some of its tables, into a new database, to examine it or to try it out.

The live system is not involved.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from strongroom.durable_names import publish_new

from ...core.manifest import DatabaseRecord, DataRecord
from ...core.progress import Tracker
from ...errors import RestoreRefused
from ...policies.restore_request import RestoreRequest
from ..backup_source import Origin, Progress
from ..engines.contract import DatabaseEngine, ServerEngine
from ..engines.registry import DATABASE_ENGINES, engine_of
from ..planning.plan import Plan
from ..planning.tables import chosen_tables
from ..staging import rows as stage_portable
from ..staging.rows import Target


def restore_to_database(
    origin: Origin, plan: Plan, request: RestoreRequest, tracker: Tracker, tick: Callable[[], None]
) -> list[str]:
    """Fill the new database `plan.to_database`, and return notes for the user. After an error, nothing is left.

    A database that was created under that name after the plan is not touched.
    """
    if plan.blocking:
        raise RestoreRefused("The restore cannot be done: " + "; ".join(plan.blocking))
    found: list[DatabaseRecord | DataRecord] = [*origin.manifest.databases, *origin.manifest.data]
    (record,) = found

    def progress(files: int, size: int) -> None:
        tracker.reached(files=files, bytes_done=size)
        tick()

    def phase(name: str) -> None:
        tracker.begin(name, total_bytes=record.size)
        tick()

    def finish(place: str) -> list[str]:
        if not plan.tables:
            return []
        phase("dropping the other tables")
        keep = chosen_tables(origin.manifest, plan.tables)
        return engine_of(record.alias).keep_tables(record.alias, place, keep)

    if isinstance(record, DatabaseRecord):
        phase("restoring the database")
        notes: list[str] = []
        loaded = _load_dump(
            origin, record, plan.to_database, leave_out=request.leave_out, progress=progress, notes=notes
        )
        with loaded as place:
            return notes + finish(place)
    with _new_database(record, plan.to_database) as place:
        target = Target(record, place)
        notes = stage_portable.load(origin, [target], leave_out=request.leave_out, progress=progress, phase=phase)
        return notes + finish(place)


@contextlib.contextmanager
def _load_dump(
    origin: Origin,
    record: DatabaseRecord,
    place: str,
    *,
    leave_out: frozenset[str],
    progress: Progress,
    notes: list[str],
) -> Iterator[str]:
    """Load a dump, compare it with the manifest, and yield its temporary place. It is dropped if the block fails."""
    engine = DATABASE_ENGINES[record.engine]
    with _new_place(engine, record.alias, place, lambda chosen: engine.create_for_dump(record, chosen)) as chosen:
        notes += engine.load_dump(record, chosen, origin, like=chosen, leave_out=leave_out, progress=progress)
        yield chosen


@contextlib.contextmanager
def _new_database(record: DataRecord, place: str) -> Iterator[str]:
    """Create an empty database at a temporary place, to be filled with rows."""
    engine = engine_of(record.alias)

    def create(chosen: str) -> None:
        engine.create(record.alias, chosen, like=chosen)

    with _new_place(engine, record.alias, place, create) as chosen:
        yield chosen


@contextlib.contextmanager
def _new_place(engine: DatabaseEngine, alias: str, place: str, create: Callable[[str], None]) -> Iterator[str]:
    """Create a database. It is dropped if the block fails; a file gets its name when it is complete."""
    if not isinstance(engine, ServerEngine):
        with _new_file(engine, alias, Path(place)) as staged:
            create(str(staged))
            yield str(staged)
        return
    create(place)
    try:
        yield place
    except BaseException:
        engine.drop(alias, place)
        raise


@contextlib.contextmanager
def _new_file(engine: DatabaseEngine, alias: str, target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; the file gets the name of `target` when it is complete."""
    staged = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        yield staged
        try:
            publish_new(staged, target)
        except OSError as error:
            raise RestoreRefused(f"{target} cannot be made: {error.strerror}. Nothing live was changed.") from error
    finally:
        engine.drop(alias, str(staged))
