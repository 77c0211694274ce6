"""Run a restore after its plan: stage → verify → carry the catalogue over → swap → record the result there."""

from __future__ import annotations

import contextlib
import datetime
import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.utils import timezone

from .. import conf
from ..backups.references import BackupRef
from ..core.application_hold import Scope, has_hold_middleware, held
from ..core.cancellation import JobCancelled
from ..core.manifest import DatabaseRecord, DataRecord, FileRootRecord
from ..core.progress import Tracker
from ..errors import BackupError, LedgerUnavailable, RestoreFailed, RestoreRefused, RestoreUnfinished
from ..policies.restore_request import RestoreRequest
from ..sources.files import RESTORE_MARK
from .access.compare import compare_access, remove_access
from .backup_source import Origin
from .changes import Changes
from .engines.hold_writes import writers_held
from .engines.registry import database_engine
from .journal import Journal, State, only_restore
from .ledger import record
from .ledger.carry import carry_ledger, ledger_component
from .planning.live import chosen_data, chosen_databases, chosen_roots, live_roots
from .planning.plan import Plan
from .safety_backup import back_up_live
from .staging import stage
from .swap import discard_staged, swap


@dataclass
class RestoreResult:
    """The result of a restore. `replaced` lists what is kept for a rollback; `notes` are for the user.

    `changes` are the writes after the backup of the live state; None if there was no such backup.
    """

    restore: uuid.UUID
    status: str
    phases: list[dict[str, object]] = field(default_factory=list)
    replaced: list[dict[str, object]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    changes: Changes | None = None
    seconds: float = 0.0


@dataclass
class Restore:
    """One restore to the live system, done by `run`. `tick` is called often, to show the progress of `tracker`.

    `asked_for` is the row of a restore that was requested before. `point_of_no_return` is entered before the catalogue
    is carried over, and left after the swap: an error that it raises still ends the restore, and no other process may
    write to the catalogue meanwhile.
    """

    ref: BackupRef
    origin: Origin
    plan: Plan
    request: RestoreRequest
    tracker: Tracker
    tick: Callable[[], None]
    asked_for: uuid.UUID | None = None
    point_of_no_return: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext

    def run(self) -> RestoreResult:
        """Run the restore. Raises the error that stopped it; the live system is then the same as before."""
        if self.plan.blocking:
            raise RestoreRefused("The restore cannot be done: " + "; ".join(self.plan.blocking))
        result = RestoreResult(self.asked_for or uuid.uuid4(), "RUNNING")
        clock = time.monotonic()
        with only_restore():
            journal = Journal(
                restore=result.restore,
                backup=str(self.ref),
                backup_job=uuid.UUID(self.origin.manifest.job.uuid),
                restore_type=self.plan.restore_type,
                state=State.STAGING,
                created_at=datetime.datetime.now(datetime.UTC),
                plan=self.plan.to_json(),
            )
            journal.save()
            result.notes += self.origin.notes
            if not journal.path.exists():
                result.notes.append(f"the storage cannot be written; the journal of the restore is {journal.spare}")
            with contextlib.ExitStack() as swapping:
                hold = swapping.enter_context(held(conf.load().storage_root.resolve()))
                result.notes += hold.notes
                in_ledger = False
                try:
                    in_ledger = record.begin(journal, asked_for=self.asked_for is not None)
                    if not in_ledger:
                        result.notes.append("the live catalogue cannot be read; the new one records the restore")
                    if self.plan.safety_backup and has_hold_middleware():
                        result.notes += swapping.enter_context(writers_held(self._databases()))
                    self._stage(journal, result, in_ledger=in_ledger)
                    swapping.enter_context(self.point_of_no_return())
                    hold.enter(Scope.EVERYTHING)
                    if in_ledger:
                        self._carry(journal, result)
                except BaseException as error:
                    self._discard_staged(journal, error, in_ledger=in_ledger)
                    raise
                with self._phase(result, "swapping"):
                    self._swap(journal, in_ledger=in_ledger)
            self._record_result(journal, result)
        result.seconds = round(time.monotonic() - clock, 3)
        result.status = "COMPLETED"
        result.replaced = [
            {"kind": one.kind.value, "name": one.name, "live": one.live, "kept": one.kept}
            for one in journal.components
            if one.had_live
        ]
        return result

    def _databases(self) -> list[str]:
        """Return the aliases of the databases that are replaced."""
        manifest, only = self.origin.manifest, self.request.only
        return [
            *(one.alias for one in chosen_databases(manifest, only)),
            *(one.alias for one in chosen_data(manifest, only)),
        ]

    def _record_result(self, journal: Journal, result: RestoreResult) -> None:
        if journal.baseline is not None:
            with self._phase(result, "comparing what was replaced"):
                record.compare(journal)
        with self._phase(result, "updating the catalogue"):
            read = {} if self.ref.package is None else {self.ref.package: self.origin.manifest}
            outcome = record.RestoreOutcome(result.phases, self.plan.counts, result.notes)
            result.notes += record.finish(journal, outcome, packages=read)
        result.changes = journal.changes

    def _stage(self, journal: Journal, result: RestoreResult, *, in_ledger: bool) -> None:
        recorded = journal if in_ledger else None
        if self.plan.safety_backup:
            with self._phase(result, "backing up the live state", journal=recorded):
                saved = back_up_live(self.ref.place)
                result.notes.append(saved.note)
                journal.baseline = saved.baseline
                journal.save()
        for database in chosen_databases(self.origin.manifest, self.request.only):
            with self._phase(result, f"restoring the database {database.alias}", database.size, journal=recorded):
                result.notes += self._stage_database(journal, database)
        data = chosen_data(self.origin.manifest, self.request.only)
        if data:
            with self._phase(result, "restoring the rows", sum(database.size for database in data), journal=recorded):
                result.notes += self._stage_data(journal, data)
        if self._databases():
            with self._phase(result, "comparing accounts", journal=recorded):
                result.notes += self._guard_access(journal)
        roots = chosen_roots(self.origin.manifest, self.request.only)
        if roots:
            with self._phase(result, "restoring the files", sum(root.bytes for root in roots), journal=recorded):
                result.notes += self._stage_files(journal, roots)

    def _guard_access(self, journal: Journal) -> list[str]:
        """Return notes on the access that comes back, and remove sessions and tokens before the swap."""
        drop, now = self.plan.drop_access, timezone.now()
        # Remove before comparing: the comparison then also sees the effects of triggers in the backup.
        removed = remove_access(journal.components, now=now) if drop else []
        return compare_access(journal.components, now=now, tokens=not drop) + removed

    def _discard_staged(self, journal: Journal, error: BaseException, *, in_ledger: bool) -> None:
        try:
            discard_staged(journal)
        except (BackupError, OSError) as also:
            # The journal still names the staged data: the next restore or backup removes it.
            error.add_note(f"The staged data could not be removed: {also}")
        if in_ledger and isinstance(error, JobCancelled):
            record.cancel(journal, error)
        elif in_ledger:
            record.fail(journal, error)

    def _swap(self, journal: Journal, *, in_ledger: bool) -> None:
        try:
            swap(journal)
        except RestoreUnfinished:
            # The row stays RUNNING: recovery completes the restore and records its result.
            raise
        except Exception as error:
            if in_ledger:
                record.fail(journal, error)
            if isinstance(error, BackupError):
                raise
            raise RestoreFailed(f"The swap failed ({error}); the old state was put back.") from error

    @contextlib.contextmanager
    def _phase(
        self, result: RestoreResult, name: str, total: int | None = None, *, journal: Journal | None = None
    ) -> Iterator[None]:
        started, clock = timezone.now(), time.monotonic()
        self.tracker.begin(name, total_bytes=total)
        self.tick()
        yield
        result.phases.append(
            {"phase": name, "started_at": started.isoformat(), "seconds": round(time.monotonic() - clock, 3)}
        )
        if journal is not None:
            # The progress can also be recorded later.
            with contextlib.suppress(LedgerUnavailable):
                record.phases(journal, result.phases)

    def _progress(self, files: int, size: int) -> None:
        self.tracker.reached(files=files, bytes_done=size)
        self.tick()

    def _stage_database(self, journal: Journal, database: DatabaseRecord) -> list[str]:
        component = stage.announce_database(journal, database.alias)
        engine = database_engine(component)
        engine.create_for_dump(database, component.staged)
        return engine.load_dump(
            database,
            component.staged,
            self.origin,
            like=component.live,
            leave_out=self.request.leave_out,
            progress=self._progress,
        )

    def _stage_data(self, journal: Journal, data: list[DataRecord]) -> list[str]:
        def phase(name: str) -> None:
            self.tracker.begin(name, total_bytes=sum(database.size for database in data))
            self.tick()

        return stage.stage_rows(
            journal, self.origin, data, leave_out=self.request.leave_out, progress=self._progress, phase=phase
        )

    def _stage_files(self, journal: Journal, roots: list[FileRootRecord]) -> list[str]:
        ending = f"{RESTORE_MARK}{journal.restore.hex[:8]}"
        places = live_roots()
        routes: dict[bytes, Path] = {}
        for root in roots:
            component = stage.folder_component(root.name, places[root.name].path, ending)
            stage.announce(journal, component)
            routes[b"files/" + os.fsencode(root.name)] = Path(component.staged)
        notes = self.origin.unpack(routes, self._progress)
        return notes + [note for component in journal.components for note in stage.remove_conflicts(component)]

    def _carry(self, journal: Journal, result: RestoreResult) -> None:
        with self._phase(result, "carrying the catalogue over"):
            record.phases(journal, result.phases)
            component = ledger_component(journal)
            obstacle = "" if component is None else carry_ledger(component, component.staged)
            journal.carried_ledger = not obstacle
            result.notes += [obstacle] if obstacle else []
