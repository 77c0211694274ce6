"""Plan the fate of live tables that a package does not hold and that no migration makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.apps import apps
from django.db import connections

from ...core.manifest import DataRecord
from ...portable.history import plain_name
from ..engines.registry import engine_of
from .plan import Plan

_SHOWN: Final = 10


def plan_extra_tables(plan: Plan, record: DataRecord) -> None:
    """Add to the plan whether such tables of the live database stay or go. The database must exist."""
    connection = connections[record.alias]
    engine = engine_of(record.alias)
    # The server's names have no schema if the search path leads to the table.
    held = {table.name for table in record.tables}
    expected = held | {name.partition(".")[2] for name in held} | _made_by_code()
    with connection.cursor() as cursor:
        extra = sorted(set(engine.tables(record.alias, cursor)) - expected)
        if engine.extra_tables_stay:
            _plan_staying(plan, engine.references(record.alias, cursor), extra)
            return
    if extra:
        plan.warnings.append(
            f"the live database has tables that the package does not hold ({_names(extra)}): they are replaced with it,"
            " and are in what is kept until the release"
        )


def _plan_staying(plan: Plan, references: Sequence[tuple[str, str]], extra: list[str]) -> None:
    if not extra:
        return
    plan.warnings.append(f"tables that the package does not hold stay as they are: {_names(extra)}")
    for child, parent in references:
        if (child in extra) != (parent in extra):
            plan.blocking.append(
                f"the table {child} refers to {parent}, and the package holds only one of the two: the reference would"
                " lead to what was replaced; drop it, or make a package that holds both"
            )


def _made_by_code() -> set[str]:
    models = apps.get_models(include_auto_created=True)
    return {plain_name(model._meta.db_table) for model in models} | {"django_migrations"}


def _names(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
