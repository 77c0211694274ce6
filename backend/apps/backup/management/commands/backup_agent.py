"""Run the agent, which watches the schedules and runs the jobs without a broker."""

from django.core.management.base import CommandParser
from django.utils import timezone

from ...core.paths import one_line
from ...core.timezones import with_offset
from ...errors import RequestRefused
from ...executors.agent import Agent
from ...restores import recover_restores
from ...selectors import configurations
from ...services.celery_beat import sync_all
from .. import exitcodes
from ..base import BackupCommand, Options


class Command(BackupCommand):
    acts_by_itself = True
    help = "Run the agent: watch the schedules and run the jobs until SIGTERM or Ctrl-C."
    examples = (
        "backup_agent",
        "backup_agent --jobs 4",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--jobs", type=int, default=2, metavar="N", help="run at most N jobs at the same time (default: 2)"
        )

    def run(self, options: Options) -> int:
        jobs = int(str(options["jobs"]))
        if jobs < 1:
            raise RequestRefused("--jobs must be at least 1. Nothing was started.")
        # Complete an interrupted restore first: a half-restored system must not be backed up.
        for line in recover_restores():
            self.note(line)
        sync_all(configurations())
        agent = Agent(jobs_at_once=jobs, log=self._log)
        agent.run()
        return exitcodes.OK

    def _log(self, line: str) -> None:
        self.stdout.write(f"{timezone.localtime(with_offset(timezone.now())):%Y-%m-%d %H:%M:%S} {one_line(line)}")
        self.stdout.flush()
