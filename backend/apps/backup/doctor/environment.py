"""What the machine must have: settings, a passphrase, client programs, no restore that was cut off."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings as project
from django.contrib.auth import get_user_model
from django.db import Error as DatabaseFailure
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper

from strongroom.passphrase import SOURCES, passphrase_source

from .. import conf
from ..core.application_hold import FOLDER, application_is_held, may_look
from ..core.server_errors import what_helps, what_was_said
from ..errors import SettingsInvalid
from ..ledger import ledger_alias
from ..restores import RestoreRefused, access_models, interrupted
from ..sources import ClientMissing, SourceRefused, database_aliases
from ..sources.engines.postgresql.dump import find_client, server_major
from .findings import Finding, critical, warning


def settings_findings() -> list[Finding]:
    """W001: the settings are missing or wrong; nothing else can be looked at then."""
    try:
        conf.load()
        access_models()
    except SettingsInvalid as error:
        return [critical(1, "settings", str(error), "Set it in the settings of the project.")]
    return []


def named_findings() -> Iterator[Finding]:
    """W050: a setting names what is not there, or is another place in each folder that a process is started in."""
    yield from _relative_findings()
    settings = conf.load()
    for name, path in settings.file_roots.items():
        if not path.is_dir():
            what = (
                f"BACKUP_FILE_ROOTS names the folder {path}, which is {'no folder' if path.exists() else 'not there'}."
            )
            yield critical(50, f"file root {name}", what, f"{_near(path)}Mount its disk, or correct the setting.")
    for path in settings.fact_files:
        if not path.exists():
            what = f"BACKUP_FACT_FILES names the file {path}, which is not there."
            yield critical(50, f"fact file {path.name}", what, f"{_near(path)}Put it there, or correct the setting.")


def _relative_findings() -> Iterator[Finding]:
    places = {"MEDIA_ROOT": str(project.MEDIA_ROOT or "")}
    for wrapper in connections.all():
        name = str(wrapper.settings_dict["NAME"] or "")
        if wrapper.vendor == "sqlite" and not name.startswith((":memory:", "file:")):
            places[f"DATABASES[{wrapper.alias!r}]['NAME']"] = name
    for label, place in places.items():
        if place and not os.path.isabs(place):  # noqa: PTH117  as it is written
            yield warning(
                50,
                label,
                f"{label} is {place!r}, which starts from the folder that each process is started in: cron or a restore"
                " may mean another place than the web server.",
                "Write the whole path, such as BASE_DIR / ….",
            )


def _near(path: Path) -> str:
    """The name that was probably meant: whoever looks for a typing error finds it sooner."""
    folder = path.parent
    # What this user may not look into is no reason to say nothing of the rest.
    names = [one.name for one in folder.iterdir()] if folder.is_dir() and os.access(folder, os.R_OK | os.X_OK) else []
    found = difflib.get_close_matches(path.name, names, n=1)
    return f"Did you mean {folder / found[0]}? " if found else ""


def ledger_findings() -> Iterator[Finding]:
    """W024: the ledger does not lie with the users, whom its rows name."""
    ledger, users = ledger_alias(), router.db_for_write(get_user_model())
    if ledger != users:
        yield critical(
            24,
            "DATABASE_ROUTERS",
            f"They keep the backup app's tables in the database {ledger!r}, and the users in {users!r}.",
            "Keep both in the same database.",
        )


def passphrase_findings() -> list[Finding]:
    """W002: there is no passphrase."""
    if passphrase_source() is not None:
        return []
    hint = f"Set one of {', '.join(SOURCES)} in the environment."
    return [critical(2, "passphrase", "There is no passphrase: encrypted backups are refused.", hint)]


def client_findings(*, ask_servers: bool) -> Iterator[Finding]:
    """W004: no client programs of PostgreSQL, or, where the servers are asked, older ones than the server."""
    for wrapper in _postgresql(connections[alias] for alias in connections):
        try:
            find_client(server_major(wrapper) if ask_servers else None)
        except ClientMissing as error:
            yield critical(4, f"database {wrapper.alias}", error.what, error.helps)
        except DatabaseFailure as error:
            what = f"It cannot be asked for its version: {what_was_said(error)}."
            yield critical(4, f"database {wrapper.alias}", what, what_helps(error))
        if not ask_servers:
            return


def kind_findings() -> Iterator[Finding]:
    """W019: a database of a kind that no type of backup can have."""
    try:
        database_aliases(portable=True)
    except SourceRefused as error:
        hint = "Move it to a supported kind; until then every backup of databases is refused."
        yield critical(19, "databases", str(error), hint)


def _postgresql(wrappers: Iterable[BaseDatabaseWrapper]) -> list[BaseDatabaseWrapper]:
    return [wrapper for wrapper in wrappers if wrapper.vendor == "postgresql"]


def restore_findings() -> list[Finding]:
    """W005: a restore was interrupted, or its journal cannot be read."""
    hint = "Run `manage.py restore_backup --list`: it completes or undoes what was cut off."
    try:
        return [
            warning(5, f"restore {journal.restore}", f"The restore {journal.restore} was interrupted.", hint)
            for journal in interrupted()
        ]
    except RestoreRefused as error:
        return [warning(5, "restores", str(error), "Nothing is restored as long as it lies there.")]


def middleware_findings() -> Iterator[Finding]:
    """W042: the middleware that holds writes during a restore cannot see the hold."""
    root = conf.load().storage_root
    if application_is_held() and not may_look(root):
        yield warning(
            42,
            "MIDDLEWARE",
            f"HoldWrites cannot look into {root / FOLDER}, where a restore tells the application to wait.",
            f"Let this user read {root} and enter {root / FOLDER}, or take HoldWrites out of MIDDLEWARE.",
        )
