"""Plan a restore: its effects, its obstacles and the warnings. Nothing is changed."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from django.apps import apps
from django.db import connections

from ...backups.references import BackupRef
from ...conf import load
from ...core.manifest import DatabaseRecord, DataRecord, FileRootRecord, Manifest
from ...core.mounts import is_mount, mounts_below
from ...core.paths import path_of, text_of
from ...errors import RestoreRefused
from ...ledger import ledger_alias
from ...models import BackupJob, RestoreType
from ...policies.restore_request import RestoreRequest
from ...sources.file_references import reference_fields
from ...sources.files import FileRoot, file_roots, never_captured_in, stays_inside
from ...sources.migrations import code_knows, code_leaves, newer_code
from ...sources.project_facts import same_secret, secret_names
from ...sources.project_folders import inside_any
from ..backup_source import Origin, Progress
from ..engines.contract import ServerEngine
from ..engines.registry import OBJECT_DUMPS, engine_of
from ..safety_backup import safety_obstacle
from .access import note_later_comparison, plan_access
from .databases import plan_data, plan_database
from .differences import find_differences
from .plan import Plan, Replacement, nearest_existing, require_writable
from .space import plan_space
from .tables import plan_tables
from .trial import try_rows

_MOST_NAMED: Final = 20


def chosen_databases(manifest: Manifest, only: str) -> list[DatabaseRecord]:
    """Return the dumps of databases to restore."""
    return [] if only == "files" else manifest.databases


def chosen_data(manifest: Manifest, only: str) -> list[DataRecord]:
    """Return the databases in portable form to restore."""
    return [] if only == "files" else manifest.data


def chosen_roots(manifest: Manifest, only: str) -> list[FileRootRecord]:
    """Return the file roots to restore."""
    return [] if only == "database" else manifest.files


def content_counts(manifest: Manifest, only: str = "") -> dict[str, int]:
    """Return the numbers of databases, rows and files that are restored."""
    databases, data = chosen_databases(manifest, only), chosen_data(manifest, only)
    roots = chosen_roots(manifest, only)
    sizes = [record.size for record in databases] + [record.size for record in data] + [root.bytes for root in roots]
    return {
        "databases": len(databases) + len(data),
        "files": sum(root.files for root in roots),
        "bytes": sum(sizes),
    }


def live_roots() -> dict[str, FileRoot]:
    """Return the file roots of this project, by name."""
    return {root.name: root for root in file_roots(reference_fields(load().reference_fields))}


def plan_restore(
    ref: BackupRef,
    origin: Origin,
    request: RestoreRequest,
    *,
    safety_backup: bool,
    progress: Progress,
    tried: bool = False,
) -> Plan:
    """Plan a restore to the live system. Obstacles are in `blocking`; they raise no error.

    Each value of a database in portable form is read; `progress` is called meanwhile. With `tried`, its rows are also
    loaded into a database beside the live one, which is removed again: this finds what the database refuses. A restore
    that follows at once does the same itself before it replaces anything.
    """
    manifest = origin.manifest
    databases, roots = chosen_databases(manifest, request.only), chosen_roots(manifest, request.only)
    data = chosen_data(manifest, request.only)
    if not databases and not data and not roots:
        raise RestoreRefused(f"{ref} holds nothing of what is to be restored ({request.only or 'database and files'}).")
    require_leave_out(manifest, request)
    plan = _begin(ref, origin, request)
    plan.warnings = [*_not_in_it(manifest, request), *plan.warnings]
    needed: dict[Path, int] = {}
    for record in databases:
        plan_database(plan, origin, record, needed=needed, leave_out=request.leave_out)
    for rows in data:
        plan_data(plan, origin, rows, needed=needed, leave_out=request.leave_out, progress=progress)
    for root in roots:
        _plan_root(plan, root, needed)
    plan.blocking += origin.lost()
    plan_space(plan, needed)
    _compare_versions(plan.blocking, plan, manifest, databases)
    _compare_secrets(plan, manifest)
    _name_fact_files(plan, manifest)
    _plan_ledger(plan, [*databases, *data])
    if databases or data:
        plan_access(plan, ref, manifest, request.drop_access)
    if roots and manifest.references.excluded:
        plan.warnings.append(
            f"{manifest.references.excluded} files that the rows name were left out of the backup by its configuration:"
            " the restore takes them out of the live folders, to what is kept until the release"
        )
    plan.safety_backup = safety_backup
    if safety_backup:
        plan.blocking += safety_obstacle(ref.place)
    else:
        plan.warnings.append("no backup of the live state is taken first; what is replaced is kept for rollback")
    if tried:
        there = {(one.kind, one.name) for one in plan.replacements if one.exists}
        records: list[DatabaseRecord | DataRecord] = [*databases, *data]
        records = [one for one in records if ("database", one.alias) in there]
        live = live_roots()
        pairs = [(one, live[one.name]) for one in roots if ("files", one.name) in there]
        plan.differences = find_differences(origin, records, pairs, progress=progress)
    if tried and data and not plan.blocking:
        try_rows(plan, origin, data, leave_out=request.leave_out, progress=progress)
    else:
        note_later_comparison(plan)
    return plan


def require_leave_out(manifest: Manifest, request: RestoreRequest) -> None:
    """Raise `RestoreRefused` if the backup allows no leaving out, or lacks what the user wants to leave out."""
    dumped = any(record.engine in OBJECT_DUMPS for record in manifest.databases)
    if request.leave_out and not manifest.data and not dumped:
        raise RestoreRefused(
            "Tables are left out of a portable package, and objects out of a database of PostgreSQL; this backup holds"
            " neither. Leave --leave-out away."
        )
    tables = sorted(one for one in request.leave_out if one.startswith(("table:", "schema:", "sequence:")))
    if tables and dumped:
        raise RestoreRefused(f"{tables[0]!r} cannot be left out: it holds what was backed up, or is where that lies.")


def _begin(ref: BackupRef, origin: Origin, request: RestoreRequest) -> Plan:
    manifest = origin.manifest
    plan = Plan(
        backup=str(ref),
        backup_job=manifest.job.uuid,
        restore_type=_restore_type(manifest, request).value,
        taken_at=manifest.cut_at.isoformat(),
        paths=sorted(request.paths),
        tables=sorted(request.tables),
        counts=content_counts(manifest, request.only),
    )
    plan.warnings += [*ref.notes, *origin.notes]
    if manifest.problems:
        plan.warnings.append(f"the backup is INCOMPLETE: {manifest.problems} things were missing when it was taken")
    return plan


def _not_in_it(manifest: Manifest, request: RestoreRequest) -> Iterator[str]:
    """Yield the requested parts that are not in the backup, so that a part is not taken for the whole."""
    if not request.only:
        if not manifest.files and live_roots():
            yield "THE FILES ARE NOT IN THIS BACKUP: the restore brings back the database alone"
        if not manifest.databases and not manifest.data:
            yield "THE DATABASE IS NOT IN THIS BACKUP: the restore brings back the files alone"


def _restore_type(manifest: Manifest, request: RestoreRequest) -> RestoreType:
    if request.paths or request.tables:
        return RestoreType.SELECTIVE_RESTORE
    databases = chosen_databases(manifest, request.only) or chosen_data(manifest, request.only)
    if not chosen_roots(manifest, request.only):
        return RestoreType.DATABASE_RESTORE
    return RestoreType.FULL_RESTORE if databases else RestoreType.FILES_RESTORE


def plan_to_folder(ref: BackupRef, origin: Origin, request: RestoreRequest, folder: Path) -> Plan:
    """Plan a restore of the backup's tree, or of some paths of it, into an empty folder; nothing live is involved."""
    plan = _begin(ref, origin, request)
    plan.to_folder = str(folder)
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        plan.blocking.append(f"{folder} is not a folder; give an empty one or one that does not exist")
    elif folder.is_dir() and any(folder.iterdir()):
        plan.blocking.append(f"{folder} is not empty; give an empty folder or one that does not exist")
    plan.warnings += origin.lost()
    if request.paths:
        _plan_paths(plan, origin, request.paths)
    plan_space(plan, {folder: plan.counts["bytes"]})
    return plan


