"""Check that the backups hold every database and every file root of the project.

The type of a backup is only a request; its manifest lists the content. Patterns can leave out whole databases and
roots, and a project can get new ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from django.db.models import Q

from .. import conf
from ..errors import SettingsInvalid
from ..models import BackupConfiguration, BackupJob, BackupType
from ..selectors import TAKES_FILES, Latest, backups_verified, holds_database, holds_root
from ..services.policy_import import refusal_here
from ..sources.consistency_point import WITH_DATABASES, WITH_FILES
from ..sources.databases import database_aliases
from ..sources.errors import SourceRefused
from ..sources.file_references import reference_fields
from ..sources.files import Selection, file_roots
from .findings import Finding, critical, warning


def never_verified(absent: Q, *, now: datetime, since: datetime | None = None) -> str:
    """Name the databases and file roots without a verified good backup; empty if none is missing.

    Backups that meet the condition `absent` are not in their storage. Backups begun before `since` are too old.

    Raises `SourceRefused` and `SettingsInvalid` if the project makes every backup impossible.
    """
    fields = reference_fields(conf.load().reference_fields)
    databases = {alias: holds_database(alias) for alias in database_aliases(portable=True)}
    roots = {root.name: holds_root(root.name) for root in file_roots(fields)}
    if fields and not roots:
        # Rows can name files, but no folder is known: a backup that looked for files has found none.
        roots = {"": TAKES_FILES}
    missing = [
        _missing(databases, "the database", "the database", absent=absent, now=now, since=since),
        _missing(roots, "the files", "the file root", absent=absent, now=now, since=since),
    ]
    return " and of ".join(filter(None, missing))


def held_findings(scheduled: Sequence[BackupConfiguration], latest: Mapping[int, Latest]) -> Iterator[Finding]:
    """W038: no schedule's newest good backup holds a database or file root. W039: files that rows name are left out.

    For a schedule without a backup, its settings count.
    """
    try:
        parts = _parts()
    except (SourceRefused, SettingsInvalid):
        return  # the verdict says so
    held: set[str] = set()
    left_out: list[tuple[int | None, BackupConfiguration]] = []
    for row in scheduled:
        good = latest[row.pk].good
        wanted = {part for part in parts if _wants(row, part)}
        # Without a manifest nothing contradicts the settings.
        holds = wanted & _held(good) if good is not None and good.manifest else wanted
        held |= holds
        if good is not None and any(part.startswith("files/") for part in holds):
            left_out.append((_left_out(good), row))
    for part in parts:
        if scheduled and part not in held:
            kind, _, name = part.partition("/")
            subject = f"{'database' if kind == 'databases' else 'file root'} {name}"
            what = "It is not in the newest good backup of any schedule, or no schedule includes it any more."
            hint = "Check the type, `include` and `exclude` of the configurations, and run one that includes it."
            yield critical(38, subject, what, hint)
    yield from _excluded(left_out)


def type_findings(scheduled: Sequence[BackupConfiguration]) -> Iterator[Finding]:
    """W019: a schedule has a backup type that the databases of this project do not support."""
    for row in scheduled:
        refusal = refusal_here(row.backup_type)
        if refusal and not refusal_here(BackupType.EXPORT):
            hint = f"Run `manage.py manage_backup_configs --edit {row.name} --type EXPORT`."
            yield critical(19, row.name, f"Its type is {row.backup_type}, but {refusal}", hint)


def _excluded(left_out: Sequence[tuple[int | None, BackupConfiguration]]) -> Iterator[Finding]:
    """W039, from the number of files that rows name and a schedule leaves out; None if that was not compared."""
    hint = "Remove the pattern from `exclude`, or back these files up with another schedule."
    counted = [(count, row) for count, row in left_out if count is not None]
    if counted:
        count, row = min(counted, key=lambda one: (one[0], one[1].pk))
        if count:
            what = f"Its patterns leave out {count} files that rows name, and no other schedule includes them."
            yield critical(39, row.name, what, hint)
    elif left_out:
        what = "Its patterns leave out files. It includes no database, so these files are not compared with the rows."
        yield warning(39, left_out[0][1].name, what, f"Use the type FULL, whose jobs compare them. {hint}")


def _left_out(job: BackupJob) -> int | None:
    """Count the files that rows name and a backup leaves out; None for a backup of files alone, which reads no rows."""
    if job.manifest.get("databases") or not job.settings.get("exclude"):
        return int(job.manifest.get("references_excluded", 0))
    return None


def _parts() -> list[str]:
    """List the databases and file roots of the project, as paths in a backup."""
    fields = reference_fields(conf.load().reference_fields)
    databases = [f"databases/{alias}" for alias in database_aliases(portable=True)]
    return databases + [f"files/{root.name}" for root in file_roots(fields)]


def _held(job: BackupJob) -> set[str]:
    return {f"{kind}/{name}" for kind in ("databases", "files") for name in job.manifest.get(kind, {})}


def _wants(row: BackupConfiguration, part: str) -> bool:
    types = WITH_DATABASES if part.startswith("databases/") else WITH_FILES
    return row.backup_type in types and Selection(row.include, row.exclude).wants(part)


def _missing(wanted: Mapping[str, Q], every: str, one: str, *, absent: Q, now: datetime, since: datetime | None) -> str:
    """Name what no backup holds: `every` if all of the kind is missing, else `one` and the names; empty if nothing."""
    verified = backups_verified(wanted, absent=absent, now=now, since=since)
    names = [name for name in wanted if name not in verified]
    if not names:
        return ""
    return every if len(names) == len(wanted) else f"{one} {', '.join(map(repr, names))}"
