"""Verify a backup: read every byte, compare it with its manifest, and rehearse its restore."""

from django.core.management.base import CommandParser

from ...backups.resolve import resolve_backup, wanted_parts
from ...backups.verify import verify_backup
from ...core.cancellation import stop_signals
from ...core.progress import Tracker
from ...models import RehearsalState
from .. import exitcodes
from ..base import BackupCommand, Options
from ..terminal import ProgressDisplay, facts


class Command(BackupCommand):
    help = "Verify a backup: read every byte, compare it with its manifest, rehearse its restore, and set its trust."
    examples = (
        "verify_backup latest",
        "verify_backup 5f0c3a52 --json",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "backup", help="`latest`, a job's uuid or the beginning of it, a snapshot id, a job name, or a package file"
        )

    def run(self, options: Options) -> int:
        ref = resolve_backup(str(options["backup"]), wanted=wanted_parts(None))
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
                    "rehearsal": {"state": result.rehearsals.state, "databases": result.rehearsals.to_json()},
                    "recorded": result.recorded,
                    "notes": [*ref.notes, *result.notes],
                }
            )
        else:
            facts(
                [
                    ("backup", str(ref)),
                    ("job", str(ref.job or "")),
                    ("trust", result.trust),
                    ("findings", result.findings or "none"),
                    ("rehearsal", result.rehearsals.state),
                    ("restore", result.rehearsals.warnings()),
                    ("notes", list(result.notes)),
                    ("recorded", "" if result.recorded else "no: the catalogue has no row for this backup"),
                ]
            )
        failed = result.findings or result.rehearsals.state == RehearsalState.FAILED
        return exitcodes.FAILED if failed else exitcodes.OK
