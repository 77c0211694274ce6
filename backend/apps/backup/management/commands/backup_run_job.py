"""Run one PENDING backup job in this process; started by the process executor."""

import uuid

from django.core.management.base import CommandParser

from ...jobs.run import run_job
from ...restores import recover_restores
from .. import exitcodes
from ..base import BackupCommand, Options


class Command(BackupCommand):
    acts_by_itself = True
    help = "Run one pending backup job in this process. Internal: the process executor starts it."
    examples = (
        "backup_run_job 5f0c3a52-8a7e-4d0b-9b8e-0d6c2f1e4a77",
        "backup_run_job 5f0c3a52-8a7e-4d0b-9b8e-0d6c2f1e4a77 --json",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("job", type=uuid.UUID, help="uuid of the job")

    def run(self, options: Options) -> int:
        # Complete an interrupted restore first: a half-restored system must not be backed up.
        for line in recover_restores():
            self.note(line)
        job = run_job(uuid.UUID(str(options["job"])))
        if options["json"]:
            self.print_json({"job": job.uuid, "status": job.status})
        return exitcodes.of_status(job.status)
