"""Rebuild job rows from the repositories and packages, and list backups that are in no storage."""

import dataclasses

from django.core.management.base import CommandParser
from django.utils import timezone

from ...backups.catalogue import CatalogueReport, catalogue_rebuild, missing_forget
from .. import exitcodes
from ..base import BackupCommand, Options
from ..terminal import facts


class Command(BackupCommand):
    help = "Add stored backups that the catalogue does not know, and list the backups that are in no storage."
    examples = (
        "backup_catalogue --rebuild",
        "backup_catalogue --rebuild --forget-missing",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--rebuild", action="store_true", required=True, help="read the storages and add missing rows"
        )
        parser.add_argument(
            "--forget-missing",
            action="store_true",
            help="mark backups that are in no storage as removed, after confirmation; use it only if they are lost",
        )
        parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")

    def run(self, options: Options) -> int:
        report = catalogue_rebuild()
        forgotten = self._forget(options, report) if options["forget_missing"] and report.missing else []
        if options["json"]:
            self.print_json({**dataclasses.asdict(report), "forgotten": forgotten})
        else:
            facts(
                [
                    ("added", str(len(report.created))),
                    ("completed", str(len(report.updated))),
                    ("already known", str(report.unchanged)),
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
            f"{len(report.missing)} backups are in no storage. If a storage is just not mounted, mount it instead."
            " Forgotten backups are offered again only after they are back and the catalogue is rebuilt. Forget them?",
        )
        return missing_forget(now=timezone.now())
