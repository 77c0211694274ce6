"""The plan of a restore: what would happen, whether it can, and what to think of before. Nothing is touched."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from django.apps import apps
from django.db import connections

from ..conf import load
from ..errors import BackupError
from ..ledger import ledger_alias
from ..manifest import DatabaseRecord, DataRecord, FileRootRecord, Manifest
from ..models import BackupJob, RestoreType
from ..references import BackupRef
from ..sources import sqlite
from ..sources.cut import database_aliases
from ..sources.files import FileRoot, file_roots
from ..sources.migrations import code_leaves
from ..sources.named_files import reference_fields
from ..sources.project import same_secret
from . import stage_mysql, stage_postgresql
from .errors import RestoreRefused
from .origin import Origin, Progress
from .portable_plan import look_at_schema, look_at_values
from .servers import ServerCheck

ONLY: Final = ("database", "files")
_MARGIN: Final = 4 * 1024 * 1024
CHECK_RIGHTS: Final[Mapping[str, Callable[[str], ServerCheck]]] = {
    "mysql": stage_mysql.check_server,
    "postgresql": stage_postgresql.check_rights,
}
"""By the kind of database: whether its server can be given another database."""


@dataclass(frozen=True)
class Replacement:
    """One thing that the restore replaces. Sizes are bytes; `size` is None where it is not known before."""

    kind: str
    name: str
    live: str
    exists: bool
    size: int | None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Space:
    """Room on one file system."""

    where: str
    needed: int
    available: int


@dataclass
class Plan:
    """What a restore would do. It can be done when nothing is in `blocking`."""

    backup: str
    backup_job: str
    restore_type: str
    taken_at: str
    to_folder: str = ""
    replacements: list[Replacement] = field(default_factory=list)
    space: list[Space] = field(default_factory=list)
    ledger: str = ""
    safety_backup: bool = False
    blocking: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Choice:
    """What is to be restored of a backup: everything, or `only` its database or files; `leave_out` are tables."""

    only: str | None = None
    leave_out: frozenset[str] = frozenset()


def chosen_databases(manifest: Manifest, only: str | None) -> list[DatabaseRecord]:
    """The databases to restore."""
    return [] if only == "files" else manifest.databases


def chosen_data(manifest: Manifest, only: str | None) -> list[DataRecord]:
    """The databases in portable form to restore."""
    return [] if only == "files" else manifest.data


def chosen_roots(manifest: Manifest, only: str | None) -> list[FileRootRecord]:
    """The file roots to restore."""
    return [] if only == "database" else manifest.files


def content_bytes(manifest: Manifest) -> int:
    """How much a backup holds."""
    databases = sum(record.size for record in manifest.databases) + sum(record.size for record in manifest.data)
    return databases + sum(root.bytes for root in manifest.files)


def live_roots() -> dict[str, FileRoot]:
    """The file roots of this project, by name."""
    return {root.name: root for root in file_roots(reference_fields(load().reference_fields))}


def plan_restore(ref: BackupRef, origin: Origin, choice: Choice, *, safety_backup: bool, progress: Progress) -> Plan:
    """Plan a restore to the live system; what forbids it is in `blocking`, nothing is raised for it.

    Every value of a database in portable form is read for it: `progress` tells how far that is.
    """
    manifest = origin.manifest
    databases, roots = chosen_databases(manifest, choice.only), chosen_roots(manifest, choice.only)
    data = chosen_data(manifest, choice.only)
    if not databases and not data and not roots:
        raise RestoreRefused(f"{ref} holds nothing of what is to be restored ({choice.only or 'database and files'}).")
    plan = _begin(ref, manifest, bool(databases or data), bool(roots))
    needed: dict[Path, int] = {}
    for record in databases:
        _plan_database(plan, record, needed)
    for rows in data:
        _plan_data(plan, origin, rows, needed=needed, leave_out=choice.leave_out, progress=progress)
    for root in roots:
        _plan_root(plan, root, needed)
    _plan_space(plan, needed)
    _compare_versions(plan, databases)
    _compare_secrets(plan, manifest)
    _plan_ledger(plan, [*databases, *data])
    plan.safety_backup = safety_backup
    if not safety_backup:
        plan.warnings.append("no backup of the live state is taken first; what is replaced is kept for rollback")
    return plan


def _begin(ref: BackupRef, manifest: Manifest, databases: bool, roots: bool) -> Plan:
    kinds = {
        (True, True): RestoreType.FULL_RESTORE,
        (True, False): RestoreType.DATABASE_RESTORE,
        (False, True): RestoreType.FILES_RESTORE,
    }
    plan = Plan(
        backup=str(ref),
        backup_job=manifest.job.uuid,
        restore_type=kinds[databases, roots].value,
        taken_at=manifest.cut_at.isoformat(),
    )
    plan.warnings += ref.notes
    if manifest.problems:
        plan.warnings.append(f"the backup is INCOMPLETE: {manifest.problems} things were missing when it was taken")
    return plan


def plan_to_folder(ref: BackupRef, manifest: Manifest, folder: Path) -> Plan:
    """Plan a restore of the backup's tree into an empty folder; nothing live is involved."""
    plan = _begin(ref, manifest, bool(manifest.databases or manifest.data), bool(manifest.files))
    plan.to_folder = str(folder)
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        plan.blocking.append(f"{folder} is not a folder; give an empty one or one that does not exist")
    elif folder.is_dir() and any(folder.iterdir()):
        plan.blocking.append(f"{folder} is not empty; give an empty folder or one that does not exist")
    _plan_space(plan, {folder: content_bytes(manifest)})
    return plan


