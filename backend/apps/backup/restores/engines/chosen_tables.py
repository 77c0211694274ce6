"""Reduce a database that was just filled to some of its tables: the part that all engines share.

Views are dropped, and references from a table that stays to one that is dropped. Triggers stay with their tables. The
caller drops the database if this fails.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...errors import RestoreFailed


def require_tables(place: str, keep: frozenset[str], existing: Iterable[str]) -> None:
    """Raise `RestoreFailed` if one of the tables to keep is missing."""
    missing = sorted(keep - set(existing))
    if missing:
        raise RestoreFailed(
            f"{place} has no table {missing[0]} when it is filled, since the migrations of the code here rename or"
            " remove it, or it stands and falls with another one; restore the whole database. Nothing live was changed."
        )
