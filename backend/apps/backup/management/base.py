"""What all commands of the backup system share: no checks at the start, errors with exit codes, JSON on request."""

import json
import os
import pwd
import socket
import sys
from collections.abc import Mapping

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseFailure

from strongroom.errors import StrongroomError

from ..core.cancellation import JobCancelled
from ..core.paths import one_line
from ..errors import BackupError, RequestRefused
from ..models import AuditOrigin, JobStatus
from ..services.actor import SYSTEM, Actor, acting
from . import exitcodes

Options = Mapping[str, object]


class BackupCommand(BaseCommand):
    """Fetches, calls one service, shapes the answer. It must run when the database is gone: no checks."""

    requires_system_checks = []
    acts_by_itself = False
    """What it does is put down to the system, and not to whoever typed it: it runs what others have asked for."""
    refusal: type[BackupError] = RequestRefused
    """What is raised when somebody who was asked says no, or cannot be asked."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")

    def run(self, options: Options) -> int:
        """Do the work; the exit code. Raises the errors of the backup system and of the engine."""
        raise NotImplementedError

    def handle(self, *_args: object, **options: object) -> None:
        try:
            with acting(SYSTEM if self.acts_by_itself else _operator()):
                code = self.run(options)
        except (BackupError, StrongroomError, OSError, DatabaseFailure) as error:
            self.failed(options, error)
            raise CommandError(_lines(self._said(error)), returncode=exitcodes.of_error(error)) from error
        except JobCancelled as error:
            self.failed(options, error)
            raise CommandError(_lines(str(error)), returncode=exitcodes.INTERRUPTED) from error
        if code != exitcodes.OK:
            raise SystemExit(code)

    def failed(self, options: Options, error: BaseException) -> None:
        """Shape the answer for an error; the message itself follows on stderr."""
        if options["json"]:
            status = JobStatus.CANCELLED if isinstance(error, JobCancelled) else JobStatus.FAILED
            self.print_json({"status": status, "error": self._said(error)})

    def require_consent(self, options: Options, question: str) -> None:
        """Ask, unless `--yes` says that nobody needs to; raises `refusal` for any other answer than yes."""
        if options["yes"]:
            return
        if not sys.stdin.isatty():
            raise self.refusal("Without a terminal to ask on, this needs --yes; nothing was changed.")
        self.stderr.write(f"{question} Type yes to go on: ", ending="")
        self.stderr.flush()
        if sys.stdin.readline().strip().lower() != "yes":
            raise self.refusal("Not confirmed; nothing was changed.")

    def print_json(self, values: Mapping[str, object]) -> None:
        """The one JSON object on stdout."""
        self.stdout.write(json.dumps(values, ensure_ascii=False, default=str))

    def note(self, text: str) -> None:
        """Something for the user that is not part of the result."""
        self.stderr.write(_lines(text), self.style.WARNING)

    @staticmethod
    def _said(error: BaseException) -> str:
        if isinstance(error, BackupError | StrongroomError | JobCancelled):
            return str(error)
        return f"{type(error).__name__}: {error}"


def _lines(text: str) -> str:
    return "\n".join(map(one_line, text.split("\n")))


def _operator() -> Actor:
    """Whoever typed the command, by the name or else the number of the account."""
    number = os.getuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:
        # As containers have it.
        name = f"uid {number}"
    return Actor(f"{name}@{socket.gethostname()}", key=str(number), origin=AuditOrigin.COMMAND)
