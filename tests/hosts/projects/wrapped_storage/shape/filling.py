from django.core.files.base import ContentFile
from shape.models import Paper


def fill() -> None:
    for number in range(4):
        row = Paper()
        for name in ("locked", "shared", "inner"):
            getattr(row, name).save(f"{name}-{number}.bin", ContentFile(f"{name} {number}".encode() * 90), save=False)
        row.save()
