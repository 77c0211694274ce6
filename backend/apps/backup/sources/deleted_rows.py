"""A second look at rows whose files are missing: are they still there?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.apps import apps
from django.db import router

_BATCH: Final = 200


def any_row_is_gone(missing: Sequence[tuple[str, str]]) -> bool:
    """Whether a row that named one of these files, as (field, value), is gone now.

    The application has deleted row and file after the consistency point then. A row that is still there names a file
    that was lost before; no other pass would find that.
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
        # As text, whatever the field makes of it.
        there = {str(value) for value in rows.filter(**{f"{name}__in": batch}).values_list(name, flat=True)}
        if batch - there:
            return True
    return False