def _plan_paths(plan: Plan, origin: Origin, paths: frozenset[str]) -> None:
    found = origin.measure(frozenset(map(path_of, paths)))
    plan.counts = {"databases": 0, "files": found.files, "bytes": found.size}
    plan.blocking += [
        f"there is no {text_of(path)!r} in the backup; give paths as the list of its files shows them, in the console"
        f" or at jobs/{plan.backup_job}/files/?search=… of the API, such as files/media/2026/a.pdf"
        for path in found.missing
    ]


def _plan_root(plan: Plan, root: FileRootRecord, needed: dict[Path, int]) -> None:
    live = live_roots().get(root.name)
    if live is None:
        plan.blocking.append(
            f"the backup has files of a root {root.name!r} (it was {root.path}), the settings have none of that name;"
            " add it to BACKUP_FILE_ROOTS"
        )
        return
    stays = stays_inside(live.path)
    untouched = [live.path / stay for stay in stays]
    inside = [str(place) for place in mounts_below(live.path) if not inside_any(place, untouched)]
    if inside:
        plan.blocking.append(
            f"the file root {root.name!r} ({live.path}) has mounts inside ({', '.join(inside)}), which would go with"
            " what is replaced; unmount them, restore with --only database, or with --to-folder and put the files where"
            " they belong by hand"
        )
    parent = live.path if stays or is_mount(live.path) else live.path.parent
    notes = [f"replaced around {what}" for what in never_captured_in(live)]
    plan.replacements.append(Replacement("files", root.name, str(live.path), live.path.exists(), root.bytes, notes))
    needed[parent] = needed.get(parent, 0) + root.bytes
    for folder in dict.fromkeys(map(nearest_existing, [parent, *(path.parent for path in untouched)])):
        require_writable(plan, folder)


