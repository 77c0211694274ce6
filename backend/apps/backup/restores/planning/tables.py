"""Plan a restore of chosen tables: match the names that the user gives with the tables of the backup."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from ...core.manifest import Manifest
from ...core.paths import first_of
from ..engines.registry import DATABASE_ENGINES
from .plan import Plan

_MOST: Final = 20
"""Names that an error lists at most."""


def plan_tables(plan: Plan, manifest: Manifest, names: Iterable[str]) -> None:
    """Add to the plan the tables that these names choose, and the names that are unknown or ambiguous.

    Without names, nothing is added.
    """
    found = {name: _matching_tables(manifest, name) for name in sorted(names)}
    if not found:
        return
    plan.blocking += [_obstacle(name, matching, manifest) for name, matching in found.items() if len(matching) != 1]
    rows = _rows(manifest)
    chosen = chosen_tables(manifest, found)
    plan.counts = {"databases": 1, "tables": len(chosen), "rows": sum(rows[name] for name in chosen), "files": 0}
    sizes = [table.size for data in manifest.data for table in data.tables if table.name in chosen]
    if sizes:
        plan.counts["bytes"] = sum(sizes)
    plan.warnings.append("the database is filled as a whole and checked first; then its other tables are dropped")


def chosen_tables(manifest: Manifest, names: Iterable[str]) -> frozenset[str]:
    """Return the chosen tables as the manifest names them; unknown and ambiguous names are left out."""
    matching = [_matching_tables(manifest, name) for name in names]
    return frozenset(one for several in matching if len(several) == 1 for one in several)


def _rows(manifest: Manifest) -> Mapping[str, int]:
    return {name: rows for _, name, rows in manifest.tables}


def _matching_tables(manifest: Manifest, name: str) -> list[str]:
    """Return the tables of the manifest that a user may mean by a name: its own, or as the database abbreviates it."""
    known = _rows(manifest)
    if name in known:
        return [name]
    # A manifest may name an engine that this version does not have.
    engines = {*(one.engine for one in manifest.databases), *(one.engine for one in manifest.data)}
    known_engines = engines & DATABASE_ENGINES.keys()
    return sorted({one for engine in known_engines for one in DATABASE_ENGINES[engine].matching_tables(name, known)})


def _obstacle(name: str, matching: list[str], manifest: Manifest) -> str:
    if matching:
        return f"the table {name!r} is in several schemas: choose one of {', '.join(matching[:_MOST])}"
    known = sorted(_rows(manifest))
    alike = [one for one in known if name.casefold() in one.casefold()] or known
    return f"the backup has no table {name!r}; there are {first_of(alike, count=len(alike), most=_MOST)}"
