"""Check whether rows that name missing files still exist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.apps import apps
from django.db import router

_BATCH: Final = 200


def any_row_is_gone(missing: Sequence[tuple[str, str]]) -> bool:
    """Return whether a row that named one of these files, given as (field, value), is gone now.

    The application has then deleted the row and the file after the consistency point. A row that still exists names a
    file that was lost before; another pass would not find that file.
    """
    by_field: dict[str, list[str]] = {}
    for label, value in missing:
        by_field.setdefault(label, []).append(value)
    return any(_is_one_gone(label, values) for label, values in by_field.items())


def _is_one_gone(label: str, values: Sequence[str]) -> bool:
    app_label, model_name, name = label.split(".")
    model = apps.get_model(app_label, model_name)
    rows = model._base_manager.using(router.db_for_read(model))
    for start in range(0, len(values), _BATCH):
        batch = set(values[start : start + _BATCH])
        # As text, since a field may convert its values.
        existing = {str(value) for value in rows.filter(**{f"{name}__in": batch}).values_list(name, flat=True)}
        if batch - existing:
            return True
    return False
