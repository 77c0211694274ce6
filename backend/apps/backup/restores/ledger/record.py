"""Record a restore in the catalogue, which may be unreadable before the restore, and is another one after it."""

from __future__ import annotations

import dataclasses
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from django.utils import timezone

from strongroom.errors import StrongroomError

from ... import conf
from ...backups.catalogue import catalogue_rebuild
from ...core.manifest import Manifest
from ...errors import BackupError, IllegalTransition, JournalUnwritable, LedgerUnavailable, RestoreNotFound
from ...ledger import ledger_access, ledger_alias
from ...models import BackupJob, RollbackState
from ...selectors import configurations
from ...services.celery_beat import sync_all
from ...services.restores import (
    NewRestore,
    restore_cancel,
    restore_complete,
    restore_create,
    restore_fail,
    restore_phases,
    restore_released,
    restore_rolled_back,
    restore_start,
)
from ..compare import compare_kept
from ..journal import Journal, State
from .carry import ledger_component


@dataclasses.dataclass(frozen=True, slots=True)
class RestoreOutcome:
    """The result of a restore for the catalogue."""

    phases: Sequence[Mapping[str, object]] = ()
    counts: Mapping[str, object] = dataclasses.field(default_factory=dict)
    log: Sequence[str] = ()


def begin(journal: Journal, *, asked_for: bool = False) -> bool:
    """Enter the restore as RUNNING, in its row if it was requested; return False if the catalogue cannot be used.

    Raises `IllegalTransition` if it was requested and the request was cancelled.
    """
    row = NewRestore(
        restore_type=journal.restore_type,
        backup_job=journal.backup_job,
        backup_reference=journal.backup,
        target="live",
        plan=journal.plan,
    )
    try:
        if not asked_for:
            restore_create(row, now=timezone.now(), restore=journal.restore)
        restore_start(journal.restore, now=timezone.now(), plan=journal.plan, restore_type=journal.restore_type)
    except LedgerUnavailable:
        return False
    return True


def ledger_is_readable() -> bool:
    """Return whether the live database has a catalogue that can be read."""
    try:
        with ledger_access("looking for the catalogue"):
            BackupJob.objects.using(ledger_alias()).exists()
    except LedgerUnavailable:
        return False
    return True


def phases(journal: Journal, done: Sequence[Mapping[str, object]]) -> None:
    """Record the progress of the restore."""
    restore_phases(journal.restore, done)


def fail(journal: Journal, error: BaseException) -> None:
    """Record that the restore failed; if that is not possible, add a note to the error."""
    _end(restore_fail, journal, f"{type(error).__name__}: {error}", error)


def cancel(journal: Journal, error: BaseException) -> None:
    """Record that the restore was cancelled; if that is not possible, add a note to the error."""
    _end(restore_cancel, journal, str(error), error)


def _end(end: Callable[..., None], journal: Journal, reason: str, error: BaseException) -> None:
    try:
        end(journal.restore, reason, now=timezone.now())
    except (LedgerUnavailable, IllegalTransition, RestoreNotFound) as also:
        error.add_note(f"The catalogue could not be told: {also}")


def finish(
    journal: Journal,
    outcome: RestoreOutcome,
    *,
    packages: Mapping[Path, Manifest] | None = None,
) -> list[str]:
    """Record a swapped restore in the catalogue that is live now, close the journal, and return notes for the user.

    `packages` are those that the restore has read: in a package's own catalogue, the job that made it is still running.
    """
    compare(journal)
    notes = _set_aside_notes(journal) + _lost(journal)
    kept = any(component.had_live for component in journal.components)
    try:
        if not journal.carried_ledger:
            notes += _rebuild(packages)
            begin_again(journal)
        restore_phases(journal.restore, outcome.phases or None, log=[*outcome.log, *notes, *_to_rebuild()])
        state = RollbackState.AVAILABLE if kept else RollbackState.NONE
        restore_complete(
            journal.restore,
            now=timezone.now(),
            rollback_state=state,
            counts=outcome.counts,
            changes=None if journal.changes is None else journal.changes.to_json(),
        )
    except (IllegalTransition, RestoreNotFound):
        # The restore was interrupted after this step: it is recorded already.
        pass
    except LedgerUnavailable as error:
        restored = ledger_component(journal) is not None
        what = "the restored database holds no usable catalogue" if restored else "the restore is not in the catalogue"
        notes.append(f"{what}: {error} Then run backup_catalogue --rebuild.")
    else:
        notes += _update_schedules()
    notes += _to_rebuild()
    try:
        journal.enter(State.FINISHED)
    except JournalUnwritable as error:
        # The restore is complete; recovery will record that.
        notes.append(str(error))
    return notes


