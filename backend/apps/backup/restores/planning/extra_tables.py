"""Live tables that a package does not hold and that no migration makes: what becomes of them is said beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.apps import apps
from django.db import connections

from ...core.manifest import DataRecord
from ...portable.history import plain_name
from ...sources import mysql
from ..engines.mysql.server import tables as mysql_tables
from .plan import Plan

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

_SHOWN: Final = 10
_REFERENCES: Final = """
    SELECT TABLE_NAME, REFERENCED_TABLE_NAME FROM information_schema.KEY_COLUMN_USAGE
    WHERE TABLE_SCHEMA = %s AND REFERENCED_TABLE_SCHEMA = TABLE_SCHEMA ORDER BY 1, 2
"""


def plan_extra_tables(plan: Plan, record: DataRecord) -> None:
    """Note in the plan what becomes of such tables of the live database, which must be there."""
    connection = connections[record.alias]
    live = str(connection.settings_dict["NAME"])
    # The server's names have no schema where the search path leads to them.
    held = {table.name for table in record.tables}
    expected = held | {name.partition(".")[2] for name in held} | _made_by_code()
    with connection.cursor() as cursor:
        if connection.vendor == mysql.ENGINE:
            extra = sorted(set(mysql_tables(cursor, live)) - expected)
            _plan_staying(plan, cursor, live, extra)
            return
        extra = sorted(set(connection.introspection.table_names(cursor)) - expected)
    if extra:
        plan.warnings.append(
            f"the live database has tables that the package does not hold ({_some(extra)}): they are replaced with it,"
            " and are in what is kept until the release"
        )


def _plan_staying(plan: Plan, cursor: CursorWrapper, live: str, extra: list[str]) -> None:
    if not extra:
        return
    plan.warnings.append(f"tables that the package does not hold stay as they are: {_some(extra)}")
    cursor.execute(_REFERENCES, [live])
    for child, parent in cursor.fetchall():
        if (child in extra) != (parent in extra):
            plan.blocking.append(
                f"the table {child} refers to {parent}, and the package holds only one of the two: the reference would"
                " lead to what was replaced; drop it, or make a package that holds both"
            )


def _made_by_code() -> set[str]:
    models = apps.get_models(include_auto_created=True)
    return {plain_name(model._meta.db_table) for model in models} | {"django_migrations"}


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
