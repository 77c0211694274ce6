"""The rows of django-celery-beat, if it is installed: one for each configuration whose schedule runs.

Beat only starts the task; the catalogue decides whether a slot is due. A row is ours if it has our task and names a
configuration in its arguments. Other rows are never changed, also if they have the same name.
"""

from __future__ import annotations

import json
from datetime import time

from django.apps import apps
from django.db import router, transaction
from django.db.models import Manager, Model, QuerySet

from .. import conf
from ..ledger import ledger_access, ledger_alias
from ..models import BackupConfiguration, Frequency
from ..selectors import SCHEDULED

TASK = "backup.run_due"
ARGUMENT = "configuration"
_PREFIX = "backup-"
_BEAT = "django_celery_beat"


def installed() -> bool:
    """Return whether the project has django-celery-beat."""
    return apps.is_installed(_BEAT)


def sync(configuration: BackupConfiguration) -> None:
    """Create, change or delete the row of one configuration by its schedule. Without Beat do nothing."""
    if not installed():
        return
    row = owned_rows().get(str(configuration.uuid))
    if not configuration.runs_by_schedule:
        if row is not None:
            row.delete()
        return
    _save(configuration, row)


def remove(configuration: BackupConfiguration) -> None:
    """Delete the row of a configuration, if there is one."""
    row = owned_rows().get(str(configuration.uuid)) if installed() else None
    if row is not None:
        row.delete()


def sync_all(configurations: QuerySet[BackupConfiguration]) -> int:
    """Correct every row, delete those of deleted configurations, and return the number of changed rows.

    Needed after a restore, which brings back the rows of another day.
    """
    if not installed():
        return 0
    with ledger_access("putting the rows of Celery Beat right"), transaction.atomic(using=ledger_alias()):
        return _sync_all(configurations)


def _sync_all(configurations: QuerySet[BackupConfiguration]) -> int:
    rows = owned_rows()
    changed = 0
    for configuration in configurations.filter(SCHEDULED):
        changed += _save(configuration, rows.pop(str(configuration.uuid), None))
    for row in rows.values():
        row.delete()
    return changed + len(rows)


def owned_rows() -> dict[str, Model]:
    """Return our rows by the uuid of their configuration."""
    found: dict[str, Model] = {}
    for row in _rows("PeriodicTask").filter(task=TASK).select_related("crontab"):
        uuid = _configuration_of(row)
        if uuid:
            found[uuid] = row
    return found


def owned_names() -> list[str]:
    """Return the names of our enabled rows."""
    return sorted(row.name for row in owned_rows().values() if row.enabled)  # type: ignore[attr-defined]


def row_name(configuration: BackupConfiguration) -> str:
    """Return the name of a configuration's row; for the production policies the one of the mission document."""
    return _PREFIX + configuration.name.removeprefix("production_").replace("_", "-")


def _save(configuration: BackupConfiguration, row: Model | None) -> bool:
    crontab, _ = _rows("CrontabSchedule").get_or_create(defaults=None, **_crontab(configuration))
    values: dict[str, object] = {
        "name": _free_name(configuration, row),
        "task": TASK,
        "kwargs": json.dumps({ARGUMENT: str(configuration.uuid)}),
        "crontab": crontab,
        "interval": None,
        "solar": None,
        "clocked": None,
        "enabled": True,
        "one_off": False,
        "queue": conf.load().celery_queue or None,
        # Beat treats a row with a start time as overdue. Before the schedule's start the catalogue finds nothing due.
        "start_time": None,
        "description": f"Wakes the backup system for the configuration {configuration.name}. Change it there.",
    }
    if row is None:
        _rows("PeriodicTask").create(**values)
        return True
    different = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in different.items():
        setattr(row, name, value)
    if different:
        # Beat reloads its whole schedule with each save.
        row.save()
    return bool(different)


def _crontab(configuration: BackupConfiguration) -> dict[str, str]:
    at = configuration.schedule_time or time()
    hourly = configuration.frequency == Frequency.HOURLY
    weekly = configuration.frequency == Frequency.WEEKLY
    monthly = configuration.frequency == Frequency.MONTHLY
    return {
        "minute": str(at.minute),
        "hour": "*" if hourly else str(at.hour),
        # Cron counts the days of the week from Sunday.
        "day_of_week": ",".join(str((day + 1) % 7) for day in sorted(configuration.schedule_days)) if weekly else "*",
        "day_of_month": str(configuration.schedule_day_of_month) if monthly else "*",
        "month_of_year": "*",
        "timezone": configuration.schedule_zone,
    }


def _free_name(configuration: BackupConfiguration, row: Model | None) -> str:
    name = row_name(configuration)
    others = _rows("PeriodicTask").filter(name=name)
    if row is not None:
        others = others.exclude(pk=row.pk)
    return f"{name}-{str(configuration.uuid)[:8]}" if others.exists() else name


def _configuration_of(row: Model) -> str:
    try:
        arguments = json.loads(row.kwargs)  # type: ignore[attr-defined]
    except ValueError:
        return ""
    return str(arguments.get(ARGUMENT, "")) if isinstance(arguments, dict) else ""


def _rows(name: str) -> Manager[Model]:
    # Looked up by name, because the package is an optional dependency. Read from the database of writes: a replica may
    # be behind, and may not have the row.
    model = apps.get_model(_BEAT, name)
    manager: Manager[Model] = model._default_manager.db_manager(router.db_for_write(model))
    return manager
