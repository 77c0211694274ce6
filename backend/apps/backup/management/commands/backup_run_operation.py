"""Run one PENDING operation in this process; started by an executor."""

import uuid

from django.core.management.base import CommandParser

from ...models import OperationStatus
from ...operations import run_operation
from ...restores import recover_restores
from .. import exitcodes
from ..base import BackupCommand, Options


class Command(BackupCommand):
    acts_by_itself = True
    help = "Run one pending operation of the API in this process. Internal: an executor starts it."
    examples = (
        "backup_run_operation 5f0c3a52-8a7e-4d0b-9b8e-0d6c2f1e4a77",
        "backup_run_operation 5f0c3a52-8a7e-4d0b-9b8e-0d6c2f1e4a77 --json",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("operation", type=uuid.UUID, help="uuid of the operation")

    def run(self, options: Options) -> int:
        for line in recover_restores():
            self.note(line)
        status = run_operation(uuid.UUID(str(options["operation"])))
        if options["json"]:
            self.print_json({"operation": options["operation"], "status": status})
        return exitcodes.OK if status == OperationStatus.COMPLETED else exitcodes.FAILED
