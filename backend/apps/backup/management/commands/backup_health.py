"""Are we protected? For people, cron, Docker's health checks and Nagios; it does not depend on the scheduler."""

from __future__ import annotations

from django.core.management.base import CommandParser
from django.utils import timezone

from ...doctor import Health, Severity, Space, described, examine
from ...errors import BackupError
from ...names import one_line
from ..base import BackupCommand, Options
from ..console import facts, moment, size, table

_TEN_YEARS = 3650


class Command(BackupCommand):
    help = "Tell whether the backups are as they should be. Exit code 0: yes, 1: warnings, 2: no, 3: it cannot be told."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--quiet", action="store_true", help="the one line alone")

    def run(self, options: Options) -> int:
        try:
            health = examine(now=timezone.now())
        except BackupError as error:
            return self._cannot_tell(options, str(error))
        except Exception as error:  # noqa: BLE001  to a monitor, exit code 1 of a traceback would be a mere warning
            return self._cannot_tell(options, described(error))
        if options["json"]:
            self.print_json(_as_json(health))
        else:
            self._show(health, quiet=bool(options["quiet"]))
        return health.severity

    def _cannot_tell(self, options: Options, why: str) -> int:
        if options["json"]:
            self.print_json({"status": Severity.UNKNOWN.name, "error": why})
        else:
            self.stdout.write(f"BACKUP {Severity.UNKNOWN.name}: {one_line(why)}")
        return Severity.UNKNOWN

    def _show(self, health: Health, *, quiet: bool) -> None:
        self.stdout.write(_line(health))
        if quiet:
            return
        table(
            ("Configuration", "", "Last good", "Verified", "Proven", "Missed", "Failed", "Next run"),
            [
                [
                    one.name,
                    one.state,
                    _hours(one.good),
                    _hours(one.verified),
                    _hours(one.proven),
                    str(one.missed or ""),
                    str(one.failed or ""),
                    moment(one.next_slot),
                ]
                for one in health.configurations
            ],
            optional=("Proven", "Verified"),
        )
        facts([("executors", health.executors or "none"), ("storage", _storage(health.space))])
        for finding in health.findings:
            self.stdout.write(one_line(str(finding)))


def _storage(space: Space | None) -> str:
    if space is None:
        return "not known"
    days = space.days_left
    lasts = "" if days is None else f", lasts for {'over ten years' if days > _TEN_YEARS else f'{days:.0f} days'}"
    return f"{space.root}: {size(space.free)} of {size(space.total)} free{lasts}"


def _line(health: Health) -> str:
    """The one line that Nagios shows."""
    fresh = [one.good for one in health.configurations if one.good is not None]
    last = f"last good backup {_hours(min(fresh))}" if fresh else "no configuration has a good backup"
    count = len(health.findings)
    worst = f"; {health.findings[0].subject}: {health.findings[0].what}" if health.findings else ""
    return f"BACKUP {health.severity.name}: {last}, {count} findings{worst}"


def _hours(value: float | None) -> str:
    if value is None:
        return "never"
    return f"{value:.1f} h ago" if value < 48 else f"{value / 24:.1f} d ago"


def _as_json(health: Health) -> dict[str, object]:
    return {
        "status": health.severity.name,
        "at": health.at.isoformat(),
        "summary": _line(health),
        "verdict": health.verdict.to_json(),
        "findings": [one.to_json() for one in health.findings],
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
        "storage": health.space
        and {
            "root": health.space.root,
            "free_bytes": health.space.free,
            "total_bytes": health.space.total,
            "bytes_a_day": health.space.daily,
            "days_left": health.space.days_left,
        },
    }
