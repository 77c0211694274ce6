"""Migrate the scratch databases of a restore; started by `restore_backup`.

In this process, the database aliases point to the scratch databases. So a migration that writes through a model's
manager, or through an alias of its own, never reaches the live databases.
"""

from __future__ import annotations

import sys
from typing import Final

import msgspec
from django.apps import apps
from django.core.management import call_command
from django.db import connections
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.executor import MigrationExecutor

from .. import exitcodes
from ..base import BackupCommand, Options

_SAME: Final = ("NAME", "HOST", "PORT")


class Scratch(msgspec.Struct, forbid_unknown_fields=True):
    """One scratch database: its name or path, and the target migrations; None for all."""

    alias: str
    place: str
    targets: list[tuple[str, str]] | None


class Command(BackupCommand):
    help = "Migrate the scratch databases of a restore. Internal: restore_backup starts it."
    examples = (
        "backup_migrate_scratch",
        "backup_migrate_scratch --json",
    )

    def run(self, options: Options) -> int:
        del options
        asked = msgspec.json.decode(sys.stdin.buffer.read(), type=list[Scratch])
        for scratch in asked:
            _redirect_aliases(scratch)
        for scratch in asked:
            if scratch.targets is None:
                call_command("migrate", database=scratch.alias, interactive=False, verbosity=0)
            else:
                _migrate_to(scratch.alias, scratch.targets)
        return exitcodes.OK


def _redirect_aliases(scratch: Scratch) -> None:
    """Point every alias of the live database to the scratch database."""
    live = connections.settings[scratch.alias]
    key = [live["ENGINE"], *(str(live.get(part) or "") for part in _SAME)]
    connections.close_all()
    for settings in connections.settings.values():
        if [settings["ENGINE"], *(str(settings.get(part) or "") for part in _SAME)] == key:
            settings["NAME"] = scratch.place


def _migrate_to(alias: str, targets: list[tuple[str, str]]) -> None:
    connection = connections[alias]
    connection.prepare_database()
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    with connection.schema_editor() as editor:
        _create_unmigrated(executor, editor)


def _create_unmigrated(executor: MigrationExecutor, editor: BaseDatabaseSchemaEditor) -> None:
    """Create the tables of apps without migrations from their current models."""
    for label in sorted(executor.loader.unmigrated_apps):
        for model in apps.get_app_config(label).get_models():
            if model._meta.can_migrate(editor.connection) and not model._meta.proxy:
                editor.create_model(model)
