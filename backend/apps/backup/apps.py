"""The application; its package may be called `apps.backup` or anything else, its label is always `backup`."""

import threading

from django.apps import AppConfig

from strongroom.repository.locks import survive_hangup


class BackupConfig(AppConfig):
    name = __name__.rpartition(".")[0]
    label = "backup"
    verbose_name = "Backup and recovery"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        if threading.current_thread() is threading.main_thread():
            # Web servers read repositories in other threads, which cannot do this.
            survive_hangup()
        from . import checks  # noqa: F401, PLC0415  the registry must be loaded before checks are registered
