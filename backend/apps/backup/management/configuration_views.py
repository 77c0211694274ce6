"""Show configurations in commands: as rows of a table, and as JSON."""

from __future__ import annotations

from datetime import datetime

from ..models import BackupConfiguration, Frequency
from ..policies.production import FIELDS
from ..policies.schedule import Schedule, schedule_zone
from ..selectors import ConfigurationState
from ..services.due_jobs import upcoming
from .terminal import moment

TITLES = ("Name", "Type", "Schedule", "Next run", "Retention", "Features", "State", "Last good", "Backups")
OPTIONAL = ("Features", "Retention", "Backups", "Last good", "Next run", "Schedule")
"""The columns that a narrow terminal shows on a second line, in this order."""


def words(row: BackupConfiguration) -> str:
    """Describe the schedule in words."""
    return Schedule.of(row, schedule_zone()).words()


def retention(row: BackupConfiguration) -> str:
    """Describe how long its backups are kept."""
    periods = ((row.keep_daily, "daily"), (row.keep_weekly, "weekly"), (row.keep_monthly, "monthly"))
    kept = [f"{count} {name}" for count, name in (*periods, (row.keep_yearly, "yearly")) if count]
    besides = f", and {', '.join(kept)}" if kept else ""
    return f"{row.retention_days} days / {row.max_backups} backups{besides}"


def state(row: BackupConfiguration) -> str:
    """Describe whether its schedule runs."""
    if not row.is_enabled:
        return "disabled"
    if row.status != "ACTIVE":
        return str(row.get_status_display()).lower()
    return "on demand" if row.frequency == Frequency.ON_DEMAND else "enabled"


def features(row: BackupConfiguration) -> str:
    """Describe how its backups are stored: compressed, encrypted, both or none."""
    named = ((row.compression_enabled, "compression"), (row.encryption_enabled, "encryption"))
    return " + ".join(name for on, name in named if on) or "none"


def table_row(one: ConfigurationState) -> list[str]:
    """Return the cells for the columns of `TITLES`."""
    row = one.configuration
    return [
        row.name,
        row.backup_type,
        words(row),
        moment(row.next_slot) if row.runs_by_schedule else "",
        retention(row),
        features(row),
        state(row),
        moment(one.last_good) or "never",
        str(one.backups),
    ]


def as_json(row: BackupConfiguration, *, now: datetime, runs: int = 1) -> dict[str, object]:
    """Return a configuration as JSON; times in UTC."""
    values: dict[str, object] = {"uuid": row.uuid}
    values |= {name: getattr(row, name) for name in FIELDS}
    values["status"] = row.status
    values["schedule"] = words(row)
    values["next_runs"] = [slot.isoformat() for slot in upcoming(row, now=now, count=runs)]
    return values


def state_json(one: ConfigurationState, *, now: datetime) -> dict[str, object]:
    """Return a configuration with figures of its jobs as JSON."""
    return {
        **as_json(one.configuration, now=now),
        "jobs": one.jobs,
        "backups": one.backups,
        "last_good": one.last_good and one.last_good.isoformat(),
        "running": one.running,
        "waiting": one.waiting,
    }
