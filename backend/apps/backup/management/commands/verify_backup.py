"""Read a backup back to its last byte and compare it with its manifest."""

from django.core.management.base import CommandParser

from ...progress import Tracker
from ...references import resolve_backup
from ...stopping import stop_signals
from ...verification import verify_backup
from .. import exitcodes
from ..base import BackupCommand, Options
from ..console import ProgressDisplay, facts


class Command(BackupCommand):
    help = "Read a backup back to its last byte, compare it with its manifest, and set its trust."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "backup", help="`latest`, a job's uuid or its beginning, a snapshot's id, a job's name, or a package file"
        )

    def run(self, options: Options) -> int:
        ref = resolve_backup(str(options["backup"]))
        for note in ref.notes:
            self.note(note)
        tracker = Tracker()
        with stop_signals(), ProgressDisplay() as display:
            result = verify_backup(ref, tracker=tracker, tick=lambda: display.show(tracker.now()))
        if options["json"]:
            self.print_json(
                {
                    "job": ref.job,
                    "snapshot_id": ref.snapshot_id,
                    "backup_file_path": str(ref.package or ""),
                    "trust": result.trust,
                    "findings": list(result.findings),
                    "recorded": result.recorded,
                    "notes": list(ref.notes),
                }
            )
        else:
            facts(
                [
                    ("backup", str(ref)),
                    ("job", str(ref.job or "")),
                    ("trust", result.trust),
                    ("findings", result.findings or "none"),
                    ("recorded", "" if result.recorded else "no: there is no row of the ledger for it"),
                ]
            )
        return exitcodes.FAILED if result.findings else exitcodes.OK
