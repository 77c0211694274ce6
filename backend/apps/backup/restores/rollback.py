"""What a restore replaced: made live again, or deleted."""

from __future__ import annotations

from pathlib import Path

from ..references import of_job
from ..selectors import job_by_uuid
from . import record
from .carry import carry_ledger, ledger_component
from .errors import RestoreFailed, RestoreRefused
from .journal import Journal, Kind, State, exclusive
from .move_postgresql import admit_again, require_none_prepared
from .mysql_server import exists, server
from .safety import back_up_live
from .swapping import complete_release, complete_rollback, kept_journal, recover, require_rollback


def recover_restores() -> list[str]:
    """Complete or undo restores that were cut off; what was done, in words. Safe to call at any time."""
    return recover(_tell)


def _tell(journal: Journal) -> None:
    if journal.state is State.UNDONE:
        record.fail(journal, RestoreFailed("it was cut off; the live state is what it was before."))
    elif journal.state is State.ROLLED_BACK:
        record.rolled_back(journal)
    elif journal.state is State.RELEASED:
        record.released(journal)
    else:
        record.finish(journal, record.Told())


def back_up_before_rollback(restore: str) -> list[str]:
    """Back up what a rollback would delete: all that was written since the restore. A note for the user, or none where
    the live ledger cannot be read. Raises `RestoreRefused` as `rollback` does, and if there is no such backup."""
    journal = kept_journal(restore)
    _require_possible(journal)
    if not record.ledger_is_readable():
        return []
    job = None if journal.backup_job is None else job_by_uuid(journal.backup_job)
    return back_up_live(None if job is None else of_job(job).place)


def rollback(restore: str) -> tuple[Journal, list[str]]:
    """Make the state before a restore live again; the ledger's newer rows go along. Notes for the user.

    Raises `RestoreRefused` if nothing is kept, or if there was nothing before.
    """
    with exclusive():
        journal = kept_journal(restore)
        _require_possible(journal)
        notes = _carry_back(journal)
        complete_rollback(journal)
        return journal, notes + record.rolled_back(journal)


def _require_possible(journal: Journal) -> None:
    require_rollback(journal)
    for component in journal.components:
        if component.kind is Kind.POSTGRESQL:
            require_none_prepared(component)


def _carry_back(journal: Journal) -> list[str]:
    component = ledger_component(journal)
    if component is None:
        return []
    if component.kind is Kind.SQLITE and not Path(component.kept).is_file():
        raise RestoreRefused(f"{component.kept} is gone; the restore {journal.restore} cannot be rolled back.")
    if component.kind is Kind.MYSQL:
        with server(component.name) as cursor:
            if not exists(cursor, component.kept):
                raise RestoreRefused(
                    f"The database {component.kept!r} is gone; the restore {journal.restore} cannot be rolled back."
                )
    if component.kind is Kind.POSTGRESQL:
        admit_again(component)
    obstacle = carry_ledger(component, component.kept)
    return [obstacle] if obstacle else []


def release(restore: str) -> tuple[Journal, list[str]]:
    """Delete what a restore replaced. Raises `RestoreRefused` if nothing is kept."""
    with exclusive():
        journal = kept_journal(restore)
        complete_release(journal)
        return journal, record.released(journal)
