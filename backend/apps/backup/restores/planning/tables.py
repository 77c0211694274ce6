"""Which tables of a backup's only database are meant by the names that were chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from ...core.manifest import Manifest
from ...core.paths import first_of
from .plan import Plan

_MOST: Final = 20
"""Names that are listed where there are too many."""


def plan_tables(plan: Plan, manifest: Manifest, names: Iterable[str]) -> None:
    """Note in the plan what is restored if these tables are all, and what is in the way; of no names nothing."""
    found = {name: _meant(manifest, name) for name in sorted(names)}
    if not found:
        return
    plan.blocking += [_said(name, meant, manifest) for name, meant in found.items() if len(meant) != 1]
    rows = _rows(manifest)
    chosen = chosen_tables(manifest, found)
    plan.counts = {"databases": 1, "tables": len(chosen), "rows": sum(rows[name] for name in chosen), "files": 0}
    sizes = [table.size for data in manifest.data for table in data.tables if table.name in chosen]
    if sizes:
        plan.counts["bytes"] = sum(sizes)
    plan.warnings.append("the database is filled as a whole and checked first; then its other tables are dropped")


def chosen_tables(manifest: Manifest, names: Iterable[str]) -> frozenset[str]:
    """The tables that are meant, as the manifest has them; those that are not clear are left out."""
    meant = [_meant(manifest, name) for name in names]
    return frozenset(one for several in meant if len(several) == 1 for one in several)


def _rows(manifest: Manifest) -> Mapping[str, int]:
    return {name: rows for _, name, rows in manifest.tables}


def _meant(manifest: Manifest, name: str) -> list[str]:
    """A table's name as it is, or as PostgreSQL has it, with or without its schema."""
    known = _rows(manifest)
    if name in known:
        return [name]
    if "postgresql" not in {*(one.engine for one in manifest.databases), *(one.engine for one in manifest.data)}:
        return []
    plain = name.removeprefix("public.")
    return sorted(one for one in known if name == one.rpartition(".")[2] or plain == one)


def _said(name: str, meant: list[str], manifest: Manifest) -> str:
    if meant:
        return f"the table {name!r} is in several schemas: choose one of {', '.join(meant[:_MOST])}"
    known = sorted(_rows(manifest))
    alike = [one for one in known if name.casefold() in one.casefold()] or known
    return f"the backup has no table {name!r}; there are {first_of(alike, count=len(alike), most=_MOST)}"