def plan_to_database(
    ref: BackupRef, origin: Origin, request: RestoreRequest, place: str, *, progress: Progress, tried: bool = False
) -> Plan:
    """Plan a restore of the only database of a backup into a new one, which stays; nothing live is involved.

    `place` is the name of the new database on the same server, or the path of a new SQLite file. `tried` is as for
    `plan_restore`.
    """
    manifest = origin.manifest
    aliases = [*(one.alias for one in manifest.databases), *(one.alias for one in manifest.data)]
    if len(aliases) != 1:
        raise RestoreRefused(f"{ref} does not hold exactly one database; --to-database is for one.")
    require_leave_out(manifest, request)
    plan = _begin(ref, origin, dataclasses.replace(request, only="database"))
    if aliases[0] in connections.settings and not isinstance(engine_of(aliases[0]), ServerEngine):
        place = str(Path(place).absolute())
    plan.to_database = place
    plan_tables(plan, manifest, request.tables)
    needed: dict[Path, int] = {}
    for record in manifest.databases:
        plan_database(plan, origin, record, needed=needed, leave_out=request.leave_out, place=place)
    for rows in manifest.data:
        plan_data(plan, origin, rows, needed=needed, leave_out=request.leave_out, progress=progress, place=place)
    plan.blocking += origin.lost()
    plan_space(plan, needed)
    # The live system stays: the code that fits the new database may run elsewhere.
    _compare_versions(plan.warnings, plan, manifest, manifest.databases)
    _compare_secrets(plan, manifest)
    plan.ledger = "stays as it is"
    if tried and manifest.data and not plan.blocking:
        try_rows(plan, origin, manifest.data, leave_out=request.leave_out, progress=progress)
    return plan


def _compare_versions(
    obstacles: list[str], plan: Plan, manifest: Manifest, databases: Sequence[DatabaseRecord]
) -> None:
    """Compare the migrations of the backup with the code; a backup of newer code is added to `obstacles`.

    A migration that the code lacks is no sign of newer code if all migrations in the code at the time of the backup
    exist here: it was then left over from one that was squashed or deleted.
    """
    code, known = code_leaves(), code_knows()
    theirs = manifest.project.code_migrations
    newer = {app for app, names in theirs.items() if any((app, name) not in known for name in names)}
    lacking: list[str] = []
    for record in databases:
        for app, applied in sorted(record.migrations.items()):
            unknown = [f"{app}.{name}" for name in applied if (app, name) not in known]
            if app not in code:
                plan.warnings.append(f"the backup has tables of the app {app!r}, which the code does not have")
            elif unknown and app in newer:
                lacking += unknown
            elif unknown:
                plan.warnings.append(
                    f"the backup names {', '.join(unknown)}, which its own code did not have any more; the code here is"
                    " not older than that"
                )
            elif sorted(code[app]) != applied:
                plan.warnings.append(
                    f"the app {app!r} is at {', '.join(applied)} in the backup and at {', '.join(sorted(code[app]))} in"
                    " the code; run migrate afterwards, or use the code of the backup's time"
                )
    if lacking:
        obstacles.append(newer_code("backup", lacking[:_MOST_NAMED]))


def _compare_secrets(plan: Plan, manifest: Manifest) -> None:
    recorded, ours = {secret.name: secret for secret in manifest.secrets}, secret_names()
    plan.warnings += [
        f"the secret {name} is not the one that was in use at the backup"
        for name in ours
        if name in recorded and not same_secret(recorded[name])
    ]
    others = sorted(recorded.keys() - set(ours))
    if others:
        plan.warnings.append(
            f"{', '.join(others[:_MOST_NAMED])}: secrets of the backup that BACKUP_SECRETS here does not name, and that"
            " were not compared"
        )


def _name_fact_files(plan: Plan, manifest: Manifest) -> None:
    """Add a note on missing files of BACKUP_FACT_FILES: the user puts them back, as another machine may have others."""
    gone = [path for path in load().fact_files if not os.path.lexists(path)]
    if gone and manifest.fact_files:
        plan.warnings.append(
            f"{', '.join(map(str, gone[:_MOST_NAMED]))} of BACKUP_FACT_FILES: not there, and not put back by a restore"
            f" of the live system; `restore_backup … --to-folder FOLDER --path project` gives what the backup has"
            f" ({', '.join(manifest.fact_files[:_MOST_NAMED])})"
        )


def _plan_ledger(plan: Plan, databases: Sequence[DatabaseRecord | DataRecord]) -> None:
    alias = ledger_alias()
    record = next((one for one in databases if one.alias == alias), None)
    if record is None:
        plan.ledger = "stays as it is"
        return
    if isinstance(record, DataRecord):
        # The migrations of the code make the catalogue's tables.
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
