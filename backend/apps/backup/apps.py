"""The Django application. Its package may have any name, such as `apps.backup`; its label is always `backup`."""

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
            # Only the main thread can set signal handlers; web servers read repositories in other threads.
            survive_hangup()
        post_migrate.connect(_create_audit_chain, sender=self)
        # Both need the registry of applications.
        from .doctor import system_checks  # noqa: F401, PLC0415
        from .executors.before_serving import complete_before_serving  # noqa: PLC0415

        complete_before_serving()
        # After `complete_before_serving`, because a restore that it completes makes connections stale.
        watch_connections()


def _create_audit_chain(*, using: str, apps: Apps = installed, **_: object) -> None:
    """Create the row that every audit event locks, before the first event.

    If two transactions created it at the same time, MariaDB would report a deadlock and end one of them.
    """
    try:
        chain = apps.get_model("backup", "AuditChain")
    except LookupError:
        # The database was migrated back to a state before this table.
        return
    if router.allow_migrate_model(using, chain):
        chain.objects.using(using).get_or_create(id=1)
