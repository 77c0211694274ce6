"""System checks: what would make a backup fail at night is said at the start of every command, with a hint.

backup.W001  the settings are missing or wrong
backup.W002  there is no passphrase for the encrypted backups
backup.W003  the storage cannot be written
backup.W004  a PostgreSQL database, and no client programs to dump it with
backup.W005  a restore was interrupted

They are warnings: an error would keep the very commands from running that put things right.
"""

import os
from collections.abc import Sequence

from django.apps import AppConfig
from django.core.checks import CheckMessage, Warning, register
from django.db import connections

from strongroom.passphrase import SOURCES, passphrase_source

from . import conf
from .errors import SettingsInvalid
from .restores import RestoreRefused, interrupted
from .sources import ClientMissing
from .sources.postgresql import find_client

OLDEST_SERVER = 12


@register("backup")
def check_backup(app_configs: Sequence[AppConfig] | None = None, **_options: object) -> list[CheckMessage]:
    """Everything that can be seen without a database connection and without running the passphrase command."""
    if app_configs is not None and "backup" not in {config.label for config in app_configs}:
        return []
    try:
        settings = conf.load()
    except SettingsInvalid as error:
        return [Warning(str(error), hint="Set it in the settings of the project.", id="backup.W001")]
    return [*_passphrase(), *_storage(settings), *_postgresql(), *_restores()]


def _passphrase() -> list[CheckMessage]:
    if passphrase_source() is not None:
        return []
    return [
        Warning(
            "There is no passphrase: encrypted backups are refused.",
            hint=f"Set one of {', '.join(SOURCES)} in the environment.",
            id="backup.W002",
        )
    ]


def _storage(settings: conf.BackupSettings) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    for root in settings.roots:
        existing = next(folder for folder in (root, *root.parents) if folder.exists())
        if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
            messages.append(
                Warning(
                    f"The backup storage {str(root)!r} cannot be written: {str(existing)!r} is no folder, or not ours.",
                    hint="Correct the owner or the mode of the folder, or name another one in BACKUP_STORAGE_ROOT.",
                    id="backup.W003",
                )
            )
    return messages


def _postgresql() -> list[CheckMessage]:
    if not any(connections[alias].vendor == "postgresql" for alias in connections):
        return []
    try:
        find_client(OLDEST_SERVER)
    except ClientMissing as error:
        return [Warning(str(error), hint="Install the client programs of the server's version.", id="backup.W004")]
    return []


def _restores() -> list[CheckMessage]:
    hint = "Run `manage.py restore_backup --list`: it completes or undoes what was cut off."
    try:
        return [
            Warning(f"The restore {journal.restore} was interrupted.", hint=hint, id="backup.W005")
            for journal in interrupted()
        ]
    except RestoreRefused as error:
        return [Warning(str(error), hint="Nothing is restored as long as it lies there.", id="backup.W005")]
