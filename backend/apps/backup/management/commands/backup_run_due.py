"""Run all due jobs now: for cron, or as a static entry of a Celery Beat that does not read the database."""

from django.core.management.base import CommandParser
from django.utils import timezone

from ... import conf
from ...backups.pack_check import PAUSE, check_packs
from ...core.paths import one_line
from ...core.processes import own_identity
from ...errors import BackupError, IllegalTransition
from ...executors import dispatch
from ...ledger import ledger_alias
from ...models import BackupJob, JobStatus, WokenBy
from ...operations import settle_operations
from ...restores import recover_restores
from ...selectors import jobs_runnable, operations_runnable
from ...selectors.job_queue import configurations_due
from ...services import due_jobs as slots
from ...services.dead_jobs import job_kill_overdue, job_reap
from ...services.executor_registry import cron_beat
from ...services.operations import operations_expire
from ...services.uploads import uploads_expire
from .. import exitcodes
from ..base import BackupCommand, Options
from ..terminal import ProgressDisplay, facts

_MOST = 1000


class Command(BackupCommand):
    acts_by_itself = True
    help = "Run all due and waiting backups; for cron. It is safe to run several at once: no backup runs twice."
    examples = (
        "backup_run_due",
        "backup_run_due --dry-run",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--no-wait", action="store_true", help="hand the jobs to the executor, and return at once")
        parser.add_argument("--dry-run", action="store_true", help="show what would run, and run nothing")

    def run(self, options: Options) -> int:
        now = timezone.now()
        if options["dry_run"]:
            return self._show_due(options)
        for line in recover_restores():
            self.note(line)
        cron_beat(own_identity(), now=now)
        job_kill_overdue(now=now)
        reaped = job_reap(now=now)
        for line in settle_operations(now=now):
            self.note(line)
        operations_expire(now=now)
        uploads_expire(now=now)
        slots.expire_waiting(now=now)
        check_packs(now=now, pause=PAUSE)
        due = slots.run_due(now=now, woken_by=WokenBy.COMMAND)
        ended: list[dict[str, object]] = []
        if options["no_wait"] or conf.load().executor == "celery":
            for job in due:
                ended.append(_facts(job, handed_to=dispatch.submit(job.uuid, now=now)))
        else:
            # Jobs that have waited since earlier run as well: with cron alone there is no other executor.
            for job in jobs_runnable(now=now, limit=_MOST):
                ended.append(self._run(job))
            for operation in operations_runnable(now=now, limit=_MOST):
                self.note(dispatch.run_operation_waiting(operation.uuid))
        if options["json"]:
            self.print_json({"jobs": ended, "found_dead": reaped})
        else:
            for one in ended:
                self.stdout.write(one_line(", ".join(f"{name}: {value}" for name, value in one.items() if value)))
        bad = [one for one in ended if one["status"] in {JobStatus.FAILED, JobStatus.TIMEOUT, JobStatus.CANCELLED}]
        again = [one for one in ended if one["error"]]
        return exitcodes.FAILED if bad or again else exitcodes.OK

    def _run(self, job: BackupJob) -> dict[str, object]:
        try:
            with ProgressDisplay() as display:
                return _facts(dispatch.run_waiting(job.uuid, executor="process", observer=display.show))
        except IllegalTransition as error:
            self.note(f"{job.job_name}: {error}")
            return _facts(job)
        except BackupError as error:
            row = BackupJob.objects.using(ledger_alias()).get(pk=job.pk)
            return {**_facts(row), "error": str(error)}

    def _show_due(self, options: Options) -> int:
        now = timezone.now()
        rows = [
            {"configuration": row.name, "slot": row.next_slot and row.next_slot.isoformat()}
            for row in configurations_due(now=now)
        ]
        waiting = [{"job": job.uuid, "name": job.job_name} for job in jobs_runnable(now=now, limit=_MOST)]
        if options["json"]:
            self.print_json({"dry_run": True, "due": rows, "waiting": waiting})
        else:
            facts(
                [
                    ("due", [f"{row['configuration']} since {row['slot']}" for row in rows] or "none"),
                    ("waiting", [str(job["name"]) for job in waiting] or "none"),
                    ("dry run", "nothing was run"),
                ]
            )
        return exitcodes.OK


def _facts(job: BackupJob, *, handed_to: str = "") -> dict[str, object]:
    return {
        "job": job.uuid,
        "name": job.job_name,
        "status": job.status,
        "error": job.error_message,
        "handed_to": handed_to,
    }
