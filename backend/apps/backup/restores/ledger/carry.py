"""Carry the catalogue of the backup system over when the database that holds it is restored.

Its rows are copied from the live database into the staged one before the swap: jobs, restores and configurations that
are newer than the backup stay known. If they cannot be copied, the catalogue is rebuilt from the repositories.
"""

from __future__ import annotations

from django.db import connections

from ...ledger import ledger_alias
from ..engines.registry import database_engine
from ..journal import DATABASES, Component, Journal


def ledger_component(journal: Journal) -> Component | None:
    """Return the component that holds the catalogue; None if its database is not restored."""
    alias = ledger_alias()
    return next((one for one in journal.components if one.kind in DATABASES and one.name == alias), None)


def carry_ledger(component: Component, target: str) -> str:
    """Copy the catalogue's rows from the live database to `target`, the staged or the kept one of the same component.

    Returns "" on success, else the reason as a note for the user. Raises `StorageFull`.
    """
    connections[component.name].close()
    obstacle = database_engine(component).carry_ledger(component, target)
    return f"the catalogue could not be carried over: {obstacle}" if obstacle else ""