def _plan_database(plan: Plan, record: DatabaseRecord, needed: dict[Path, int]) -> None:
    if record.alias not in database_aliases():
        plan.blocking.append(f"the backup has a database {record.alias!r}, the settings have none; add it to DATABASES")
        return
    connection = connections[record.alias]
    if connection.vendor != record.engine:
        plan.blocking.append(
            f"the database {record.alias!r} is {connection.vendor} here and was {record.engine} in the backup;"
            f" point DATABASES at {record.engine}"
        )
        return
    try:
        if record.engine == sqlite.ENGINE:
            live = sqlite.database_path(record.alias, connection.settings_dict)
            plan.replacements.append(Replacement("database", record.alias, str(live), live.exists(), record.size))
            needed[live.parent] = needed.get(live.parent, 0) + record.size
            _require_writable(plan, live.parent)
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


def _plan_data(
    plan: Plan,
    origin: Origin,
    record: DataRecord,
    *,
    needed: dict[Path, int],
    leave_out: frozenset[str],
    progress: Progress,
) -> None:
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
            _require_writable(plan, live.parent)
            if live.exists():
                plan.warnings.append("stop the application first: it would go on writing into the old SQLite file")
        else:
            check = CHECK_RIGHTS[connection.vendor](record.alias)
            plan.blocking += check.blocking
            plan.warnings += check.warnings
            notes.append(check.server)
            plan.replacements.append(
                Replacement("database", record.alias, check.database, check.exists, record.size, notes)
            )
        obstacles = look_at_schema(origin.manifest, record, leave_out)
        plan.warnings += obstacles.warnings
        plan.blocking += obstacles.blocking
        if not obstacles.blocking:
            plan.blocking += look_at_values(origin, record, leave_out, progress)
    except BackupError as error:
        plan.blocking.append(str(error))


def _plan_root(plan: Plan, root: FileRootRecord, needed: dict[Path, int]) -> None:
    live = live_roots().get(root.name)
    if live is None:
        plan.blocking.append(
            f"the backup has files of a root {root.name!r} (it was {root.path}), the settings have none of that name;"
            " add it to BACKUP_FILE_ROOTS"
        )
        return
    parent = live.path if os.path.ismount(live.path) else live.path.parent
    plan.replacements.append(Replacement("files", root.name, str(live.path), live.path.exists(), root.bytes))
    needed[parent] = needed.get(parent, 0) + root.bytes
    _require_writable(plan, parent)


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _require_writable(plan: Plan, folder: Path) -> None:
    if not os.access(_existing(folder), os.W_OK | os.X_OK):
        plan.blocking.append(f"{_existing(folder)} may not be written by this user; run as its owner")


def _plan_space(plan: Plan, needed: dict[Path, int]) -> None:
    by_device: dict[int, tuple[Path, int]] = {}
    for folder, size in needed.items():
        place = _existing(folder)
        device = place.stat().st_dev
        where, sum_so_far = by_device.get(device, (place, 0))
        by_device[device] = (where, sum_so_far + size)
    for where, size in by_device.values():
        status = os.statvfs(where)
        available = status.f_bavail * status.f_frsize
        plan.space.append(Space(str(where), size, available))
        if size + size // 50 + _MARGIN > available:
            plan.blocking.append(
                f"{where} has {available:,} bytes free and {size:,} are needed beside what is there; make room"
            )


def _compare_versions(plan: Plan, databases: Sequence[DatabaseRecord]) -> None:
    code = code_leaves()
    for record in databases:
        for app, applied in sorted(record.migrations.items()):
            if app not in code:
                plan.warnings.append(f"the backup has tables of the app {app!r}, which the code does not have")
            elif sorted(code[app]) != applied:
                plan.warnings.append(
                    f"the app {app!r} is at {', '.join(applied)} in the backup and at {', '.join(sorted(code[app]))} in"
                    " the code; run migrate afterwards, or use the code of the backup's time"
                )


def _compare_secrets(plan: Plan, manifest: Manifest) -> None:
    for secret in manifest.secrets:
        if not same_secret(secret):
            plan.warnings.append(f"the secret {secret.name} is not the one that was in use at the backup")


def _plan_ledger(plan: Plan, databases: Sequence[DatabaseRecord | DataRecord]) -> None:
    alias = ledger_alias()
    record = next((one for one in databases if one.alias == alias), None)
    if record is None:
        plan.ledger = "stays as it is"
        return
    if isinstance(record, DataRecord):
        # Its tables are made by the code's migrations.
        plan.ledger = "is carried over if the live one can be read, else made again from the repositories"
        return
    tables = {table.rpartition(".")[2] for table in record.tables}
    ours = {model._meta.db_table for model in apps.get_app_config(BackupJob._meta.app_label).get_models()}
    if ours <= tables:
        plan.ledger = "is carried over if the live one can be read, else made again from the repositories"
    else:
        plan.ledger = "cannot be carried over"
        plan.warnings.append(
            "the backup's database has not all tables of the backup system: run migrate and backup_catalogue --rebuild"
            " after the restore"
        )
