"""The application's registration with Django."""

import contextlib
from pathlib import Path

from django.apps import AppConfig
from django.apps import apps as installed
from django.apps.registry import Apps
from django.conf import settings
from django.db import router
from django.db.models.signals import post_migrate


class DocumentsConfig(AppConfig):
    name = "apps.documents"
    label = "documents"
    verbose_name = "Documents"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(_have_register, sender=self)
        post_migrate.connect(_have_media_folder, sender=self)


def _have_register(*, using: str, apps: Apps = installed, **_: object) -> None:
    """The row that every writer locks is there before the first of them: MariaDB lets two that make it at the same time
    wait for each other, and ends one of them."""
    try:
        register = apps.get_model("documents", "Register")
    except LookupError:
        # Migrated back to before it.
        return
    if router.allow_migrate_model(using, register):
        register.objects.using(using).get_or_create(id=1)


def _have_media_folder(**_: object) -> None:
    """An empty folder for documents, so that a missing one always means a disk that is not mounted.

    Only beside something that is there: a mount point that is away is not made up for.
    """
    with contextlib.suppress(OSError):  # whoever may migrate need not be the one who may write documents
        Path(settings.MEDIA_ROOT).mkdir(mode=0o700, exist_ok=True)
