"""Restore a backup to the live system (plan, stage, swap), or all or a part of it to a folder or a new database."""

from __future__ import annotations

import time
import uuid
from datetime import datetime
from pathlib import Path

from django.core.management.base import CommandParser
from django.utils import timezone

from ...backups.references import BackupRef
from ...core.progress import Tracker
from ...errors import LedgerUnavailable
from ...policies.restore_request import RestoreRequest
from ...restores import (
    Consequences,
    Opened,
    Plan,
    Restore,
    RestoreRefused,
    interrupted_restores,
    journals,
    ledger_is_readable,
    open_kept,
    open_origin,
    plan_open_kept,
    plan_release,
    plan_restore,
    plan_rollback,
    plan_to_database,
    plan_to_folder,
    recover_restores,
    release,
    restore_to_database,
    restore_to_folder,
    rollback,
)
from ...restores.backup_source import Origin
from ...restores.journal import UNFINISHED
from ...services.restores import NewRestore, restore_beside_record
from .. import exitcodes
from ..base import BackupCommand, Options
from ..restore_options import add_restore_options, named_backup, restore_request
from ..restore_views import opened_facts, plan_facts, result_facts
from ..terminal import ProgressDisplay, facts, moment, table


class Command(BackupCommand):
    refusal = RestoreRefused
    help = "Restore a backup to the live system, a folder or a new database; list and roll back restores."
    examples = (
        "restore_backup latest --dry-run",
        "restore_backup latest --to-folder /tmp/restored --path files/media/2026/a.pdf",
    )
    prints_tables = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_restore_options(parser)

    def run(self, options: Options) -> int:
        self._recover(options)
        if options["list"]:
            return self._list(options)
        if options["open_kept"]:
            opening = plan_open_kept if options["dry_run"] else open_kept
            return self._show_kept(options, opening(str(options["open_kept"])))
        if options["rollback"] or options["release"]:
            return self._change(options)
        request = restore_request(options)
        ref = named_backup(options, request)
        with open_origin(ref) as origin:
            if request.target == "folder":
                plan = plan_to_folder(ref, origin, request, Path(request.name).absolute())
            else:
                plan = self._plan(options, ref, origin, request)
            if options["dry_run"]:
                self._show_plan(options, plan)
                return exitcodes.FAILED if plan.blocking else exitcodes.OK
            if not options["json"]:
                self._show_plan(options, plan)
            if plan.blocking:
                raise RestoreRefused("Nothing was changed. The restore is not possible: " + "; ".join(plan.blocking))
            if plan.to_folder or plan.to_database:
                return self._restore_beside_live(options, plan, origin, request)
            self.require_consent(options, "Replace the live system with this backup?")
            return self._restore(options, plan, Restore(ref, origin, plan, request, Tracker(), lambda: None))

    def _recover(self, options: Options) -> None:
        if options["dry_run"]:
            for journal in interrupted_restores():
                self.note(
                    f"The restore {journal.restore} of {journal.backup} was interrupted ({journal.state.value})."
                    " Without --dry-run, this command completes or undoes it first."
                )
            return
        for line in recover_restores():
            self.note(line)

    def _plan(self, options: Options, ref: BackupRef, origin: Origin, request: RestoreRequest) -> Plan:
        safety = request.safety_backup and ledger_is_readable()
        # A real restore tests the rows beside the live database before it replaces anything.
        tried = bool(options["dry_run"])
        tracker = Tracker()
        with ProgressDisplay() as display:
            if origin.manifest.data:
                tracker.begin("reading the package", total_bytes=sum(record.size for record in origin.manifest.data))

            def progress(files: int, size: int) -> None:
                tracker.reached(files=files, bytes_done=size)
                display.show(tracker.now())

            if request.target == "database":
                return plan_to_database(ref, origin, request, request.name, progress=progress, tried=tried)
            return plan_restore(ref, origin, request, safety_backup=safety, progress=progress, tried=tried)

    def _restore(self, options: Options, plan: Plan, work: Restore) -> int:
        with ProgressDisplay() as display:
            work.tick = lambda: display.show(work.tracker.now())
            result = work.run()
        if options["json"]:
            self.print_json(
                {
                    "restore": result.restore,
                    "status": result.status,
                    "backup": plan.backup,
                    "job": plan.backup_job,
                    "seconds": result.seconds,
                    "phases": result.phases,
                    "replaced": result.replaced,
                    "changes": None if result.changes is None else result.changes.to_json(),
                    "notes": result.notes,
                    "warnings": plan.warnings,
                }
            )
        else:
            facts(result_facts(result))
        return exitcodes.OK

    def _restore_beside_live(self, options: Options, plan: Plan, origin: Origin, request: RestoreRequest) -> int:
        tracker, clock, began = Tracker(), time.monotonic(), timezone.now()
        target = f"folder {plan.to_folder}" if plan.to_folder else f"database {plan.to_database}"

        try:
            with ProgressDisplay() as display:

                def tick() -> None:
                    display.show(tracker.now())

                if plan.to_folder:
                    notes = restore_to_folder(origin, plan, tracker, tick)
                else:
                    notes = restore_to_database(origin, plan, request, tracker, tick)
        except BaseException as error:
            reason = f"{type(error).__name__}: {error}"
            for line in _record(plan, target, began=began, reason=reason):
                error.add_note(line)
            raise
        seconds = time.monotonic() - clock
        notes = [*notes, *_record(plan, target, began=began)]
        if options["json"]:
            self.print_json(
                {
                    "restore": None,
                    "status": "COMPLETED",
                    "to_folder": plan.to_folder,
                    "to_database": plan.to_database,
                    "seconds": seconds,
                    "notes": notes,
                }
            )
        else:
            where = [("folder", plan.to_folder), ("database", plan.to_database)]
            facts([("status", "COMPLETED"), ("took", f"{seconds:.1f} s"), *where, ("notes", notes)])
        return exitcodes.OK

    def _list(self, options: Options) -> int:
        known = journals()
        if options["json"]:
            rows = [
                {
                    "restore": one.restore,
                    "state": one.state.value,
                    "backup": one.backup,
                    "created_at": one.created_at.isoformat(),
                    "kept": one.kept,
                }
                for one in known
            ]
            self.print_json({"restores": rows})
            return exitcodes.OK
        shown = [one for one in known if one.kept or one.state in UNFINISHED]
        if shown:
            lines = [
                [str(one.restore), one.state.value, moment(one.created_at), one.backup, ", ".join(one.kept)]
                for one in shown
            ]
            table(("Restore", "State", "Created", "Backup", "Kept"), lines)
        ended = len(known) - len(shown)
        words = "restore keeps" if ended == 1 else "restores keep"
        past = f" {ended} earlier {words} nothing any more; --json lists them." if ended else ""
        self.note(f"{len(shown) or 'No'} restore{'' if len(shown) == 1 else 's'} with replaced data still kept.{past}")
        return exitcodes.OK

    def _change(self, options: Options) -> int:
        if options["dry_run"]:
            plan = plan_rollback if options["rollback"] else plan_release
            return self._show_consequences(options, plan(str(options["rollback"] or options["release"])))
        if options["rollback"]:
            self.require_consent(
                options, "Make the state before this restore live again, and delete everything written since?"
            )
            journal, notes = rollback(str(options["rollback"]), safety_backup=not options["no_safety_backup"])
        else:
            for line in plan_release(str(options["release"])).only_there:
                self.note(f"Will be deleted, and is in no backup: {line}")
            self.require_consent(options, "Delete the data that this restore replaced?")
            journal, notes = release(str(options["release"]))
        if options["json"]:
            self.print_json({"restore": journal.restore, "status": journal.state.value, "notes": notes})
        else:
            facts([("restore", str(journal.restore)), ("status", journal.state.value), ("notes", notes)])
        return exitcodes.OK

    def _show_consequences(self, options: Options, plan: Consequences) -> int:
        if options["json"]:
            self.print_json({"dry_run": True, **plan.to_json()})
        else:
            backed_up = bool(options["rollback"]) and not options["no_safety_backup"] and ledger_is_readable()
            facts(
                [
                    ("restore", f"{plan.restore} of {plan.backup}"),
                    ("backed up first", "the live state" if backed_up else ""),
                    ("live again", plan.live_again),
                    ("deleted", plan.deleted),
                    ("in no backup", plan.only_there),
                    ("dry run", "nothing was changed"),
                ]
            )
        return exitcodes.OK

    def _show_kept(self, options: Options, opened: Opened) -> int:
        if options["json"]:
            self.print_json({"dry_run": bool(options["dry_run"]), **opened.to_json()})
            return exitcodes.OK
        facts(opened_facts(opened, dry_run=bool(options["dry_run"])))
        return exitcodes.OK

    def _show_plan(self, options: Options, plan: Plan) -> None:
        if options["json"]:
            self.print_json({"dry_run": True, **plan.to_json()})
        else:
            facts(plan_facts(plan))


def _record(plan: Plan, target: str, *, began: datetime, reason: str = "") -> list[str]:
    """Record a restore beside the live system in the catalogue; return a note if the catalogue cannot be written."""
    new = NewRestore(
        restore_type=plan.restore_type,
        backup_job=uuid.UUID(plan.backup_job) if plan.backup_job else None,
        backup_reference=plan.backup,
        target=target,
        plan=plan.to_json(),
    )
    try:
        restore_beside_record(new, began=began, now=timezone.now(), counts=plan.counts, reason=reason)
    except LedgerUnavailable as error:
        return [f"this restore is not in the catalogue: {error}"]
    return []
