"""Everything that a user of the host could miss: rows of all tables, read without its models, and files."""

import hashlib
import json
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connections

OURS = (
    "backup_",
    "django_session",
    "django_migrations",
    "django_celery_beat",
    "django_content_type",
    "auth_permission",
)
"""Of the backup system, or changed by its installation."""


class Command(BaseCommand):
    def handle(self, **options: object) -> None:
        found = {}
        for alias in connections:
            with connections[alias].cursor() as cursor:
                for table in connections[alias].introspection.table_names(cursor):
                    if not table.startswith(OURS):
                        cursor.execute(f"SELECT * FROM {connections[alias].ops.quote_name(table)}")
                        found[f"{alias}: {table}"] = sorted(map(repr, cursor.fetchall()))
        for folder in getattr(settings, "HOST_FOLDERS", [settings.MEDIA_ROOT]):
            for path in sorted(Path(folder).rglob("*")):
                if path.is_file() and ".sqlite3" not in path.name:
                    content = hashlib.sha256(path.read_bytes()).hexdigest()
                    found[str(path.relative_to(settings.BASE_DIR))] = [content]
        self.stdout.write(json.dumps(found))
