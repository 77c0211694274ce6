"""The base of all backup commands: no system checks at the start, errors with exit codes, JSON on request."""

import json
import os
import pwd
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter, OutputWrapper
from django.db import Error as DatabaseFailure

from strongroom.errors import StrongroomError
from strongroom.terminal import guarded_stdout, stdout_has_failed

from ..core.cancellation import JobCancelled
from ..core.paths import one_line
from ..errors import BackupError, RequestRefused
from ..models import AuditOrigin, JobStatus
from ..services.actor import SYSTEM, Actor, acting
from . import exitcodes
from .terminal import Look, shown_as

Options = Mapping[str, object]


class BackupCommand(BaseCommand):
    """Base class: a command reads its options, calls one service and prints the result.

    System checks are off, because commands must also run when the database is gone.
    """

    requires_system_checks = []
    acts_by_itself = False
    """Whether the audit trail names the system as the actor, not the user: the command runs requests of others."""
    prints_tables = False
    """Whether the command prints tables and times, and therefore has `--no-header` and `--utc`."""
    examples: tuple[str, ...] = ()
    """Command lines for `--help`, each from the name of the command on."""
    refusal: type[BackupError] = RequestRefused
    """The error if the user does not confirm, or cannot be asked."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
        if self.prints_tables:
            parser.add_argument("--no-header", action="store_true", help="print tables without their line of titles")
            parser.add_argument("--utc", action="store_true", help="show times in UTC instead of the time zone")

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: object) -> CommandParser:
        """Return the parser, whose help ends with the examples."""
        lines = [f"  {Path(prog_name).name} {example}" for example in self.examples]
        kwargs.setdefault("formatter_class", _Help)
        kwargs.setdefault("epilog", "\n".join(["examples:", *lines]) if lines else None)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def run_from_argv(self, argv: list[str]) -> None:
        """Run the command. It ends if its output cannot be written."""
        with guarded_stdout():
            self.stdout = OutputWrapper(sys.stdout)
            super().run_from_argv(argv)

    def run(self, options: Options) -> int:
        """Do the work and return the exit code. Raises the errors of the backup system and of the engine."""
        raise NotImplementedError

    def handle(self, *_args: object, **options: object) -> None:
        try:
            look = Look(header=not options.get("no_header"), utc=bool(options.get("utc")))
            with acting(SYSTEM if self.acts_by_itself else _operator()), shown_as(look):
                code = self.run(options)
        except (BackupError, StrongroomError, OSError, DatabaseFailure) as error:
            if isinstance(error, OSError) and stdout_has_failed():
                raise
            self.failed(options, error)
            raise CommandError(_lines(self.error_text(error)), returncode=exitcodes.of_error(error)) from error
        except JobCancelled as error:
            self.failed(options, error)
            raise CommandError(_lines(str(error)), returncode=exitcodes.INTERRUPTED) from error
        if code != exitcodes.OK:
            raise SystemExit(code)

    def failed(self, options: Options, error: BaseException) -> None:
        """Print the JSON answer for an error, if requested. The message itself follows on stderr."""
        if options["json"]:
            status = JobStatus.CANCELLED if isinstance(error, JobCancelled) else JobStatus.FAILED
            self.print_json({"status": status, "error": self.error_text(error)})

    def require_consent(self, options: Options, question: str) -> None:
        """Ask the user to confirm, unless `--yes` is given. Raises `refusal` for any answer but yes."""
        if options["yes"]:
            return
        if not sys.stdin.isatty():
            raise self.refusal("There is no terminal to ask for confirmation. Add --yes. Nothing was changed.")
        self.stderr.write(f"{question} Type yes to continue: ", ending="")
        self.stderr.flush()
        if sys.stdin.readline().strip().lower() != "yes":
            raise self.refusal("Not confirmed. Nothing was changed.")

    def print_json(self, values: Mapping[str, object]) -> None:
        """Print the one JSON object on stdout."""
        self.stdout.write(json.dumps(values, ensure_ascii=False, default=str))

    def note(self, text: str) -> None:
        """Tell the user something that is not part of the result, on stderr."""
        self.stderr.write(_lines(text), self.style.WARNING)

    @staticmethod
    def error_text(error: BaseException) -> str:
        """Return the message of an error. One that is not our own begins with its class."""
        if isinstance(error, BackupError | StrongroomError | JobCancelled):
            return str(error)
        return f"{type(error).__name__}: {error}"


class _Help(DjangoHelpFormatter):
    """Keep the lines of the examples."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith("examples:") else super()._fill_text(text, width, indent)


def _lines(text: str) -> str:
    return "\n".join(map(one_line, text.split("\n")))


def _operator() -> Actor:
    """Return the user of the command as the actor: the name of the account, or else its number."""
    number = os.getuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:
        # Accounts in containers often have no name.
        name = f"uid {number}"
    return Actor(f"{name}@{socket.gethostname()}", key=str(number), origin=AuditOrigin.COMMAND)
