"""Make the job rows again from what the repositories and packages hold."""

import dataclasses

from django.core.management.base import CommandParser

from ...services.catalogue import catalogue_rebuild
from .. import exitcodes
from ..base import BackupCommand, Options
from ..console import facts


class Command(BackupCommand):
    help = "Enter every stored backup into the ledger that it does not know."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--rebuild", action="store_true", required=True, help="read the storage and add the rows")

    def run(self, options: Options) -> int:
        report = catalogue_rebuild()
        if options["json"]:
            self.print_json(dataclasses.asdict(report))
        else:
            facts(
                [
                    ("entered", str(len(report.created))),
                    ("completed", str(len(report.updated))),
                    ("known already", str(report.unchanged)),
                    ("no longer stored", report.missing),
                    ("unreadable", report.unreadable),
                ]
            )
        return exitcodes.FAILED if report.unreadable else exitcodes.OK
