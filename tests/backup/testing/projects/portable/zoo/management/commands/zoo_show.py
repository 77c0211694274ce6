"""Every value of every table as Python sees it, one line each; and what generic references lead to."""

import decimal

from django.apps import apps
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from zoo.models import Everything, Tag


class Command(BaseCommand):
    requires_system_checks = []

    def handle(self, **options):
        for model in sorted(apps.get_models(include_auto_created=True), key=lambda model: model._meta.label):
            # The catalogue of the backup system is the living one's.
            if model._meta.app_label != "backup" and not model._meta.proxy:
                self.show(model._meta.label, model._base_manager.all())
        self.show("migrations", MigrationRecorder.Migration.objects.exclude(app="backup"))
        nulls = Everything.objects.filter(document__isnull=True).order_by("id").values_list("label", flat=True)
        self.stdout.write(f"no document {list(nulls)}")
        for tag in Tag.objects.order_by("id"):
            self.stdout.write(f"tag {tag.word} {type(tag.target).__name__} {tag.target.pk!r}")
        self.stdout.write(f"rights {sorted(User.objects.get().get_all_permissions())}")
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, note, amount FROM legacy ORDER BY id")
            for row in cursor.fetchall():
                self.stdout.write(f"legacy {tuple(row)!r}")

    def show(self, label, rows):
        names = [field.attname for field in rows.model._meta.concrete_fields]
        lines = [tuple(map(plain, row)) for row in rows.values_list(*names)]
        for line in sorted(lines, key=repr):
            self.stdout.write(f"{label} {line!r}")


def plain(value):
    """PostgreSQL keeps the keys of its JSON in an order of its own, and writes numbers out."""
    if isinstance(value, memoryview):
        return bytes(value)
    return in_json(value) if isinstance(value, dict | list) else value


def in_json(value):
    if isinstance(value, dict):
        return {key: in_json(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [in_json(one) for one in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return decimal.Decimal(repr(value)).normalize()
    return value
