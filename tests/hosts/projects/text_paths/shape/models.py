from django.db import models


class Scan(models.Model):
    filename = models.CharField(max_length=200)
    """Below BASE_DIR / "storage", which no setting of Django knows."""
