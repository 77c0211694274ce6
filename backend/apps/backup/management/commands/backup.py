"""Show the overview: the protection status, running jobs, the next and the last runs, and what to do."""

from __future__ import annotations

import signal
import sys
import time

from django.core.management.base import CommandParser
from django.utils import timezone
from rich.console import Console
from rich.live import Live

from ...doctor.health import health
from ...errors import RequestRefused
from .. import exitcodes
from ..base import BackupCommand, Options
from ..overview import Overview, as_json, lines, look, rendered

_LEAST_SECONDS = 1.0


class Command(BackupCommand):
    help = "Show whether the system is protected, what runs, the next and the last runs, and what to do."
    examples = (
        "backup",
        "backup --watch",
    )
    prints_tables = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--watch", action="store_true", help="keep the overview up to date until Ctrl-C")
        parser.add_argument(
            "--every", type=float, default=2.0, metavar="SECONDS", help="with --watch: the pause (default: 2)"
        )

    def run(self, options: Options) -> int:
        if options["watch"]:
            return self._watch(options)
        seen = _look()
        if options["json"]:
            self.print_json(as_json(seen))
        elif sys.stdout.isatty():
            Console(highlight=False).print(rendered(seen))
        else:
            for title, text, _style in lines(seen):
                self.stdout.write(f"{title}\n  {text}" if title and not options["no_header"] else f"  {text}")
        return exitcodes.OK

    def _watch(self, options: Options) -> int:
        """Read the jobs at every turn, with two queries. The findings are at most ten seconds old."""
        pause = float(str(options["every"]))
        if pause < _LEAST_SECONDS:
            raise RequestRefused(f"--every must be at least {_LEAST_SECONDS:.0f} second.")
        if options["json"] or not sys.stdout.isatty():
            raise RequestRefused("--watch needs a terminal and no --json. Without it, the overview is printed once.")
        console = Console(highlight=False)
        # A parent such as a script in the background may have ignored Ctrl-C, which is the only way out.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with Live(rendered(_look()), console=console, auto_refresh=False, vertical_overflow="ellipsis") as live:
                while True:
                    time.sleep(pause)
                    live.update(rendered(_look()), refresh=True)
        except KeyboardInterrupt:
            return exitcodes.OK


def _look() -> Overview:
    return look(health(), now=timezone.now())
