"""Migrate databases that are being restored beside the live ones; started by `restore_backup`.

It is a process of its own, in which the aliases stand for the scratch databases: a migration that writes through a
model's manager, or by an alias of its own, never reaches the live ones.
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
    """One database: its name or path, and the migrations to go to; None for all that there are."""

    alias: str
    place: str
    targets: list[tuple[str, str]] | None


class Command(BackupCommand):
    help = "Migrate databases that are being restored; used by restore_backup."

    def run(self, options: Options) -> int:
        del options
        asked = msgspec.json.decode(sys.stdin.buffer.read(), type=list[Scratch])
        for scratch in asked:
            _stand_in(scratch)
        for scratch in asked:
            if scratch.targets is None:
                call_command("migrate", database=scratch.alias, interactive=False, verbosity=0)
            else:
                _migrate_to(scratch.alias, scratch.targets)
        return exitcodes.OK


def _stand_in(scratch: Scratch) -> None:
    """Every alias of the live database stands for the scratch one."""
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
        _make_unmigrated(executor, editor)


def _make_unmigrated(executor: MigrationExecutor, editor: BaseDatabaseSchemaEditor) -> None:
    """Apps without migrations have the tables of their models as they are."""
    for label in sorted(executor.loader.unmigrated_apps):
        for model in apps.get_app_config(label).get_models():
            if model._meta.can_migrate(editor.connection) and not model._meta.proxy:
                editor.create_model(model)
