"""Note in a row when it was last changed."""

from typing import TypeVar

from django.db import models
from django.utils import timezone

_Row = TypeVar("_Row", bound=models.Model)


class WatchedRows(models.QuerySet[_Row]):
    """Every UPDATE also sets `changed_at`, by which those who look on find what has changed."""

    def update(self, **columns: object) -> int:
        return super().update(**{"changed_at": timezone.now(), **columns})
