"""Check the environment: settings, passphrase, client programs, and restores that were interrupted."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings as project
from django.contrib.auth import get_user_model
from django.db import Error as DatabaseFailure
from django.db import connections, router

from strongroom.passphrase import SOURCES, passphrase_source

from .. import conf
from ..core.application_hold import FOLDER, can_see_hold, has_hold_middleware
from ..core.server_errors import advice_for, server_message
from ..errors import SettingsInvalid
from ..ledger import ledger_alias
from ..restores import RestoreRefused, access_models, interrupted_restores
from ..sources.databases import database_aliases
from ..sources.engines.registry import DATABASE_ENGINES
from ..sources.errors import ClientMissing, SourceRefused
from .findings import Finding, critical, warning


def settings_findings() -> list[Finding]:
    """W001: the settings are missing or wrong. No other check can run then."""
    try:
        conf.load()
        access_models()
    except SettingsInvalid as error:
        return [critical(1, "settings", str(error), "Correct the settings of the project.")]
    return []


def setting_path_findings() -> Iterator[Finding]:
    """W050: a setting names a path that does not exist, or a path relative to the working folder of each process."""
    yield from _relative_findings()
    settings = conf.load()
    for name, path in settings.file_roots.items():
        if not path.is_dir():
            what = (
                f"BACKUP_FILE_ROOTS names the folder {path}, which"
                f" {'is not a folder' if path.exists() else 'does not exist'}."
            )
            yield critical(50, f"file root {name}", what, f"{_near(path)}Mount its disk, or correct the setting.")
    for path in settings.fact_files:
        if not path.exists():
            what = f"BACKUP_FACT_FILES names the file {path}, which does not exist."
            yield critical(50, f"fact file {path.name}", what, f"{_near(path)}Create it, or correct the setting.")


def _relative_findings() -> Iterator[Finding]:
    places = {"MEDIA_ROOT": str(project.MEDIA_ROOT or "")}
    for wrapper in connections.all():
        engine = DATABASE_ENGINES.get(wrapper.vendor)
        if engine is not None and (name := engine.named_file(wrapper.alias)):
            places[f"DATABASES[{wrapper.alias!r}]['NAME']"] = name
    for label, place in places.items():
        if place and not os.path.isabs(place):  # noqa: PTH117  as it is written
            yield warning(
                50,
                label,
                f"{label} is {place!r}, which is relative to the working folder of each process: cron or a restore"
                " may use another place than the web server.",
                "Use an absolute path, such as BASE_DIR / ….",
            )


def _near(path: Path) -> str:
    """Suggest the existing path that was probably meant, to make a typing error easy to find."""
    folder = path.parent
    # Without permission to list the folder there is no suggestion, but the finding is still reported.
    names = [one.name for one in folder.iterdir()] if folder.is_dir() and os.access(folder, os.R_OK | os.X_OK) else []
    found = difflib.get_close_matches(path.name, names, n=1)
    return f"Did you mean {folder / found[0]}? " if found else ""


def ledger_findings() -> Iterator[Finding]:
    """W024: the catalogue is not in the database of the users, to whom its rows refer."""
    ledger, users = ledger_alias(), router.db_for_write(get_user_model())
    if ledger != users:
        yield critical(
            24,
            "DATABASE_ROUTERS",
            f"They put the tables of the backup app into the database {ledger!r}, and the users into {users!r}.",
            "Route both to the same database.",
        )


def passphrase_findings() -> list[Finding]:
    """W002: no passphrase is set."""
    if passphrase_source() is not None:
        return []
    hint = f"Set one of {', '.join(SOURCES)} in the environment."
    return [critical(2, "passphrase", "No passphrase is set: encrypted backups are refused.", hint)]


def client_findings(*, ask_servers: bool) -> Iterator[Finding]:
    """W004: the client programs of a database are missing or, with `ask_servers`, older than its server."""
    for wrapper in connections.all():
        engine = DATABASE_ENGINES.get(wrapper.vendor)
        if engine is None or not engine.needs_client:
            continue
        try:
            engine.require_client(wrapper, ask_server=ask_servers)
        except ClientMissing as error:
            yield critical(4, f"database {wrapper.alias}", error.what, error.helps)
        except DatabaseFailure as error:
            what = f"Cannot read the version of its server: {server_message(error)}."
            yield critical(4, f"database {wrapper.alias}", what, advice_for(error))
        if not ask_servers:
            return


def kind_findings() -> Iterator[Finding]:
    """W019: no backup type supports a database of this kind."""
    try:
        database_aliases(portable=True)
    except SourceRefused as error:
        hint = "Move it to a supported database. Until then, every backup of databases is refused."
        yield critical(19, "databases", str(error), hint)


def restore_findings() -> list[Finding]:
    """W005: a restore was interrupted, or its journal cannot be read."""
    hint = "Run `manage.py restore_backup --list`: it completes or undoes the restore."
    try:
        return [
            warning(5, f"restore {journal.restore}", f"The restore {journal.restore} was interrupted.", hint)
            for journal in interrupted_restores()
        ]
    except RestoreRefused as error:
        return [warning(5, "restores", str(error), "No restore can start as long as this file is there.")]


def middleware_findings() -> Iterator[Finding]:
    """W042: the middleware that blocks writes during a restore cannot see the block."""
    root = conf.load().storage_root
    if has_hold_middleware() and not can_see_hold(root):
        yield warning(
            42,
            "MIDDLEWARE",
            f"HoldWrites cannot read {root / FOLDER}, where a restore tells the application to wait.",
            f"Let this user read {root} and enter {root / FOLDER}, or remove HoldWrites from MIDDLEWARE.",
        )
