"""Report the protection status for people, cron, Docker health checks and Nagios, independent of the scheduler."""

from __future__ import annotations

import contextlib
import dataclasses
from datetime import datetime, time

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date

from ... import conf
from ...backups.pack_check import check_packs
from ...core.paths import one_line
from ...doctor.disks import Space
from ...doctor.findings import Finding, Severity
from ...doctor.health import Health, examine
from ...doctor.isolation import described
from ...doctor.protection_status import Protection
from ...errors import AcknowledgementNotFound, BackupError, LedgerUnavailable, RequestRefused
from ...models import Acknowledgement
from ...selectors import acknowledgements_open
from ...services.acknowledgements import acknowledgement_withdraw, findings_acknowledge, problems_acknowledge
from .. import exitcodes
from ..base import BackupCommand, Options
from ..lookup import job_named
from ..terminal import age, facts, moment, size, table

_TEN_YEARS = 3650


class Command(BackupCommand):
    help = "Check the backups and report the protection status. Exit code 0: OK, 1: warnings, 2: critical, 3: unknown."
    examples = (
        "backup_health",
        'backup_health --acknowledge backup.W011 --reason "A test system" --until 2027-03-31',
    )
    prints_tables = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--quiet", action="store_true", help="print only the summary line")
        parser.add_argument(
            "--deep",
            action="store_true",
            help="also read the values of text columns now, as each backup does, to find files in no file root",
        )
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--acknowledge",
            metavar="WHAT",
            help="acknowledge the open warnings with this id, such as backup.W011, or all problems of an INCOMPLETE"
            " job; needs --reason and --until",
        )
        what.add_argument("--acknowledged", action="store_true", help="list the acknowledgements")
        what.add_argument("--withdraw", metavar="UUID", help="withdraw an acknowledgement")
        parser.add_argument("--reason", default="", metavar="TEXT", help="the reason of the acknowledgement")
        parser.add_argument("--until", metavar="DATE", help="its last day, such as 2027-03-31, at most a year from now")
        parser.add_argument("--dry-run", action="store_true", help="show what would be done, and change nothing")

    def run(self, options: Options) -> int:
        if options["acknowledge"]:
            return self._acknowledge(options)
        if options["withdraw"]:
            return self._withdraw(options)
        if options["acknowledged"]:
            return self._list(options, acknowledgements_open(now=timezone.now()))
        try:
            if not options["dry_run"]:
                _compare_packs(now=timezone.now())
            health = examine(now=timezone.now(), deep=bool(options["deep"]))
        except BackupError as error:
            return self._show_unknown(options, str(error))
        except Exception as error:  # noqa: BLE001  a traceback exits with 1, which a monitor takes for a warning
            return self._show_unknown(options, described(error))
        if options["json"]:
            self.print_json(_as_json(health))
        else:
            self._show(health, quiet=bool(options["quiet"]))
        return health.severity

    def _acknowledge(self, options: Options) -> int:
        what, now, why = str(options["acknowledge"]), timezone.now(), str(options["reason"])
        until = _until(options["until"])
        if what.startswith("backup."):
            named = [one.key() for one in examine(now=now).findings if one.id == what and one.is_warning]
            if not named:
                raise RequestRefused(f"There is no open warning {what}. CRITICAL findings cannot be acknowledged.")
            if options["dry_run"]:
                return self._show_dry_run(options, [f"{subject}: {text}" for _, subject, text in named])
            return self._list(options, findings_acknowledge(named, why=why, until=until, now=now))
        job = job_named(what)
        if options["dry_run"]:
            return self._show_dry_run(options, [f"{one['path']}: {one['reason']}" for one in job.problems])
        return self._list(options, problems_acknowledge(job, why=why, until=until, now=now))

    def _withdraw(self, options: Options) -> int:
        text = str(options["withdraw"])
        found = [one for one in acknowledgements_open(now=timezone.now()) if str(one.uuid).startswith(text)]
        if len(found) != 1:
            raise AcknowledgementNotFound(
                f"{len(found)} acknowledgements begin with {text!r}, not exactly one. `--acknowledged` lists them."
            )
        if options["dry_run"]:
            return self._show_dry_run(options, [str(found[0])])
        acknowledgement_withdraw(found[0].uuid, now=timezone.now())
        return self._list(options, acknowledgements_open(now=timezone.now()))

    def _show_dry_run(self, options: Options, named: list[str]) -> int:
        if options["json"]:
            self.print_json({"dry_run": True, "named": named})
        else:
            facts([("named", named), ("dry run", "nothing was changed")])
        return exitcodes.OK

    def _list(self, options: Options, rows: list[Acknowledgement]) -> int:
        columns = ("uuid", "kind", "subject", "text", "who", "why", "at", "until")
        if options["json"]:
            self.print_json({"acknowledgements": [{name: getattr(row, name) for name in columns} for row in rows]})
        else:
            facts(
                [
                    (
                        str(row.uuid)[:8],
                        f"{row.kind} {row.subject}: {row.text} ({row.who}: {row.why}, until {row.until})",
                    )
                    for row in rows
                ]
                or [("acknowledged", "none")]
            )
        return exitcodes.OK

    def _show_unknown(self, options: Options, why: str) -> int:
        if options["json"]:
            self.print_json({"status": Severity.UNKNOWN.name, "error": why})
        else:
            self.stdout.write(f"BACKUP {Severity.UNKNOWN.name}: {one_line(why)}")
        return Severity.UNKNOWN

    def _show(self, health: Health, *, quiet: bool) -> None:
        self.stdout.write(_summary_line(health))
        if quiet:
            return
        table(
            ("Configuration", "State", "Last good", "Verified", "Proven", "Missed", "Failed", "Next run"),
            [
                [
                    one.name,
                    one.state,
                    age(one.good),
                    age(one.verified),
                    age(one.proven),
                    str(one.missed or ""),
                    str(one.failed or ""),
                    moment(one.next_slot),
                ]
                for one in health.configurations
            ],
            optional=("Proven", "Verified"),
        )
        facts([("executors", health.executors or "none"), ("storage", _storage(health.space))])
        step = health.verdict.next_step
        if step and step not in {finding.hint for finding in health.findings}:
            facts([("next step", step)])
        for finding in health.findings:
            self.stdout.write(one_line(str(finding)))
        for finding in health.acknowledged:
            self.stdout.write(one_line(f"ACKNOWLEDGED {finding.id} {finding.subject}: {_acknowledged_text(finding)}"))


