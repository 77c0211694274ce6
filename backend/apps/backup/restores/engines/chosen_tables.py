"""A database that was just filled is brought down to some of its tables; what all engines share.

Views go, and what leads from a table that stays to one that goes. Triggers stay with their tables. The caller drops the
database if this fails.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...errors import RestoreFailed


def require_tables(place: str, keep: frozenset[str], there: Iterable[str]) -> None:
    """Raise `RestoreFailed` if one of the tables is not there."""
    missing = sorted(keep - set(there))
    if missing:
        raise RestoreFailed(
            f"{place} has no table {missing[0]} when it is filled, since the migrations of the code here rename or"
            " remove it, or it stands and falls with another one; restore the whole database. Nothing live was changed."
        )
