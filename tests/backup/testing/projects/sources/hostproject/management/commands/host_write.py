"""A busy writer: a file and its row, again and again, until it is stopped."""

import itertools

from django.core.files.base import ContentFile
from django.core.management.base import BaseCommand
from django.db import transaction

from hostproject.models import Everything


class Command(BaseCommand):
    requires_system_checks = []

    def handle(self, *args, **options):
        self.stdout.write("writing")
        self.stdout.flush()
        for number in itertools.count():
            with transaction.atomic():
                row = Everything(char="written", number=number)
                row.file.save("written.bin", ContentFile(b"%d" % number * 300), save=False)
                row.save()
