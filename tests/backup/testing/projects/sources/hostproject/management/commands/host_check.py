"""Is every file that a row names there, and are the numbers of the busy writer without a gap?"""

from django.core.management.base import BaseCommand, CommandError

from hostproject.models import Everything


class Command(BaseCommand):
    requires_system_checks = []

    def handle(self, *args, **options):
        missing = [
            row.file.name for row in Everything.objects.exclude(file="") if not row.file.storage.exists(row.file.name)
        ]
        if missing:
            raise CommandError(f"{len(missing)} files are missing: {missing[:3]}")
        numbers = list(Everything.objects.filter(char="written").order_by("number").values_list("number", flat=True))
        if numbers != list(range(len(numbers))):
            raise CommandError("rows are missing in between")
        self.stdout.write(str(len(numbers)))
