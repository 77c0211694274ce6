"""Show the overview: the protection status, running jobs, the next and the last runs, and what to do."""

from __future__ import annotations

import signal
import sys
import time

from django.core.management.base import CommandParser
from django.utils import timezone
from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from ...doctor.health import health
from ...errors import LedgerUnavailable, RequestRefused
from .. import exitcodes
from ..base import BackupCommand, Options
from ..overview import Overview, as_json, lines, look, rendered
from ..terminal import moment

_PAUSE = 2.0
_LEAST_SECONDS, _MOST_SECONDS = 1.0, 3600.0


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
        parser.add_argument("--every", type=float, metavar="SECONDS", help="with --watch: the pause (default: 2)")

    def run(self, options: Options) -> int:
        if options["watch"]:
            return self._watch(options)
        if options["every"] is not None:
            raise RequestRefused("--every needs --watch.")
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
        """Read the jobs at every turn, with two queries. The findings are at most ten seconds old.

        While the catalogue cannot be read, the screen says why: an unattended one must come back by itself.
        """
        pause = _PAUSE if options["every"] is None else float(str(options["every"]))
        # A comparison with nan is never true.
        if not _LEAST_SECONDS <= pause <= _MOST_SECONDS:
            raise RequestRefused(f"--every must be from {_LEAST_SECONDS:.0f} to {_MOST_SECONDS:,.0f} seconds.")
        if options["json"] or not sys.stdout.isatty():
            raise RequestRefused("--watch needs a terminal and no --json. Without it, the overview is printed once.")
        console = Console(highlight=False)
        # A parent such as a script in the background may have ignored Ctrl-C, which is the only way out.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with Live(rendered(_look()), console=console, auto_refresh=False, vertical_overflow="ellipsis") as live:
                while True:
                    time.sleep(pause)
                    live.update(_rendered_now(pause), refresh=True)
        except KeyboardInterrupt:
            return exitcodes.OK


def _rendered_now(pause: float) -> RenderableType:
    try:
        return rendered(_look())
    except LedgerUnavailable as error:
        return Text(f"{moment(timezone.now())}: {error}\nNext attempt in {pause:g} seconds.", style="bold red")


def _look() -> Overview:
    return look(health(), now=timezone.now())
