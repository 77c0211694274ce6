"""Make the job rows again from what the repositories and packages hold, and say which backups no storage holds."""

import dataclasses

from django.core.management.base import CommandParser
from django.utils import timezone

from ...backups.catalogue import CatalogueReport, catalogue_rebuild, missing_forget
from .. import exitcodes
from ..base import BackupCommand, Options
from ..terminal import facts


class Command(BackupCommand):
    help = "Enter every stored backup into the ledger that it does not know, and name those that no storage holds."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--rebuild", action="store_true", required=True, help="read the storage and add the rows")
        parser.add_argument(
            "--forget-missing",
            action="store_true",
            help="mark the backups that no storage holds as removed, after asking; for those that are lost for good",
        )
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def run(self, options: Options) -> int:
        report = catalogue_rebuild()
        forgotten = self._forget(options, report) if options["forget_missing"] and report.missing else []
        if options["json"]:
            self.print_json({**dataclasses.asdict(report), "forgotten": forgotten})
        else:
            facts(
                [
                    ("entered", str(len(report.created))),
                    ("completed", str(len(report.updated))),
                    ("known already", str(report.unchanged)),
                    ("missing", report.lost),
                    ("forgotten", str(len(forgotten)) if options["forget_missing"] else ""),
                    ("unreadable", report.unreadable),
                    ("to spare", report.spare),
                ]
            )
        left = set(report.missing) - set(forgotten)
        return exitcodes.FAILED if report.unreadable or left else exitcodes.OK

    def _forget(self, options: Options, report: CatalogueReport) -> list[str]:
        for line in report.lost:
            self.note(line)
        self.require_consent(
            options,
            f"{len(report.missing)} backups are in no storage. If it is only not mounted, mount it instead. Forgotten"
            " backups are offered again only when they are there and the catalogue is rebuilt.",
        )
        return missing_forget(now=timezone.now())
