"""The work of requested restores: plans, and restores to the live system, to a folder or to a new database."""

from __future__ import annotations

import contextlib
import dataclasses
import uuid
from collections.abc import Iterator
from pathlib import Path

from django.db import connections
from django.utils import timezone

from .. import conf
from ..backups.references import BackupRef, job_ref, package_ref
from ..errors import IllegalTransition, LedgerUnavailable, RequestRefused, RestoreNotFound
from ..models import Operation, OperationKind, RestoreJob, RollbackState
from ..policies.restore_request import RestoreRequest
from ..restores import (
    Plan,
    Restore,
    RestoreRefused,
    ledger_is_readable,
    open_origin,
    plan_restore,
    plan_to_database,
    plan_to_folder,
    release,
    restore_to_database,
    restore_to_folder,
    rollback,
)
from ..restores.backup_source import Origin
from ..restores.engines.contract import ServerEngine
from ..restores.engines.files.swap import discard
from ..restores.engines.registry import engine_of
from ..restores.planning.plan import nearest_existing
from ..selectors import job_by_uuid, next_backups_bytes
from ..services.restores import restore_cancel, restore_complete, restore_fail, restore_phases, restore_start
from ..storage.private_files import make_private_folder
from ..storage.upload_files import upload_path
from .context import OperationResult, Work


def plan(work: Work) -> OperationResult:
    """Plan a restore; change nothing."""
    with _open_source(work) as (ref, origin, request):
        return OperationResult(_plan(work, ref, origin, request, tried=True).to_json())


def restore(work: Work) -> OperationResult:
    """Make a plan now and carry it out. Raises `RestoreRefused` if the plan is blocked."""
    row = _row(work.operation)
    with _open_source(work) as (ref, origin, request):
        made = _plan(work, ref, origin, request)
        if request.target == "live":
            return _to_live(work, row, Restore(ref, origin, made, request, work.tracker, work.tick))
        return _beside_live(work, row, origin, made, request)


def roll_back(work: Work) -> OperationResult:
    """Make the state before a restore live again."""
    restore, safety = str(work.operation.arguments["restore"]), bool(work.operation.arguments["safety_backup"])
    work.tracker.begin("backing up the live state" if safety else "rolling back")
    journal, notes = rollback(restore, safety_backup=safety, point_of_no_return=work.point_of_no_return)
    return OperationResult({"restore": str(journal.restore), "state": journal.state.value, "notes": notes})


def release_replaced(work: Work) -> OperationResult:
    """Delete the data that a restore replaced."""
    work.tracker.begin("deleting what was replaced")
    journal, notes = release(str(work.operation.arguments["restore"]))
    return OperationResult({"restore": str(journal.restore), "state": journal.state.value, "notes": notes})


def end_restore_row(operation: Operation, reason: str, *, cancelled: bool) -> None:
    """Write the end of a restore to its row, before that of its operation. Do nothing for other operations."""
    if operation.kind != OperationKind.RESTORE or operation.restore is None:
        return
    end = restore_cancel if cancelled else restore_fail
    # A restore that had begun has written its end itself. If the catalogue is unavailable now, recovery writes it.
    with contextlib.suppress(IllegalTransition, RestoreNotFound, LedgerUnavailable):
        end(operation.restore.uuid, reason, now=timezone.now())


def remove_partial_folder(operation: Operation) -> None:
    """Remove the partial folder of a failed restore to a folder. Do nothing for other operations."""
    if operation.kind != OperationKind.RESTORE or operation.restore is None:
        return
    request = RestoreRequest.from_json(operation.arguments)
    if request.target == "folder":
        discard(str(_partial_path(request.name, operation.restore.uuid)))


@contextlib.contextmanager
def _open_source(work: Work) -> Iterator[tuple[BackupRef, Origin, RestoreRequest]]:
    request = RestoreRequest.from_json(work.operation.arguments)
    work.tracker.begin("opening the backup")
    ref = _ref(request, work.operation.subject)
    with open_origin(ref) as origin:
        yield ref, origin, request


def _ref(request: RestoreRequest, subject: str) -> BackupRef:
    if request.upload is not None:
        return package_ref(upload_path(request.upload))
    job = None if request.backup is None else job_by_uuid(request.backup)
    if job is None or job.removal_started_at is not None:
        raise RequestRefused(f"The backup of {subject} has been removed since the request.")
    return job_ref(job)


