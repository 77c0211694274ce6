"""`manage.py verify_documents`: verify the audit chain, the rows and the files of all documents."""

import json
import sys
from dataclasses import asdict

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from apps.documents.verifying import VerifyReport, documents_verify


class Command(BaseCommand):
    help = "Verify the audit chain, every row against it, and every file against its row. Exit code 1 for problems."
    # An interrupted restore is completed first. The other checks take longer and do not concern this command.
    requires_system_checks = ("interrupted_restore",)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the report as one JSON object")

    def handle(self, *, json: bool, **_options: object) -> None:
        """Verify, print the report, and exit with code 1 if there are problems."""
        try:
            report = documents_verify()
        except DatabaseError as error:
            raise CommandError(
                f"Cannot read the documents: {error}. Run `manage.py migrate`, which also completes an interrupted"
                " restore, and then this command again."
            ) from error
        self.stdout.write(_as_json(report) if json else _as_text(report))
        if report.problem_count:
            sys.exit(1)


def _as_json(report: VerifyReport) -> str:
    return json.dumps({"status": "BROKEN" if report.problem_count else "OK", **asdict(report)})


def _as_text(report: VerifyReport) -> str:
    lines = [
        f"{report.audit_entries:,} audit entries, {report.documents:,} documents, {report.versions:,} versions, "
        f"{report.files:,} files, {report.size / 1_000_000:,.1f} MB"
    ]
    if report.first_broken_entry:
        lines.append(f"FIRST BROKEN AUDIT ENTRY {report.first_broken_entry.subject}: {report.first_broken_entry.text}")
    lines += [f"{problem.kind} {problem.subject}: {problem.text}" for problem in report.problems]
    if report.problem_count > len(report.problems):
        lines.append(f"and {report.problem_count - len(report.problems):,} more problems")
    lines.append(f"{report.problem_count:,} problems" if report.problem_count else "No problems found.")
    return "\n".join(lines)
