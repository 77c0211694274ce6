"""The application; its package may be called `apps.backup` or anything else, its label is always `backup`."""

from django.apps import AppConfig


class BackupConfig(AppConfig):
    name = __name__.rpartition(".")[0]
    label = "backup"
    verbose_name = "Backup and recovery"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks  # noqa: F401, PLC0415  the registry must be loaded before checks are registered
