"""The time of the last change of a row."""

from typing import TypeVar

from django.db import models
from django.utils import timezone

_Row = TypeVar("_Row", bound=models.Model)


class WatchedRows(models.QuerySet[_Row]):
    """A queryset whose every UPDATE also sets `changed_at`, by which the event stream finds changed rows."""

    def update(self, **columns: object) -> int:
        return super().update(**{"changed_at": timezone.now(), **columns})
