"""`manage.py verify_documents`: whether the documents are what they were."""

import json
import sys
from dataclasses import asdict

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from apps.documents.verifying import VerifyReport, documents_verify


class Command(BaseCommand):
    help = "Recompute the audit chain, and compare every row with it and every file with its row. Exit 1 for problems."
    # A restore that was cut off in its swap is completed first. All other checks take longer, and concern others.
    requires_system_checks = ("interrupted_restore",)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the report as one JSON object")

    def handle(self, *, json: bool, **_options: object) -> None:
        """Verify, report, and exit with 1 when something is wrong."""
        try:
            report = documents_verify()
        except DatabaseError as error:
            raise CommandError(
                f"The documents cannot be read: {error}. Run `manage.py migrate`, which also completes a restore that"
                " was cut off, and then this command again."
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
    lines.append(f"{report.problem_count:,} problems" if report.problem_count else "Everything is as it was.")
    return "\n".join(lines)
