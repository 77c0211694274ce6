"""Run a backup now, of a configuration or ad hoc."""

import dataclasses
from pathlib import Path

from django.core.management.base import CommandParser
from django.utils import timezone

from ... import conf, selectors
from ...errors import LedgerUnavailable
from ...executors import dispatch
from ...jobs.plan import plan_backup, require_possible
from ...models import BackupConfiguration, BackupJob, BackupType, JobStatus
from ...policies.job_request import JobRequest
from ...restores import recover_restores
from ...services.jobs import job_create
from ...storage.locations import PLAIN_PACKAGE, SEALED_PACKAGE
from .. import exitcodes
from ..base import BackupCommand, Options
from ..job_views import files, outcome, seconds
from ..lookup import configuration_named
from ..terminal import ProgressDisplay, facts, size

_MOST_PROBLEMS_SHOWN = 20


class Command(BackupCommand):
    help = "Run a backup now: of a configuration (--config), or ad hoc (--type)."
    examples = (
        "trigger_backup --config production_daily_full",
        "trigger_backup --type EXPORT --output /srv/export.tar.gz.gpg",
    )

    def __init__(self) -> None:
        super().__init__()
        self._job: BackupJob | None = None

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--type", choices=BackupType.values, help="run an ad-hoc backup of this type")
        what.add_argument("--config", metavar="NAME", help="run the backup of this configuration")
        parser.add_argument(
            "--output",
            metavar="FILE.tar.gz[.gpg]",
            help="write one package file instead of a snapshot; a name that ends in .tar.gz.gpg encrypts it",
        )
        parser.add_argument("--no-encryption", action="store_true", help="store without encryption")
        parser.add_argument("--no-compression", action="store_true", help="store without compression")
        parser.add_argument(
            "--new-repository",
            action="store_true",
            help="create a new repository, although the catalogue lists backups in one that is lost",
        )
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--detach", action="store_true", help="return at once; the job runs in the background")
        how.add_argument("--dry-run", action="store_true", help="show what would be done, and change nothing")

    def run(self, options: Options) -> int:
        configuration = configuration_named(str(options["config"])) if options["config"] else None
        if configuration is not None and not configuration.is_enabled:
            self.note(f"The schedule of {configuration.name} is disabled. This is a manual run.")
        request = self._request(options, configuration)
        if options["dry_run"]:
            self._show_plan(options, request, configuration)
            return exitcodes.OK
        require_possible(request)
        # Complete an interrupted restore first: a half-restored system must not be backed up.
        for line in recover_restores():
            self.note(line)
        self._job = job = job_create(request, configuration=configuration, now=timezone.now())
        if options["detach"]:
            return self._detach(options, job)
        with ProgressDisplay() as display:
            job = dispatch.run_waiting(job.uuid, executor=conf.load().executor, observer=display.show)
        self._show(options, job)
        return exitcodes.of_status(job.status)

    def _detach(self, options: Options, job: BackupJob) -> int:
        pid = None
        if conf.load().executor == "celery":
            dispatch.submit(job.uuid, now=timezone.now())
        else:
            pid = dispatch.run_detached(job.uuid)
        if options["json"]:
            self.print_json({"job": job.uuid, "status": job.status, "type": job.backup_type, "pid": pid})
        else:
            where = "sent to a Celery worker" if pid is None else f"process {pid}"
            facts([("job", str(job.uuid)), ("status", job.status), ("runs as", where)])
        return exitcodes.OK

    def failed(self, options: Options, error: BaseException) -> None:
        if self._job is None or not options["json"]:
            super().failed(options, error)
            return
        try:
            job = selectors.job_by_uuid(self._job.uuid) or self._job
        except LedgerUnavailable:
            # The row cannot be read any more; the shown error says why.
            job = self._job
        ended = job.status not in selectors.UNFINISHED
        status = job.status if ended else JobStatus.FAILED
        self.print_json({**_result(job), "status": status, "error": self.error_text(error)})

    def _request(self, options: Options, configuration: BackupConfiguration | None) -> JobRequest:
        if configuration is not None:
            request = JobRequest.of_configuration(configuration)
        else:
            request = JobRequest(backup_type=str(options["type"]))
        if options["output"]:
            request = dataclasses.replace(request, output=str(Path(str(options["output"])).absolute()))
        encryption = request.encryption
        if configuration is None and request.output.endswith(PLAIN_PACKAGE):
            encryption = False
        elif request.output.endswith(SEALED_PACKAGE):
            encryption = True
        request = dataclasses.replace(
            request,
            encryption=encryption and not options["no_encryption"],
            compression=request.compression and not options["no_compression"],
            new_repository=bool(options["new_repository"]),
        )
        if request.makes_package and not request.encryption:
            self.note("The package is not encrypted. Keep it in a place that only you can read.")
        return request

    def _show_plan(self, options: Options, request: JobRequest, configuration: BackupConfiguration | None) -> None:
        plan = plan_backup(request, configuration)
        if options["json"]:
            self.print_json({"dry_run": True, **plan.to_json()})
            return
        target = f"{plan.place.path}{'' if plan.repository_exists else ' (will be created)'}" if plan.place else ""
        facts(
            [
                ("type", plan.backup_type),
                ("configuration", plan.configuration),
                ("databases", ", ".join(plan.databases) or "none"),
                ("dumped by", plan.dumped_by),
                ("files", "yes" if plan.files else "no"),
                ("repository", target),
                ("package", str(plan.package or "")),
                ("encrypted", f"yes, passphrase from {plan.passphrase_source}" if plan.encrypted else "no"),
                ("compressed", "yes" if plan.compressed else "no"),
                ("parent", f"snapshot {plan.parent[:8]}" if plan.parent else ""),
                ("warnings", plan.warnings),
                ("dry run", "nothing was changed"),
            ]
        )

    def _show(self, options: Options, job: BackupJob) -> None:
        if options["json"]:
            self.print_json(_result(job))
            return
        problems = [f"{problem['path']}: {problem['reason']}" for problem in job.problems[:_MOST_PROBLEMS_SHOWN]]
        if job.problem_count > len(problems):
            problems.append(f"… {job.problem_count} problems in total")
        facts(
            [
                ("job", f"{job.uuid} ({job.job_name})"),
                ("status", job.status),
                ("trust", job.trust),
                ("snapshot", job.snapshot_id),
                ("package", job.backup_file_path),
                ("size", size(job.backup_size)),
                ("stored", size(job.stored_size)),
                ("files", files(job)),
                ("duration", f"{seconds(job)} s"),
                ("warnings", job.warnings),
                ("problems", problems),
                ("error", job.error_message),
            ]
        )


def _result(job: BackupJob) -> dict[str, object]:
    return {**outcome(job), "problems": job.problems}
