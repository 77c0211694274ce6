"""Remove backups according to retention and free their space, or show what would be removed."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from django.core.management.base import CommandParser
from django.utils import timezone

from ... import selectors
from ...backups.presence import find_presence
from ...core.cancellation import stop_signals
from ...core.progress import Tracker
from ...errors import RequestRefused
from ...retention import apply as retention
from ...retention.plan import Verdict, plan_retention
from ...storage.locations import RepositoryPlace
from .. import exitcodes
from ..base import BackupCommand, Options
from ..lookup import configuration_named
from ..terminal import ProgressDisplay, facts, moment, size, table


class Command(BackupCommand):
    help = "Remove the backups that retention no longer keeps, and free their space."
    examples = (
        "backup_prune --dry-run --all",
        "backup_prune --config production_daily_full",
    )
    prints_tables = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--dry-run", action="store_true", help="show what would be removed, why, and the space to be freed"
        )
        parser.add_argument("--config", metavar="NAME", help="only the backups of this configuration")
        parser.add_argument("--all", action="store_true", help="with --dry-run: also show what is kept, with reasons")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--force", action="store_true", help="prune even if it frees little space")
        how.add_argument("--no-prune", action="store_true", help="remove backups, but do not free their space now")

    def run(self, options: Options) -> int:
        if options["all"] and not options["dry_run"]:
            # Only a look at what is kept can be meant.
            raise RequestRefused("--all needs --dry-run. Nothing was removed.")
        now = timezone.now()
        only = [configuration_named(str(options["config"])).pk] if options["config"] else None
        if options["dry_run"]:
            present = find_presence()
            plan = plan_retention(now=now, only=only, going_only=not options["all"], absent=present.absent())
            return self._show_plan(options, plan, retention.skipped_without_storage(present))
        prune = False if options["no_prune"] else True if options["force"] else None
        tracker = Tracker()
        with stop_signals(), ProgressDisplay() as display:
            done = retention.apply_retention(
                now=now, only=only, tracker=tracker, tick=lambda: display.show(tracker.now()), prune=prune
            )
        if options["json"]:
            self.print_json(
                {
                    "removed": [
                        {"job": job.uuid, "name": job.job_name, "reason": job.removal_reason} for job in done.removed
                    ],
                    "pruned": done.pruned,
                    "freed_bytes": done.freed_bytes,
                    "waiting": [
                        {"repository": str(one.place.path), "bytes": one.bytes, "until": one.until}
                        for one in done.waiting
                    ],
                    "postponed": [str(one) for one in done.postponed],
                }
            )
        else:
            table(("Removed", "Reason"), [[job.job_name, job.removal_reason] for job in done.removed])
            facts(
                [
                    ("backups removed", str(len(done.removed))),
                    ("pruned", done.pruned or _why_not(done, force=bool(options["force"]))),
                    ("freed", size(done.freed_bytes)),
                    ("freed later", [_waits(one.place, one.bytes, one.until) for one in done.waiting]),
                    ("postponed", list(map(str, done.postponed))),
                ]
            )
        return _exit_code(done.postponed)

    def _show_plan(self, options: Options, verdicts: list[Verdict], postponed: list[retention.RetentionSkipped]) -> int:
        going = selectors.jobs_by_uuids(one.job for one in verdicts if not one.keep)
        places = retention.forecast(going)
        packages = sum(job.stored_size or 0 for job in going if job.backup_file_path)
        shown = [one for one in verdicts if options["all"] or not one.keep]
        if options["json"]:
            self.print_json(
                {
                    "dry_run": True,
                    "backups": [dataclasses.asdict(one) for one in shown],
                    "repositories": [{**dataclasses.asdict(one), "place": str(one.place.path)} for one in places],
                    "package_bytes": packages,
                    "postponed": list(map(str, postponed)),
                }
            )
            return _exit_code(postponed)
        table(
            ("Backup", "Configuration", "Taken", "Retention", "Reason"),
            [
                [one.job_name, one.configuration, moment(one.taken_at), "keep" if one.keep else "remove", one.reason]
                for one in shown
            ],
        )
        rows = [
            (
                str(one.place.path),
                f"{size(one.freed_bytes)} of {size(one.total_bytes)} can be freed"
                + (f", {size(one.young_bytes)} more {_from(one.young_until)}" if one.young_bytes else "")
                + ("" if one.worth_it or not one.freed_bytes else "; too little for a prune, except with --force"),
            )
            for one in places
        ]
        facts(
            [
                ("backups to remove", str(len(going))),
                *rows,
                ("packages", f"{size(packages)} can be freed" if packages else ""),
                ("postponed", list(map(str, postponed))),
                ("dry run", "nothing was changed"),
            ]
        )
        return _exit_code(postponed)


def _waits(place: RepositoryPlace, size_bytes: int, until: datetime | None) -> str:
    return (
        f"{size(size_bytes)} in {place.path} can be freed {_from(until)}: a prune keeps data stored in the last 24"
        " hours, because a running backup may need it"
    )


def _from(until: datetime | None) -> str:
    return "when the data is a day old" if until is None else f"from {moment(until)} on"


def _exit_code(postponed: list[retention.RetentionSkipped]) -> int:
    """Return the exit code of the first postponed removal."""
    for one in postponed:
        return exitcodes.FAILED if one.error is None else exitcodes.of_error(one.error)
    return exitcodes.OK


def _why_not(done: retention.RetentionResult, *, force: bool) -> str:
    if done.postponed:
        return "nothing: see the postponed removals"
    if force:
        return "nothing: all unused data is of the last 24 hours" if done.waiting else "nothing: no data is unused"
    return "nothing: a prune would free too little, or there was one today"