def compare(journal: Journal) -> None:
    """Compare the replaced state with the backup of it, once; the journal keeps the result."""
    if journal.baseline is not None:
        journal.changes, journal.baseline = compare_kept(journal, journal.baseline), None


def _lost(journal: Journal) -> list[str]:
    """Return notes on changes that only the replaced state has, and how to look at it."""
    if journal.changes is None:
        return []
    uncounted = journal.changes.uncounted
    lines, since = journal.changes.lines(), journal.changes.since.isoformat(timespec="seconds")
    if not lines:
        unseen = f"; rows that were only changed are not counted in: {', '.join(uncounted)}" if uncounted else ""
        return [f"nothing was written between the backup of the live state ({since}) and the swap{unseen}"]
    return [
        f"written after the backup of the live state ({since}), and now only in what was replaced:",
        *lines,
        *(f"not counted in the database {name}: rows that were only changed" for name in uncounted),
        f"`restore_backup --open-kept {journal.restore}` says how to look at it, `--release` deletes it",
    ]


def _set_aside_notes(journal: Journal) -> list[str]:
    return [
        f"a program made {component.live} anew while it was being exchanged; what it made is kept as {path}"
        for component in journal.components
        for path in component.aside
        if os.path.lexists(path)
    ]


def _to_rebuild() -> list[str]:
    """Return notes on the parts that the host must rebuild, named in BACKUP_REBUILD_AFTER_RESTORE."""
    return [f"rebuild now: {what}" for what in conf.load().rebuild_after_restore]


def begin_again(journal: Journal) -> None:
    """Enter the restore into the restored catalogue, unless it has it already."""
    try:
        begin(journal)
    except (IllegalTransition, RestoreNotFound):
        return


def _rebuild(packages: Mapping[Path, Manifest] | None) -> list[str]:
    try:
        report = catalogue_rebuild(packages)
    except (BackupError, StrongroomError) as error:
        if isinstance(error, LedgerUnavailable):
            raise
        return [f"the catalogue could not be made again: {error} Run backup_catalogue --rebuild."]
    notes = [f"the catalogue was made again: {len(report.created)} backups entered, {len(report.updated)} corrected"]
    return notes + [f"not entered: {line}" for line in report.unreadable]


def _update_schedules() -> list[str]:
    """Update the rows of Celery Beat, which came back with the database and are those of another day."""
    try:
        changed = sync_all(configurations())
    except LedgerUnavailable as error:
        return [f"the rows of Celery Beat could not be put right: {error}"]
    return [f"{changed} rows of Celery Beat were put right after the restore"] if changed else []


def rolled_back(journal: Journal) -> list[str]:
    """Record the rollback in the catalogue that is live again, and return notes."""
    return (
        _set_aside_notes(journal)
        + (_try_to_record(journal, restore_rolled_back) or _update_schedules())
        + _to_rebuild()
    )


def released(journal: Journal) -> list[str]:
    """Record in the catalogue that nothing is kept any more, and return notes."""
    return _try_to_record(journal, restore_released)


def _try_to_record(journal: Journal, change: Callable[[uuid.UUID], None]) -> list[str]:
    try:
        change(journal.restore)
    except (LedgerUnavailable, IllegalTransition, RestoreNotFound) as error:
        return [f"the catalogue could not be told: {error}"]
    return []
