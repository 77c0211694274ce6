"""List, show, cancel and pin backup jobs, and remove their backups."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import datetime

from django.core.management.base import CommandParser
from django.utils import timezone

from ... import selectors
from ...core.paths import one_line
from ...core.progress import Progress, Tracker
from ...errors import JobNotFound, RequestRefused
from ...models import BackupJob, BackupType, JobStatus
from ...retention.apply import remove_backups
from ...services.jobs import job_cancel_request, job_pin
from .. import exitcodes
from ..base import BackupCommand, Options
from ..job_views import FULL_TITLES, OPTIONAL, as_json, duration, files, full_row
from ..lookup import LATEST, configuration_named, job_named
from ..terminal import ProgressDisplay, describe, facts, moment, size, table

_CANCEL_SECONDS = 20.0
_MOST_PROBLEMS_SHOWN = 20


class Command(BackupCommand):
    help = "List backup jobs, show a job or its log, cancel a job, pin or remove its backup."
    examples = (
        "backup_jobs --status FAILED --limit 5",
        "backup_jobs --log latest --config production_daily_full",
    )
    prints_tables = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.description = (
            f"{self.help} JOB is a name, the beginning of a uuid or snapshot id, or `latest`: the newest job, with"
            " --config, --type or --status the newest of these."
        )
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--list", action="store_true", help="list the newest jobs; this is the default")
        what.add_argument("--show", metavar="JOB", help="show all details of a job")
        what.add_argument("--log", metavar="JOB", help="show the log of a job")
        what.add_argument("--cancel", metavar="JOB", help="cancel a job that is running or waiting")
        what.add_argument("--pin", metavar="JOB", help="pin its backup, so that retention keeps it")
        what.add_argument("--unpin", metavar="JOB", help="unpin its backup, so that retention applies again")
        what.add_argument(
            "--remove", metavar="JOB", help="remove its backup from the storage; the job stays in the list"
        )
        parser.add_argument(
            "--status", choices=JobStatus.values, action="append", help="only jobs of this status; may be repeated"
        )
        parser.add_argument("--config", metavar="NAME", help="only jobs of this configuration")
        parser.add_argument("--type", choices=BackupType.values, help="only jobs of this type")
        parser.add_argument("--limit", type=int, default=25, metavar="N", help="list at most N jobs (default: 25)")
        parser.add_argument("--reason", default="", metavar="TEXT", help="the reason to cancel, pin or remove")
        parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")
        parser.add_argument("--dry-run", action="store_true", help="show what would be done, and change nothing")

    def run(self, options: Options) -> int:
        actions: dict[str, Callable[[Options, BackupJob], int]] = {
            "show": self._show,
            "log": self._log,
            "cancel": self._cancel,
            "pin": self._pin,
            "unpin": self._pin,
            "remove": self._remove,
        }
        for name, action in actions.items():
            if options[name]:
                return action(options, self._named(options, str(options[name])))
        return self._list(options)

    def _named(self, options: Options, text: str) -> BackupJob:
        """Return the job with this name; `latest` is the newest one that the filters leave."""
        if text != LATEST:
            return job_named(text)
        found = self._filtered(options, limit=1)
        if not found:
            raise JobNotFound("There is no job that matches. `backup_jobs --list` shows all jobs.")
        return selectors.job_by_uuid(found[0].uuid) or found[0]

    def _filtered(self, options: Options, *, limit: int) -> list[BackupJob]:
        statuses = options["status"]
        return selectors.jobs_newest(
            limit=limit,
            statuses=statuses if isinstance(statuses, list) else None,
            configuration=configuration_named(str(options["config"])) if options["config"] else None,
            backup_type=str(options["type"] or ""),
        )

    def _list(self, options: Options) -> int:
        limit = int(str(options["limit"]))
        if limit < 1:
            raise RequestRefused("--limit must be at least 1.")
        jobs = self._filtered(options, limit=limit)
        if options["json"]:
            self.print_json({"jobs": [as_json(job) for job in jobs]})
            return exitcodes.OK
        if not jobs:
            self.note("No jobs found.")
        table(FULL_TITLES, [full_row(job) for job in jobs], optional=OPTIONAL)
        return exitcodes.OK

    def _show(self, options: Options, job: BackupJob) -> int:
        if options["json"]:
            more = {"log": selectors.job_log(job), "manifest": job.manifest, "rehearsal": job.rehearsal}
            self.print_json({**as_json(job), **more})
            return exitcodes.OK
        problems = [f"{problem['path']}: {problem['reason']}" for problem in job.problems[:_MOST_PROBLEMS_SHOWN]]
        progress = f"{job.progress.get('phase', '')} {describe(Progress(**job.progress))}" if job.progress else ""
        facts(
            [
                ("job", job.job_name),
                ("uuid", str(job.uuid)),
                ("configuration", job.configuration_name or "ad hoc"),
                ("type", job.backup_type),
                ("status", job.status),
                ("trust", job.trust),
                ("rehearsal", str(job.get_rehearsal_state_display()) if job.rehearsal_state else ""),
                ("progress", progress if job.status == JobStatus.RUNNING else ""),
                ("requested by", str(job.get_trigger_display())),
                ("slot", moment(job.slot)),
                ("attempt", str(job.attempt) if job.attempt > 1 else ""),
                ("retry after", moment(job.not_before)),
                ("queued", moment(job.queued_at)),
                ("started", moment(job.started_at)),
                ("ended", moment(job.completed_at)),
                ("duration", duration(job)),
                ("worker", job.worker),
                ("snapshot", job.snapshot_id),
                ("package", job.backup_file_path),
                ("size", size(job.backup_size)),
                ("stored", size(job.stored_size)),
                ("files", files(job)),
                ("pinned", (job.pin_reason or "yes") if job.is_pinned else ""),
                ("removed", f"{moment(job.removed_at)}: {job.removal_reason}" if job.removal_started_at else ""),
                ("warnings", job.warnings),
                ("problems", [*problems, f"{job.problem_count} in total"] if job.problem_count else []),
                ("error", job.error_message),
            ]
        )
        return exitcodes.OK

    def _log(self, options: Options, job: BackupJob) -> int:
        lines = selectors.job_log(job)
        if options["json"]:
            self.print_json({"job": job.uuid, "log": lines})
            return exitcodes.OK
        for line in lines:
            self.stdout.write(f"{moment(datetime.fromisoformat(line['at']), seconds=True)} {one_line(line['text'])}")
        return exitcodes.OK

    def _cancel(self, options: Options, job: BackupJob) -> int:
        if options["dry_run"]:
            return self._answer(options, job, f"{job.job_name} is {job.status} and would be cancelled.")
        reason = str(options["reason"]) or "Cancelled by hand."
        job_cancel_request(job.uuid, reason, now=timezone.now())
        row = job
        deadline = time.monotonic() + _CANCEL_SECONDS
        while (row := selectors.job_by_uuid(job.uuid) or job).status == JobStatus.RUNNING:
            if time.monotonic() > deadline:
                self._answer(options, row, f"{job.job_name} was asked to stop, but is still RUNNING.")
                return exitcodes.FAILED
            time.sleep(0.2)
        return self._answer(options, row, f"{row.job_name} is {row.status}.")

    def _pin(self, options: Options, job: BackupJob) -> int:
        pinned = bool(options["pin"])
        done = "pinned" if pinned else "no longer pinned"
        if options["dry_run"]:
            return self._answer(options, job, f"{job.job_name} would be {done}. Nothing was changed.")
        job_pin(job.uuid, pinned=pinned, reason=str(options["reason"]))
        return self._answer(options, job, f"{job.job_name} is {done}.")

    def _remove(self, options: Options, job: BackupJob) -> int:
        if job.is_pinned:
            raise RequestRefused(
                f"{job.job_name} is pinned ({job.pin_reason or 'without a reason'}). Unpin it first, with --unpin."
            )
        if not job.snapshot_id and not job.backup_file_path:
            raise RequestRefused(f"{job.job_name} has no stored backup; its status is {job.status}.")
        if job.removed_at is not None:
            raise RequestRefused(f"The backup of {job.job_name} was already removed: {job.removal_reason}.")
        what = f"snapshot {job.snapshot_id[:8]}" if job.snapshot_id else f"package {job.backup_file_path}"
        if options["dry_run"]:
            return self._answer(options, job, f"Would be removed: {what} of {job.job_name}. Nothing was changed.")
        self.require_consent(options, f"Remove the backup {job.job_name} ({what}) permanently?")
        reason = str(options["reason"]) or "removed by hand"
        tracker = Tracker()
        with ProgressDisplay() as display:
            done = remove_backups(
                {uuid.UUID(str(job.uuid)): reason},
                now=timezone.now(),
                tracker=tracker,
                tick=lambda: display.show(tracker.now()),
                prune=False,
            )
        if job.uuid not in {one.uuid for one in done.removed}:
            raise RequestRefused(
                "; ".join(map(str, done.postponed)) or f"{job.job_name} was not removed: a restore needs it."
            )
        return self._answer(
            options, job, f"The backup of {job.job_name} is removed. Run `backup_prune` to free its space."
        )

    def _answer(self, options: Options, job: BackupJob, text: str) -> int:
        if options["json"]:
            row = selectors.job_by_uuid(job.uuid) or job
            self.print_json({"dry_run": bool(options["dry_run"]), "done": text, **as_json(row)})
        else:
            self.stdout.write(text)
        return exitcodes.OK
