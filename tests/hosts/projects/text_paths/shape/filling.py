from django.conf import settings
from shape.models import Scan


def fill() -> None:
    for number in range(40):
        path = settings.BASE_DIR / "storage" / f"{number % 4}" / f"scan-{number}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"II* {number}".encode() * 30)
        Scan.objects.create(filename=str(path.relative_to(settings.BASE_DIR / "storage")))
