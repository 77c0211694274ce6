"""What a restore replaced: made live again, or deleted."""

from __future__ import annotations

from pathlib import Path

from django.db import connections

from ..ledger import ledger_alias
from . import record
from .carry import carry_mysql, carry_postgresql, carry_sqlite
from .errors import RestoreRefused
from .journal import DATABASES, Journal, Kind, exclusive
from .move_postgresql import admit_again
from .mysql_server import exists, server
from .swapping import complete_release, complete_rollback, kept_journal, recover, require_rollback


def recover_restores() -> list[str]:
    """Complete or undo restores that were cut off; what was done, in words. Safe to call at any time."""
    return recover(_finish)


def _finish(journal: Journal) -> None:
    record.finish(journal)


def rollback(restore: str) -> tuple[Journal, list[str]]:
    """Make the state before a restore live again; the ledger's newer rows go along. Notes for the user.

    Raises `RestoreRefused` if nothing is kept, or if there was nothing before.
    """
    with exclusive():
        journal = kept_journal(restore)
        require_rollback(journal)
        notes = _carry_back(journal)
        complete_rollback(journal)
        return journal, notes + record.rolled_back(journal)


def _carry_back(journal: Journal) -> list[str]:
    alias = ledger_alias()
    for component in journal.components:
        if component.name != alias or component.kind not in DATABASES:
            continue
        connections[alias].close()
        if component.kind is Kind.SQLITE:
            if not Path(component.kept).is_file():
                raise RestoreRefused(f"{component.kept} is gone; the restore {journal.restore} cannot be rolled back.")
            obstacle = carry_sqlite(Path(component.live), Path(component.kept))
        elif component.kind is Kind.MYSQL:
            with server(alias) as cursor:
                if not exists(cursor, component.kept):
                    raise RestoreRefused(
                        f"The database {component.kept!r} is gone; the restore {journal.restore} cannot be rolled back."
                    )
            obstacle = carry_mysql(alias, component.live, component.kept)
        else:
            admit_again(component)
            obstacle = carry_postgresql(alias, component.live, component.kept)
        return [f"the ledger could not be carried over: {obstacle}"] if obstacle else []
    return []


def release(restore: str) -> tuple[Journal, list[str]]:
    """Delete what a restore replaced. Raises `RestoreRefused` if nothing is kept."""
    with exclusive():
        journal = kept_journal(restore)
        complete_release(journal)
        return journal, record.released(journal)
