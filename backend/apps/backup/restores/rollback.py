"""Roll a restore back, or release what it replaced."""

from __future__ import annotations

import contextlib
import dataclasses
import uuid
from collections.abc import Callable

import msgspec
from django.utils import timezone

from .. import conf
from ..backups.references import job_ref
from ..core.application_hold import Scope, has_hold_middleware, held
from ..errors import RestoreFailed, RestoreRefused
from ..selectors import job_by_uuid
from .access.compare import compare_access
from .changes import Baseline
from .compare import compare_live
from .engines.hold_writes import writers_held
from .engines.registry import swap_engine
from .journal import DATABASES, Journal, State, only_restore
from .ledger import record
from .ledger.carry import carry_ledger, ledger_component
from .safety_backup import LiveBackup, back_up_live
from .swap import complete_release, complete_rollback, kept_journal, recover, require_rollback


@dataclasses.dataclass(frozen=True, slots=True)
class Consequences:
    """The plan of a rollback or a release. `live_again` comes back, `deleted` is deleted for good."""

    restore: uuid.UUID
    backup: str
    live_again: list[str] = dataclasses.field(default_factory=list)
    deleted: list[str] = dataclasses.field(default_factory=list)
    only_there: list[str] = dataclasses.field(default_factory=list)
    """Changes after the backup of the live state, which no backup has."""

    def to_json(self) -> dict[str, object]:
        """Return the plan for programs."""
        return dataclasses.asdict(self)


def plan_rollback(restore: str) -> Consequences:
    """Return the effects of `rollback`, and change nothing. Raises `RestoreRefused` as `rollback` does."""
    journal = kept_journal(restore)
    _require_possible(journal)
    return Consequences(
        journal.restore,
        journal.backup,
        live_again=[f"{one.live}, which is kept as {one.kept}" for one in journal.components],
        deleted=[f"{one.live} with all that was written since the restore" for one in journal.components],
    )


def plan_release(restore: str) -> Consequences:
    """Return what `release` would delete, and change nothing. Raises `RestoreRefused` if nothing is kept."""
    journal = kept_journal(restore)
    kept = [f"{one.kept}, which was {one.live} before the restore" for one in journal.components if one.had_live]
    aside = [path for one in journal.components for path in one.aside]
    return Consequences(journal.restore, journal.backup, deleted=kept + aside, only_there=_only_there(journal))


def _only_there(journal: Journal) -> list[str]:
    return [] if journal.changes is None else journal.changes.lines()


def recover_restores() -> list[str]:
    """Complete or undo interrupted restores, and return a text for each. Safe to call at any time."""
    return recover(_record_result)


def _record_result(journal: Journal) -> None:
    if journal.is_trial:
        journal.forget()
    elif journal.state is State.UNDONE:
        record.fail(journal, RestoreFailed("it was cut off; the live state is what it was before."))
    elif journal.state is State.ROLLED_BACK:
        record.rolled_back(journal)
    elif journal.state is State.RELEASED:
        record.released(journal)
    else:
        record.finish(journal, record.RestoreOutcome())


def _back_up_before_rollback(restore: str) -> LiveBackup | None:
    """Back up all that was written since the restore; return None if the live catalogue cannot be read.

    Raises `RestoreRefused` as `rollback` does, and if there is no such backup.
    """
    journal = kept_journal(restore)
    _require_possible(journal)
    if not record.ledger_is_readable():
        return None
    job = None if journal.backup_job is None else job_by_uuid(journal.backup_job)
    return back_up_live(None if job is None else job_ref(job).place)


def rollback(
    restore: str,
    *,
    safety_backup: bool,
    point_of_no_return: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext,
) -> tuple[Journal, list[str]]:
    """Make the state before a restore live again, with the catalogue's newer rows; return notes for the user.

    `safety_backup` first backs up what the rollback deletes: all that was written since the restore.
    `point_of_no_return` is entered before the catalogue is carried back, as in `Restore`. Raises `RestoreRefused` if
    nothing is kept, if there was nothing before, or if there is no such backup.
    """
    with held(conf.load().storage_root.resolve()) as hold, contextlib.ExitStack() as waiting:
        others: list[str] = []
        if safety_backup and has_hold_middleware():
            others = waiting.enter_context(writers_held(_databases(kept_journal(restore))))
        saved = _back_up_before_rollback(restore) if safety_backup else None
        notes = [*hold.notes, *others, *([] if saved is None else [saved.note])]
        if saved is not None and saved.baseline is not None:
            notes += _written_since(kept_journal(restore), saved.baseline)
        with point_of_no_return(), only_restore():
            hold.enter(Scope.EVERYTHING)
            journal = kept_journal(restore)
            _require_possible(journal)
            notes += _access_brought_back(journal)
            notes += _carry_back(journal)
            complete_rollback(journal)
            return journal, notes + record.rolled_back(journal)


def _databases(journal: Journal) -> list[str]:
    return [component.name for component in journal.components if component.kind in DATABASES]


def _written_since(journal: Journal, baseline: Baseline) -> list[str]:
    lines = compare_live(journal, baseline).lines()
    return ["written after the backup of the live state, and deleted by the rollback:", *lines] if lines else []


def _require_possible(journal: Journal) -> None:
    require_rollback(journal)
    for component in journal.components:
        engine = swap_engine(component)
        if not engine.is_there(component.name, component.kept):
            raise RestoreRefused(
                f"{component.kept!r} is gone; the restore {journal.restore} cannot be rolled back. Restore a backup"
                " instead."
            )
        engine.require_backward(component)


def _access_brought_back(journal: Journal) -> list[str]:
    """Return notes on the access that the rollback brings back, as `compare_access` does for a restore."""
    lines: list[str] = []
    for component in journal.components:
        if component.kind in DATABASES:
            with swap_engine(component).connections_admitted(component):
                kept = msgspec.structs.replace(component, staged=component.kept)
                lines += compare_access([kept], now=timezone.now(), tokens=True)
    return lines


def _carry_back(journal: Journal) -> list[str]:
    component = ledger_component(journal)
    if component is None:
        return []
    swap_engine(component).admit_connections(component)
    obstacle = carry_ledger(component, component.kept)
    return [obstacle] if obstacle else []


def release(restore: str) -> tuple[Journal, list[str]]:
    """Delete what a restore replaced, and return notes for the user. Raises `RestoreRefused` if nothing is kept."""
    with only_restore():
        journal = kept_journal(restore)
        lost = _only_there(journal)
        complete_release(journal)
        notes = ["deleted with it, and in no backup:", *lost] if lost else []
        return journal, notes + record.released(journal)