def _compare_packs(*, now: datetime) -> None:
    """Compare the packs with the index if the catalogue is writable; all other checks only read the catalogue."""
    with contextlib.suppress(LedgerUnavailable):
        check_packs(now=now)


def _storage(space: Space | None) -> str:
    if space is None:
        return "unknown"
    days = space.days_left
    lasts = "" if days is None else f", lasts for {'over ten years' if days > _TEN_YEARS else f'{days:.0f} days'}"
    return f"{space.root}: {size(space.free)} of {size(space.total)} free{lasts}"


def _until(given: object) -> datetime:
    """Return the end of this day. Raises `RequestRefused`."""
    day = parse_date(str(given or ""))
    if day is None:
        raise RequestRefused("--until must be a date such as 2027-03-31.")
    return timezone.make_aware(datetime.combine(day, time.max)) if settings.USE_TZ else datetime.combine(day, time.max)


def _acknowledged_text(finding: Finding) -> str:
    known = finding.acknowledged
    return "" if known is None else f"{finding.what} ({known.who}: {known.why}, until {known.until:%Y-%m-%d})"


def _summary_line(health: Health) -> str:
    """Return the summary line that Nagios shows."""
    fresh = [one.good for one in health.configurations if one.good is not None]
    last = f"last good backup {age(min(fresh))}" if fresh else "no configuration has a good backup"
    count = len(health.findings)
    verdict = health.verdict
    warned = (
        f" with {count} warning{'s' if count > 1 else ''}" if count and verdict.state == Protection.PROTECTED else ""
    )
    worst = f"; {health.findings[0].subject}: {health.findings[0].what}" if health.findings else ""
    if verdict.state != Protection.PROTECTED:
        worst = f". {verdict.reason}"
    return f"BACKUP {health.severity.name}: {verdict.state}{warned}, {last}, {count} findings{worst}"


def _as_json(health: Health) -> dict[str, object]:
    return {
        "status": health.severity.name,
        "at": health.at.isoformat(),
        "summary": _summary_line(health),
        "verdict": health.verdict.to_json(),
        "findings": [one.to_json() for one in health.findings],
        "acknowledged": [
            {**one.to_json(), "acknowledged": one.acknowledged and dataclasses.asdict(one.acknowledged)}
            for one in health.acknowledged
        ],
        "configurations": [
            {
                "name": one.name,
                "state": one.state,
                "hours_since_good": one.good,
                "hours_since_verified": one.verified,
                "hours_since_proven": one.proven,
                "missed_slots": one.missed,
                "failed_jobs": one.failed,
                "next_run": one.next_slot and one.next_slot.isoformat(),
            }
            for one in health.configurations
        ],
        "executors": list(health.executors),
        "not_backed_up": [str(path) for path in conf.load().not_backed_up],
        "storage": health.space
        and {
            "root": health.space.root,
            "free_bytes": health.space.free,
            "total_bytes": health.space.total,
            "bytes_a_day": health.space.daily,
            "days_left": health.space.days_left,
        },
    }
