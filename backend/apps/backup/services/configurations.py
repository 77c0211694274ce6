"""Writes to the configurations; every one keeps the schedule's memory and the rows of Celery Beat in step."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from .. import periodic
from ..errors import AlreadyRunning, ConfigurationNotFound, RequestRefused
from ..ledger import ledger_access, ledger_alias
from ..models import BackupConfiguration, BackupJob, ConfigurationStatus, Frequency, JobStatus
from ..policies import FIELDS, ConfigurationValues
from ..schedules import LAST_DAY_OF_MONTH, Schedule
from ..storage import resolve_place
from .slots import account, schedule_zone

_NEEDS: Mapping[str, tuple[str, ...]] = {
    Frequency.DAILY: ("schedule_time",),
    Frequency.WEEKLY: ("schedule_time", "schedule_days"),
    Frequency.MONTHLY: ("schedule_time", "schedule_day_of_month"),
}
_SCHEDULE = ("frequency", "schedule_time", "schedule_days", "schedule_day_of_month", "is_enabled", "status")
_MOST_RETENTION = 36_500


@dataclasses.dataclass(frozen=True, slots=True)
class Deleted:
    """What is left of a deleted configuration: backups that stay stored, and jobs that had waited and are withdrawn."""

    name: str
    backups_kept: int
    jobs_withdrawn: int


def configuration_create(values: ConfigurationValues, *, now: datetime | None = None) -> BackupConfiguration:
    """Write a configuration and begin its schedule.

    Raises `RequestRefused` that names the wrong field, `StorageRefused` for a bad path.
    """
    now = now or timezone.now()
    configuration = BackupConfiguration(**_columns(dataclasses.asdict(values)), created_at=now)
    with ledger_access("creating a configuration"), transaction.atomic(using=ledger_alias()):
        _require_valid(configuration)
        _require_free_name(configuration)
        _begin_schedule(configuration, now)
        configuration.save(force_insert=True)
        periodic.sync(configuration)
    return configuration


def configuration_update(
    configuration: uuid.UUID, changes: Mapping[str, object], *, now: datetime
) -> BackupConfiguration:
    """Change fields named in `FIELDS`. A run that was due under the old schedule is not lost.

    Raises `ConfigurationNotFound`, `RequestRefused`, `StorageRefused`.
    """
    unknown = sorted(set(changes) - set(FIELDS))
    if unknown:
        raise RequestRefused(f"A configuration has no field {unknown[0]!r}; there are: {', '.join(FIELDS)}.")

    def change(row: BackupConfiguration) -> None:
        for name, value in _columns(changes).items():
            setattr(row, name, value)

    return _change(configuration, change, now=now)


def configuration_enable(configuration: uuid.UUID, *, now: datetime) -> BackupConfiguration:
    """Let its schedule run, from now on. Raises `ConfigurationNotFound`."""

    def change(row: BackupConfiguration) -> None:
        row.is_enabled, row.status = True, ConfigurationStatus.ACTIVE

    return _change(configuration, change, now=now)


def configuration_disable(configuration: uuid.UUID, *, now: datetime) -> BackupConfiguration:
    """Stop its schedule; it can still be run by hand, and its backups are kept as before."""

    def change(row: BackupConfiguration) -> None:
        row.is_enabled = False

    return _change(configuration, change, now=now)


def configuration_delete(configuration: uuid.UUID, *, now: datetime) -> Deleted:
    """Delete a configuration. Its backups stay stored and restorable, and nothing removes them any more.

    Raises `ConfigurationNotFound`, or `AlreadyRunning` while a job of it runs.
    """
    with ledger_access("deleting a configuration"), transaction.atomic(using=ledger_alias()):
        row = _locked(configuration)
        running = row.jobs.filter(status=JobStatus.RUNNING).values_list("uuid", flat=True).first()
        if running is not None:
            raise AlreadyRunning(
                f"The configuration {row.name!r} has a running job ({running}); cancel it, or wait for its end."
            )
        withdrawn = row.jobs.filter(status=JobStatus.PENDING).update(
            status=JobStatus.CANCELLED, completed_at=now, error_message="Its configuration was deleted."
        )
        kept = stored_backups(row)
        periodic.remove(row)
        row.delete()
    return Deleted(name=row.name, backups_kept=kept, jobs_withdrawn=withdrawn)


def stored_backups(configuration: BackupConfiguration) -> int:
    """How many backups of a configuration are stored."""
    jobs = BackupJob.objects.using(ledger_alias()).filter(configuration=configuration, removal_started_at=None)
    return jobs.exclude(snapshot_id="", backup_file_path="").count()


def _change(
    configuration: uuid.UUID, change: Callable[[BackupConfiguration], None], *, now: datetime
) -> BackupConfiguration:
    with ledger_access("changing a configuration"), transaction.atomic(using=ledger_alias()):
        row = _locked(configuration)
        before = [getattr(row, name) for name in _SCHEDULE]
        # What is due at this very moment is due under the old schedule, whatever the new one says.
        account(row, now=now)
        row.refresh_from_db()
        name = row.name
        change(row)
        _require_valid(row)
        if row.name != name:
            _require_free_name(row)
        if [getattr(row, name) for name in _SCHEDULE] != before:
            _begin_schedule(row, now)
        row.save()
        periodic.sync(row)
    return row


def _locked(configuration: uuid.UUID) -> BackupConfiguration:
    rows = BackupConfiguration.objects.using(ledger_alias()).select_for_update()
    try:
        return rows.get(uuid=configuration)
    except BackupConfiguration.DoesNotExist:
        raise ConfigurationNotFound(f"There is no configuration {configuration}.") from None


def _begin_schedule(configuration: BackupConfiguration, now: datetime) -> None:
    zone = schedule_zone()
    configuration.schedule_start = configuration.next_slot = None
    configuration.schedule_zone = str(zone)
    if configuration.runs_by_schedule:
        schedule = Schedule.of(configuration, zone)
        configuration.schedule_start = schedule.first_start(now)
        configuration.next_slot = next(Schedule.of(configuration, zone).after(now))


def _columns(values: Mapping[str, object]) -> dict[str, object]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _require_valid(configuration: BackupConfiguration) -> None:
    resolve_place(configuration.storage_path, encrypted=configuration.encryption_enabled)
    try:
        configuration.clean_fields()
        faults = _faults(configuration)
        if not faults:
            # What the database itself enforces; its words are for developers, so ours come first.
            configuration.validate_constraints()
    except ValidationError as error:
        faults = [f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items()]
    if faults:
        raise RequestRefused(f"The configuration {configuration.name!r} cannot be saved: {' '.join(faults)}")


def _faults(configuration: BackupConfiguration) -> list[str]:
    faults = []
    for field in _NEEDS.get(configuration.frequency, ()):
        if getattr(configuration, field) in (None, []):
            faults.append(f"{field}: {configuration.frequency} needs it.")
    days = configuration.schedule_days
    if not isinstance(days, list) or any(type(day) is not int or not 0 <= day <= 6 for day in days):
        faults.append("schedule_days: it must be a list of days from 0 (Monday) to 6 (Sunday).")
    elif len(set(days)) != len(days):
        faults.append("schedule_days: a day stands there twice.")
    at = configuration.schedule_time
    if at is not None and (at.second or at.microsecond or at.tzinfo):
        faults.append("schedule_time: hours and minutes of local time, no more.")
    if configuration.schedule_day_of_month is not None and not (
        1 <= configuration.schedule_day_of_month <= LAST_DAY_OF_MONTH
    ):
        faults.append("schedule_day_of_month: it must be from 1 to 28, the days that every month has.")
    if configuration.time_limit_minutes is not None and configuration.time_limit_minutes < 1:
        faults.append("time_limit_minutes: it must be at least 1.")
    for field in ("retention_days", "max_backups"):
        if not 1 <= getattr(configuration, field) <= _MOST_RETENTION:
            faults.append(f"{field}: it must be from 1 to {_MOST_RETENTION}.")
    if not configuration.name.isprintable() or configuration.name != configuration.name.strip():
        faults.append("name: it must be printable, without white space at its ends.")
    return faults


def _require_free_name(configuration: BackupConfiguration) -> None:
    others = BackupConfiguration.objects.using(ledger_alias()).filter(name=configuration.name)
    if others.exclude(pk=configuration.pk).exists():
        raise RequestRefused(f"There is a configuration {configuration.name!r} already; choose another name.")