def _plan(work: Work, ref: BackupRef, origin: Origin, request: RestoreRequest, *, tried: bool = False) -> Plan:
    work.tracker.begin("planning", total_bytes=sum(record.size for record in origin.manifest.data) or None)

    def progress(files: int, size: int) -> None:
        work.tracker.reached(files=files, bytes_done=size)
        work.tick()

    if request.target == "folder":
        return _blocked_without_room(plan_to_folder(ref, origin, request, _path_in_restore_root(request.name)))
    if request.target == "database":
        place = _database_place(origin, request.name)
        return _blocked_without_room(plan_to_database(ref, origin, request, place, progress=progress, tried=tried))
    safety = request.safety_backup and ledger_is_readable()
    return plan_restore(ref, origin, request, safety_backup=safety, progress=progress, tried=tried)


def _blocked_without_room(made: Plan) -> Plan:
    """Block a plan that would take the room of the next backups: by default restored folders lie on their disk."""
    disk = nearest_existing(conf.load().storage_root.resolve()).stat().st_dev
    for space in made.space:
        kept = next_backups_bytes() if Path(space.where).stat().st_dev == disk else 0
        if kept and space.needed + kept > space.available:
            made.blocking.append(
                f"{space.where} has {space.available:,} bytes free and {space.needed:,} are needed; {kept:,} stay free"
                " for the next backups. Make room, set BACKUP_RESTORE_ROOT to another disk, or restore on the command"
                " line"
            )
    return made


def _to_live(work: Work, row: RestoreJob, job: Restore) -> OperationResult:
    job.asked_for = row.uuid
    job.point_of_no_return = work.point_of_no_return
    result = job.run()
    return OperationResult({"restore": str(row.uuid), "replaced": result.replaced, "notes": result.notes})


def _beside_live(work: Work, row: RestoreJob, origin: Origin, made: Plan, request: RestoreRequest) -> OperationResult:
    if made.blocking:
        raise RestoreRefused("The restore is not possible: " + "; ".join(made.blocking))
    make_private_folder(conf.load().restore_root.resolve())
    began = timezone.now()
    restore_start(row.uuid, now=began, plan=made.to_json(), restore_type=made.restore_type)
    if request.target == "folder":
        notes = _to_folder(work, origin, made, _partial_path(request.name, row.uuid))
    else:
        notes = restore_to_database(origin, made, request, work.tracker, work.tick)
    now = timezone.now()
    phase = {"phase": "restoring", "started_at": began.isoformat(), "seconds": round((now - began).total_seconds(), 3)}
    restore_phases(row.uuid, [phase], log=notes)
    restore_complete(row.uuid, now=now, rollback_state=RollbackState.NONE, counts=made.counts)
    return OperationResult({"restore": str(row.uuid), "place": made.to_folder or made.to_database, "notes": notes})


def _to_folder(work: Work, origin: Origin, made: Plan, partial: Path) -> list[str]:
    """Restore to a folder with a temporary name, and rename it when it is complete."""
    partial.mkdir(mode=0o700)
    notes = restore_to_folder(origin, dataclasses.replace(made, to_folder=str(partial)), work.tracker, work.tick)
    partial.chmod(0o700)
    try:
        partial.rename(made.to_folder)
    except OSError as error:
        raise RestoreRefused(f"{made.to_folder} cannot be made: {error.strerror}; choose another name.") from error
    return notes


def _path_in_restore_root(name: str) -> Path:
    """Return the path of a name in the folder for restores. Raises `RestoreRefused` if it leads out of the folder."""
    root = conf.load().restore_root.resolve()
    place = root / name
    if place.parent != root or place.resolve() != place:
        raise RestoreRefused(f"{name!r} leads out of {root}; choose another name.")
    return place


def _partial_path(name: str, restore: uuid.UUID) -> Path:
    return _path_in_restore_root(f".{name}.{restore.hex[:8]}.partial")


def _database_place(origin: Origin, name: str) -> str:
    """Return the name of a server's new database; for a database in a file the path of the new file."""
    manifest = origin.manifest
    aliases = [*(one.alias for one in manifest.databases), *(one.alias for one in manifest.data)]
    if any(alias in connections.settings and not isinstance(engine_of(alias), ServerEngine) for alias in aliases):
        return str(_path_in_restore_root(name))
    return name


def _row(operation: Operation) -> RestoreJob:
    if operation.restore is None:
        raise RequestRefused("The requested restore is not in the catalogue any more; request it again.")
    return operation.restore
