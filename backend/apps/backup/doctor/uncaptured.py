"""Check for files of the host project in no file root: files that rows name, and folders that settings name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
from django.apps import apps

from .. import conf, selectors
from ..core.cache import TtlCache
from ..core.manifest import OutsideColumn, OutsideFacts
from ..errors import SettingsInvalid
from ..sources.databases import database_aliases
from ..sources.errors import SourceRefused
from ..sources.file_references import reference_fields
from ..sources.files import database_files, file_roots, storages
from ..sources.project_folders import base_dir, inside_any, is_code, is_hidden, not_backed_up, without_documents
from ..sources.settings_paths import folders_in_settings, key_files_in_settings
from ..sources.uncaptured_files import columns_outside, still_outside
from .findings import Finding, critical, warning
from .settings_to_paste import expression, with_fields, with_name, with_roots

_PASSING: Final = re.compile(
    r"(^|[^a-z])(caches?|logs?|logging|tmp|temp|scratch|locks?|run|pids?|sockets?)($|[^a-z])", re.IGNORECASE
)
"""Names of settings and folders whose content need not be kept."""
_OF_ALL: Final = frozenset(
    {"/", "/home", "/media", "/mnt", "/opt", "/root", "/srv", "/tmp", "/var", "/var/lib", "/var/www"}  # noqa: S108
)
_OF_PROGRAMS: Final = tuple(map(Path, ("/usr", "/var/cache", "/var/log", "/var/run", "/var/tmp")))  # noqa: S108
_OF_AUTHORITIES: Final = (Path("/etc/ssl"), Path("/etc/pki"), Path("/etc/ca-certificates"))
_KEPT_SECONDS: Final = 3600.0
"""How long the console reuses a result, so that it does not read all rows again; each backup reads them anyway."""
_LOOKED_AT: Final = 1000
"""How many entries of a folder are examined to find one file."""


def column_findings(*, deep: bool) -> Iterator[Finding]:
    """W043: the values of a column name files in no file root.

    The newest backup of a database has found them, and the current settings do not include them. With `deep`, or if
    no backup has looked, the values are read now.
    """
    try:
        found = _found(deep=deep)
        columns = [one for one in found.columns if still_outside(one)]
        held = _held()
    except (SourceRefused, SettingsInvalid):
        return  # the protection status reports it
    for one in columns:
        yield critical(
            43,
            one.label,
            f"{one.outside} of {one.sampled} sampled values name files in no file root, such as"
            f" {', '.join(one.examples[:2])}. No backup holds them.",
            _advice(columns, held),
        )
    for what in found.unread:
        yield warning(
            43,
            what.partition(": ")[0],
            f"Its values could not be read: {what.partition(': ')[2]}.",
            "Run `backup_health --deep`, which reads them again. If the rows name no files, acknowledge this finding.",
        )


def _found(*, deep: bool) -> OutsideFacts:
    if deep:
        _looked.forget()
        return _looked.get("all")
    job = selectors.job_with_rows_newest()
    if job is None or "outside" not in job.manifest:
        return _looked.get("all")
    return msgspec.convert(job.manifest["outside"], OutsideFacts)


_looked: TtlCache[str, OutsideFacts] = TtlCache(
    lambda _key, _now: columns_outside(database_aliases(portable=True)), seconds=_KEPT_SECONDS
)


def _advice(columns: Sequence[OutsideColumn], held: Sequence[Path]) -> str:
    """Return one hint for all columns: settings pasted for each finding alone would overwrite each other."""
    folders = dict.fromkeys(Path(folder) for one in columns for folder in one.folders)
    lines = [with_roots([folder for folder in folders if not inside_any(folder, held)])]
    bases = {one.label: Path(one.base) for one in columns if one.base}
    lines += [with_fields(bases)] if bases else []
    # For example, the values of an import log point to files that are gone after a while.
    past = [one.label for one in columns if one.base and one.outside < one.sampled]
    return (
        f"Set {' and '.join(f'`{line}`' for line in lines)}, and run a FULL backup."
        + (
            f" Not all values of {', '.join(past)} lead to such files. If that is expected, leave it out of"
            " BACKUP_REFERENCE_FIELDS, because a missing file makes each backup INCOMPLETE."
            if past
            else ""
        )
        + " If these files are left out on purpose, add their folder to BACKUP_NOT_BACKED_UP."
    )


def folder_findings() -> Iterator[Finding]:
    """W046: a folder in the host's settings holds files and is in no file root."""
    try:
        held = _held()
    except (SourceRefused, SettingsInvalid):
        return
    found = [(label, path) for label, path in folders_in_settings() if _matters(label, path, held)]
    named: set[Path] = set()
    for label, path in found:
        if path in named or inside_any(path, [other for _, other in found if other != path]):
            continue
        named.add(path)
        yield warning(
            46,
            label,
            f"The folder {path} holds files and is in no file root: no backup has it.",
            f"Add `{with_name(path)}` to BACKUP_FILE_ROOTS. If it is left out on purpose, or can be rebuilt, add"
            f" `{expression(path)}` to BACKUP_NOT_BACKED_UP, and list what must be rebuilt in"
            " BACKUP_REBUILD_AFTER_RESTORE.",
        )


def key_findings() -> Iterator[Finding]:
    """W046: a key file in the host's settings is in no backup. Data encrypted with it cannot be opened without it."""
    try:
        held = [*_held(), *(Path(os.path.realpath(path)) for path in conf.load().fact_files)]
    except (SourceRefused, SettingsInvalid):
        return
    for label, path in key_files_in_settings():
        if not inside_any(path, [*held, *_OF_PROGRAMS, *_OF_AUTHORITIES]):
            yield warning(
                46,
                label,
                f"The file {path} is in no file root: no backup has it.",
                f"Add `{expression(path)}` to BACKUP_FACT_FILES, which encrypted backups include. If there is a copy"
                " elsewhere, add it to BACKUP_NOT_BACKED_UP.",
            )


def _held() -> list[Path]:
    """List the folders that are backed up, or left out on purpose."""
    return [*(root.path for root in file_roots(reference_fields(conf.load().reference_fields))), *not_backed_up()]


def _matters(label: str, folder: Path, held: Sequence[Path]) -> bool:
    if not _is_of_host(folder) or inside_any(folder, [*held, *without_documents()]):
        return False
    if _PASSING.search(label) or _PASSING.search(folder.name) or is_hidden(folder) or is_code(folder):
        return False
    # A folder that contains code, file roots or the backups is a parent of the host project, not a part of it.
    above = [*held, *storages(), *(Path(os.path.realpath(one.path)) for one in apps.get_app_configs())]
    return not any(other.is_relative_to(folder) for other in above) and _holds_a_file(folder)


def _is_of_host(folder: Path) -> bool:
    """Return whether a folder may belong to the host project. Documents are often on a disk of their own.

    System folders, folders of programs, and parents of the project or of the user's home do not belong to it.
    """
    if str(folder) in _OF_ALL or inside_any(folder, _OF_PROGRAMS):
        return False
    base = base_dir()
    return not any(other.is_relative_to(folder) for other in (Path.home(), *([] if base is None else [base])))


def _holds_a_file(folder: Path) -> bool:
    """Return whether the folder has a file that is no live database; an unreadable folder has none."""
    # The prefixes also match the journal files beside a database.
    databases, seen = tuple(map(str, database_files().values())), 0
    for place, _, files in os.walk(folder):
        seen += 1 + len(files)
        if any(not os.path.join(place, name).startswith(databases) for name in files):  # noqa: PTH118
            return True
        if seen > _LOOKED_AT:
            return False
    return False
