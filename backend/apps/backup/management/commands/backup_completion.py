"""Print the script that lets a shell complete the backup commands."""

from django.core.management.base import CommandParser

from .. import exitcodes
from ..base import BackupCommand, Options
from ..completion import SHELLS, script


class Command(BackupCommand):
    help = "Print a completion script for a shell. Usage: `source <(python manage.py backup_completion bash)`."
    examples = (
        "backup_completion bash",
        "backup_completion fish",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("shell", choices=SHELLS)

    def run(self, options: Options) -> int:
        text = script(str(options["shell"]))
        if options["json"]:
            self.print_json({"shell": options["shell"], "script": text})
        else:
            self.stdout.write(text.rstrip("\n"))
        return exitcodes.OK
