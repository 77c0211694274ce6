"""The catalogue's rows in a restored database: the part that all engines share."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models

from ...errors import StorageFull
from ...ledger import ledger_tables


@dataclass(frozen=True)
class ForeignColumn:
    """A column that refers to a table outside of the catalogue, which is restored: its rows may have other keys there.

    `name` is the column by which the same row is recognised: the user's name, or `key` itself.
    """

    column: str
    table: str
    key: str
    name: str


def foreign_columns(model: type[models.Model]) -> list[ForeignColumn]:
    """Return such columns of a model; all of them can be null."""
    own = frozenset(ledger_tables())
    found = []
    for field in model._meta.local_concrete_fields:
        if isinstance(field, models.ForeignKey) and field.null:
            target = field.target_field
            if target.model._meta.db_table not in own:
                key = target.column or target.attname
                known_by = getattr(target.model, "USERNAME_FIELD", None)
                named = target.model._meta.get_field(known_by) if known_by else target
                name = getattr(named, "column", None) or key
                found.append(ForeignColumn(field.column, target.model._meta.db_table, key, name))
    return found


def no_room(where: str) -> StorageFull:
    """Return the error for a full disk: rows of a readable catalogue are not given up because of that."""
    return StorageFull(
        f"The catalogue could not be carried over: there is no space left {where}. Nothing live was changed; make room"
        " there and repeat."
    )
