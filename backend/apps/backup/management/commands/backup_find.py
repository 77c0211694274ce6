"""Find documents in a backup by number, title or date."""

from __future__ import annotations

import dataclasses
import math

import msgspec
from django.core.management.base import CommandParser

from ...backups.documents import FoundDocuments, search_titles
from ...backups.resolve import resolve_backup, wanted_parts
from ...errors import RequestRefused
from ...restores import open_origin
from .. import exitcodes
from ..base import BackupCommand, Options
from ..terminal import table


class Command(BackupCommand):
    help = "Find documents in a backup by words of their number, title, date or file name. Exit code 1 if none."
    examples = (
        "backup_find contract 2024",
        "backup_find SOP-0017 --backup 5f0c3a52 --json",
    )
    prints_tables = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("words", nargs="+", metavar="WORD", help="each word must be there, in any letter case")
        parser.add_argument(
            "--backup",
            default="latest",
            help="`latest` (default), a job's uuid or the beginning of it, a snapshot id, or a job name",
        )
        parser.add_argument("--limit", type=int, default=50, metavar="N", help="show at most N files (default: 50)")

    def run(self, options: Options) -> int:
        limit = int(str(options["limit"]))
        if limit < 1:
            raise RequestRefused("--limit must be at least 1.")
        words = options["words"]
        assert isinstance(words, list)  # noqa: S101  the option takes several
        ref = resolve_backup(str(options["backup"]), wanted=wanted_parts(None))
        for note in ref.notes:
            self.note(note)
        with open_origin(ref) as origin:
            found = search_titles(origin, " ".join(map(str, words)), limit=limit, seconds=math.inf)
        if not found.available:
            raise RequestRefused(
                f"The {ref} has no titles of documents: they are stored with backups of databases and files together."
                " Choose another --backup, or search for a file name in the console."
            )
        self._show(options, found, str(ref.job or ref.snapshot_id))
        return exitcodes.OK if found.results else exitcodes.FAILED

    def _show(self, options: Options, found: FoundDocuments, backup: str) -> None:
        if options["json"]:
            shown = dataclasses.asdict(found) | {"results": [msgspec.structs.asdict(one) for one in found.results]}
            self.print_json({"backup": backup, **shown})
            return
        if not found.results:
            self.note("No document matches.")
            return
        table(("Title", "Date", "Path"), [(one.title, one.date[:10], one.path) for one in found.results])
        if found.cut_off:
            self.note(f"There are more than {len(found.results)}. Add a word, or raise --limit.")
        self.note(f"Restore one: restore_backup {backup} --to-folder FOLDER --path PATH")
