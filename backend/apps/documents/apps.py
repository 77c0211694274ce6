"""The application's registration with Django."""

import contextlib
from pathlib import Path

from django.apps import AppConfig
from django.apps import apps as installed
from django.apps.registry import Apps
from django.conf import settings
from django.core.checks import register
from django.db import router
from django.db.models.signals import post_migrate

from .checks import check_folders


class DocumentsConfig(AppConfig):
    name = "apps.documents"
    label = "documents"
    verbose_name = "Documents"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        register(check_folders, "documents")
        post_migrate.connect(_have_register, sender=self)
        post_migrate.connect(_have_media_folder, sender=self)


def _have_register(*, using: str, apps: Apps = installed, **_: object) -> None:
    """Create the row that every writer locks. Two writers that create it at once would deadlock on MariaDB."""
    try:
        register = apps.get_model("documents", "Register")
    except LookupError:
        # Migrated back to a state without this table.
        return
    if router.allow_migrate_model(using, register):
        register.objects.using(using).get_or_create(id=1)


def _have_media_folder(**_: object) -> None:
    """Create an empty folder for documents, so that a missing folder always means an unmounted disk.

    Create it only in an existing folder: a missing mount point is not replaced.
    """
    with contextlib.suppress(OSError):  # the user who migrates may lack permission to write documents
        Path(settings.MEDIA_ROOT).mkdir(mode=0o700, exist_ok=True)
