"""What the machine must have: settings, a passphrase, client programs, no restore that was cut off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.contrib.auth import get_user_model
from django.db import Error as DatabaseFailure
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper

from strongroom.passphrase import SOURCES, passphrase_source

from .. import conf
from ..errors import SettingsInvalid
from ..holding import FOLDER, application_is_held, may_look
from ..ledger import ledger_alias
from ..restores import RestoreRefused, access_models, interrupted
from ..sources import ClientMissing, SourceRefused
from ..sources.cut import all_have_dumps
from ..sources.postgresql import find_client
from .findings import Finding, critical, warning

OLDEST_SERVER = 12


def settings_findings() -> list[Finding]:
    """W001: the settings are missing or wrong; nothing else can be looked at then."""
    try:
        conf.load()
        access_models()
    except SettingsInvalid as error:
        return [critical(1, "settings", str(error), "Set it in the settings of the project.")]
    return []


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
        hint = "Install the client programs of the server's version."
        try:
            find_client(_server(wrapper) if ask_servers else OLDEST_SERVER)
        except ClientMissing as error:
            yield critical(4, f"database {wrapper.alias}", str(error), hint)
        except DatabaseFailure as error:
            reason = str(error).strip().splitlines()[0]
            yield critical(
                4, f"database {wrapper.alias}", f"It cannot be asked for its version: {reason}.", "Start it."
            )
        if not ask_servers:
            return


def kind_findings() -> Iterator[Finding]:
    """W019: a database of a kind that not every type of backup can have, or none."""
    try:
        if not all_have_dumps():
            yield critical(
                19,
                "databases",
                "There is a database of MariaDB or MySQL, which has no dump of its own here: every type but EXPORT and"
                " FILES is refused.",
                "Give the configurations that cover it the type EXPORT.",
            )
    except SourceRefused as error:
        hint = "Move it to a supported kind; until then every backup of databases is refused."
        yield critical(19, "databases", str(error), hint)


def _postgresql(wrappers: Iterable[BaseDatabaseWrapper]) -> list[BaseDatabaseWrapper]:
    return [wrapper for wrapper in wrappers if wrapper.vendor == "postgresql"]


def _server(wrapper: BaseDatabaseWrapper) -> int:
    with wrapper.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        row = cursor.fetchone()
    return int(row[0]) // 10_000 if row else OLDEST_SERVER


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
