"""Show the audit trail, or verify that it was not changed."""

from __future__ import annotations

from django.core.management.base import CommandParser

from ... import selectors
from ...errors import RequestRefused
from ...ledger import ledger_access
from ...models import AuditEvent
from ...services.audit import audit_verify
from .. import exitcodes
from ..base import BackupCommand, Options
from ..terminal import facts, moment, table


class Command(BackupCommand):
    help = "Show the audit trail of the backups, or verify that it is intact (--verify)."
    examples = (
        "backup_audit --action backup.download --limit 20",
        "backup_audit --verify",
    )
    prints_tables = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--verify", action="store_true", help="check the whole hash chain; exit code 1 if broken")
        parser.add_argument(
            "--expect",
            metavar="HASH",
            default="",
            help="verify, and require this hash in the chain; it was noted earlier",
        )
        parser.add_argument(
            "--action", default="", help="only this action, such as backup.download; backup. for all of that kind"
        )
        parser.add_argument("--actor", default="", metavar="NAME", help="only events of this user")
        parser.add_argument("--object", default="", metavar="UUID", help="only events of this object")
        parser.add_argument("--limit", type=int, default=50, metavar="N", help="the newest N events (default: 50)")

    def run(self, options: Options) -> int:
        if options["verify"] or options["expect"]:
            return self._verify(options)
        limit = int(str(options["limit"]))
        if limit < 1:
            raise RequestRefused("--limit must be at least 1.")
        rows = selectors.audit_matching(
            action=str(options["action"]), actor=str(options["actor"]), object_key=str(options["object"])
        )
        with ledger_access("reading the audit trail"):
            events = list(rows.order_by("-sequence")[:limit])[::-1]
        if options["json"]:
            self.print_json({"events": [_as_json(event) for event in events]})
        else:
            if not events:
                self.note("No events found.")
            titles = ("Event", "Time", "User", "From", "Action", "Object")
            table(titles, [_cells(event) for event in events], optional=("From", "Event"))
        return exitcodes.OK

    def _verify(self, options: Options) -> int:
        report = audit_verify(expect=str(options["expect"]))
        if options["json"]:
            self.print_json(
                {
                    "events": report.events,
                    "last_sequence": report.last_sequence,
                    "last_hash": report.last_hash,
                    "findings": report.findings,
                }
            )
        else:
            facts(
                [
                    ("events", f"{report.events:,}"),
                    ("last hash", report.last_hash or "none"),
                    ("findings", report.findings or "none: the chain is intact"),
                ]
            )
        return exitcodes.FAILED if report.findings else exitcodes.OK


def _cells(event: AuditEvent) -> list[str]:
    target = f"{event.object_type} {event.object_name or event.object_key}"
    return [str(event.sequence), moment(event.at), event.actor, event.address, event.action, target]


def _as_json(event: AuditEvent) -> dict[str, object]:
    names = ("sequence", "actor", "actor_key", "origin", "address", "request_id", "action")
    more = ("object_type", "object_key", "object_name", "details", "previous_hash", "hash")
    return {"at": event.at.isoformat(), **{name: getattr(event, name) for name in (*names, *more)}}
