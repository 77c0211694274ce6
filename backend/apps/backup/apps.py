"""The application; its package may be called `apps.backup` or anything else, its label is always `backup`."""

import threading

from django.apps import AppConfig
from django.apps import apps as installed
from django.apps.registry import Apps
from django.db import router
from django.db.models.signals import post_migrate

from strongroom.repository.locks import survive_hangup

from .core.stale_connections import watch_connections


class BackupConfig(AppConfig):
    name = __name__.rpartition(".")[0]
    label = "backup"
    verbose_name = "Backup and recovery"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        if threading.current_thread() is threading.main_thread():
            # Web servers read repositories in other threads, which cannot do this.
            survive_hangup()
        post_migrate.connect(_have_chain, sender=self)
        # Both need the registry of applications.
        from .doctor import system_checks  # noqa: F401, PLC0415
        from .executors.before_serving import complete_before_serving  # noqa: PLC0415

        complete_before_serving()
        # After it: what it completes makes connections stale.
        watch_connections()


def _have_chain(*, using: str, apps: Apps = installed, **_: object) -> None:
    """The row that every audit event locks is there before the first of them: MariaDB lets two that make it at the same
    time wait for each other, and ends one of them."""
    try:
        chain = apps.get_model("backup", "AuditChain")
    except LookupError:
        # Migrated back to before it.
        return
    if router.allow_migrate_model(using, chain):
        chain.objects.using(using).get_or_create(id=1)
