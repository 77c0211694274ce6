"""The work of years in the host: users, rows and files."""

from datetime import datetime, timedelta
from decimal import Decimal

from archive.models import Document
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.utils import timezone

from shape.filling import fill


class Command(BaseCommand):
    def handle(self, **options: object) -> None:
        settings.MEDIA_ROOT.mkdir(exist_ok=True)
        for alias in settings.DATABASES:
            call_command("migrate", database=alias, verbosity=0)
        users = get_user_model()
        names = {users.USERNAME_FIELD: "keeper@example.org", "password": "at the desk"}
        if users.USERNAME_FIELD != "email":
            names["email"] = "keeper@example.org"
        keeper = users.objects.create_superuser(**names)
        received = datetime(2026, 3, 1, 9, 30)  # noqa: DTZ001  naive in projects without zones
        if settings.USE_TZ:
            received = timezone.make_aware(received)
        for number in range(12):
            row = Document(
                title=f"Contract {number} \u2013 \u00c5ngstr\u00f6m & S\u00f6hne",
                owner=keeper,
                received=received + timedelta(days=number),
                amount=Decimal(number * 100) / 7 if number % 3 else None,
            )
            row.file.save(f"contract-{number}.txt", ContentFile(f"Content of {number}.\n".encode() * (50 * number)))
        fill()
