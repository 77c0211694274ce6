"""`manage.py import_documents FOLDER`: import a folder of files as documents."""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from apps.documents.importing import ImportReport, folder_import
from apps.documents.models import Document

MEGABYTE = 1_000_000


class Command(BaseCommand):
    help = "Import every regular file below FOLDER into the EDMS, each as a document with one version."
    # An interrupted restore is completed first. The other checks do not concern this command.
    requires_system_checks = ("interrupted_restore",)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", metavar="FOLDER")
        parser.add_argument("--limit", type=int, metavar="N", help="import only the first N files")
        parser.add_argument("--json", action="store_true", help="print the report as one JSON object")

    def handle(self, *, folder: str, limit: int | None, json: bool, **_options: object) -> None:
        """Import, print the report, and exit with code 1 if a file could not be read."""
        if limit is not None and limit < 1:
            raise CommandError("--limit needs a number of at least 1.")
        checked = os.fsencode(self._checked(folder))
        try:
            before = Document.objects.count()
        except DatabaseError as error:
            raise CommandError(
                f"Cannot read the documents: {error}. Nothing was imported. Run `manage.py migrate`, which also"
                " completes an interrupted restore, and then this command again."
            ) from error
        try:
            with _stop_signals() as caught:
                report = folder_import(checked, limit=limit, stop=lambda: bool(caught))
        except (OSError, DatabaseError) as error:
            made = Document.objects.count() - before
            raise CommandError(
                f"The import failed after {made:,} documents, which are kept: {error}. Remove the cause, and import"
                " the remaining files."
            ) from error
        self.stdout.write(_as_json(report) if json else _as_text(report))
        if report.stopped:
            sys.exit(128 + caught[0])
        if report.failed:
            sys.exit(1)

    def _checked(self, folder: str) -> Path:
        path = Path(folder).resolve()
        if not path.is_dir():
            raise CommandError(f"{folder} is not a folder.")
        media = Path(settings.MEDIA_ROOT).resolve()
        if path.is_relative_to(media) or media.is_relative_to(path):
            raise CommandError(f"{folder} contains the files of the EDMS ({media}). Choose a folder outside of it.")
        return path


@contextlib.contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """Give a list of received stop signals. The first signal is only noted, the next one interrupts."""
    caught: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _as_json(report: ImportReport) -> str:
    failed = [{"name": name, "reason": reason} for name, reason in report.failed]
    return json.dumps(
        {
            "folder": report.folder,
            "files": report.files,
            "size": report.size,
            "seconds": round(report.seconds, 3),
            "skipped": dict(report.skipped),
            "failed": failed,
            "stopped": report.stopped,
        }
    )


def _as_text(report: ImportReport) -> str:
    rate = report.size / max(report.seconds, 1e-6) / MEGABYTE
    size = report.size / MEGABYTE
    lines = [f"{report.files:,} documents imported, {size:,.1f} MB in {report.seconds:.1f} s ({rate:.1f} MB/s)"]
    lines += [f"skipped: {count:,} {kind}" for kind, count in sorted(report.skipped.items())]
    lines += ["INTERRUPTED: the remaining files were not imported"] if report.stopped else []
    lines += [f"NOT IMPORTED {name}: {reason}" for name, reason in report.failed]
    return "\n".join(lines)
