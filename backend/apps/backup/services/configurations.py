"""Writes to configurations. Each write also updates the state of the schedule and the rows of Celery Beat."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from ..errors import AlreadyRunning, ApprovalRefused, ConfigurationNotFound, RequestRefused
from ..ledger import ledger_access, ledger_alias
from ..models import BackupConfiguration, ConfigurationStatus, Frequency, JobStatus
from ..policies.production import FIELDS, ConfigurationValues
from ..policies.schedule import LAST_DAY_OF_MONTH, Schedule, schedule_zone
from ..selectors import CONFIGURATION_DELETED
from ..selectors.backups import running_job, stored_backups
from ..storage.locations import choose_place
from ..storage.stored_paths import storage_relative
from . import celery_beat as periodic
from .audit import AuditObject, audit_record
from .due_jobs import create_due_job
from .retention_changes import RetentionTerms

_NEEDS: Mapping[str, tuple[str, ...]] = {
    Frequency.DAILY: ("schedule_time",),
    Frequency.WEEKLY: ("schedule_time", "schedule_days"),
    Frequency.MONTHLY: ("schedule_time", "schedule_day_of_month"),
}
_SCHEDULE = ("frequency", "schedule_time", "schedule_days", "schedule_day_of_month", "is_enabled", "status")
_MOST_RETENTION = 36_500


@dataclasses.dataclass(frozen=True, slots=True)
class DeletedConfiguration:
    """A deleted configuration, with the numbers of its kept backups and of its withdrawn jobs."""

    name: str
    backups_kept: int
    jobs_withdrawn: int


def configuration_create(
    values: ConfigurationValues, *, now: datetime | None = None, created_by: AbstractBaseUser | None = None
) -> BackupConfiguration:
    """Write a configuration and begin its schedule.

    Raises `RequestRefused`, which names the wrong field, and `StorageRefused` for a wrong path.
    """
    now = now or timezone.now()
    with ledger_access("creating a configuration"), transaction.atomic(using=ledger_alias()):
        configuration = configuration_draft(values, now=now)
        configuration.created_by_id = None if created_by is None else created_by.pk
        _require_free_name(configuration)
        _save(configuration, is_new=True)
        periodic.sync(configuration)
        audit_record("configuration.create", audited(configuration), details=_non_default_values(values))
    return configuration


def configuration_draft(values: ConfigurationValues, *, now: datetime) -> BackupConfiguration:
    """Return a valid configuration with its schedule begun, which is not written.

    Raises `RequestRefused`, which names the wrong field, and `StorageRefused` for a wrong path.
    """
    configuration = BackupConfiguration(**_columns(dataclasses.asdict(values)), created_at=now)
    _require_valid(configuration)
    _begin_schedule(configuration, now)
    return configuration


def configuration_duplicate(
    configuration: uuid.UUID, *, name: str, now: datetime, created_by: AbstractBaseUser | None = None
) -> BackupConfiguration:
    """Write a copy under another name; return it. It is disabled: two schedules at the same times are rarely intended.

    Raises `ConfigurationNotFound`, `RequestRefused`.
    """
    with ledger_access("copying a configuration"):
        row = BackupConfiguration.objects.using(ledger_alias()).filter(uuid=configuration).first()
    if row is None:
        raise ConfigurationNotFound(f"There is no configuration {configuration}.")
    same = {field: getattr(row, field) for field in FIELDS}
    values = ConfigurationValues(**{**same, "name": name, "is_enabled": False})
    return configuration_create(values, now=now, created_by=created_by)


def audited(configuration: BackupConfiguration) -> AuditObject:
    """Return the configuration as an object of the audit trail."""
    return AuditObject("configuration", str(configuration.uuid), configuration.name)


def configuration_update(
    configuration: uuid.UUID, changes: Mapping[str, object], *, now: datetime, forbid_reductions: bool = False
) -> BackupConfiguration:
    """Change fields named in `FIELDS`. A run that was due under the old schedule is not lost.

    With `forbid_reductions`, refuse a change after which fewer backups are kept, or new backups hold less. Raises
    `ConfigurationNotFound`, `RequestRefused`, `StorageRefused`, `ApprovalRefused`.
    """
    unknown = sorted(set(changes) - set(FIELDS))
    if unknown:
        text = f"A configuration has no field {unknown[0]!r}. The fields are: {', '.join(FIELDS)}."
        raise RequestRefused(text, [(unknown[0], text)])

    def change(row: BackupConfiguration) -> None:
        for name, value in _columns(changes).items():
            setattr(row, name, value)

    return _change(configuration, change, now=now, action="configuration.update", forbid_reductions=forbid_reductions)


def configuration_enable(configuration: uuid.UUID, *, now: datetime) -> BackupConfiguration:
    """Enable the schedule of a configuration from now on. Raises `ConfigurationNotFound`."""

    def change(row: BackupConfiguration) -> None:
        row.is_enabled, row.status = True, ConfigurationStatus.ACTIVE

    return _change(configuration, change, now=now, action="configuration.enable")


def configuration_disable(
    configuration: uuid.UUID, *, now: datetime, forbid_reductions: bool = False
) -> BackupConfiguration:
    """Disable the schedule of a configuration. Manual runs stay possible, and its backups are kept as before.

    Raises `ConfigurationNotFound`; with `forbid_reductions` also `ApprovalRefused` if its schedule runs.
    """

    def change(row: BackupConfiguration) -> None:
        row.is_enabled = False

    return _change(configuration, change, now=now, action="configuration.disable", forbid_reductions=forbid_reductions)


def require_idle(configuration: uuid.UUID) -> None:
    """Raise `AlreadyRunning` while a job of a configuration runs."""
    running = running_job(configuration)
    if running is not None:
        raise AlreadyRunning(
            f"The configuration {running.configuration_name!r} has a running job ({running.uuid}); cancel it, or wait"
            " for its end."
        )


def configuration_delete(configuration: uuid.UUID, *, now: datetime) -> DeletedConfiguration:
    """Delete a configuration. Its backups stay stored and restorable; retention does not remove them any more.

    Raises `ConfigurationNotFound`, or `AlreadyRunning` while one of its jobs runs.
    """
    with ledger_access("deleting a configuration"), transaction.atomic(using=ledger_alias()):
        row = _locked(configuration)
        require_idle(configuration)
        withdrawn = row.jobs.filter(status=JobStatus.PENDING).update(
            status=JobStatus.CANCELLED, completed_at=now, error_message="Its configuration was deleted."
        )
        kept = stored_backups(row)
        periodic.remove(row)
        target = audited(row)
        row.delete()
        audit_record(CONFIGURATION_DELETED, target, details={"backups_kept": kept, "jobs_withdrawn": withdrawn})
    return DeletedConfiguration(name=row.name, backups_kept=kept, jobs_withdrawn=withdrawn)


def _change(
    configuration: uuid.UUID,
    change: Callable[[BackupConfiguration], None],
    *,
    now: datetime,
    action: str,
    forbid_reductions: bool = False,
) -> BackupConfiguration:
    with ledger_access("changing a configuration"), transaction.atomic(using=ledger_alias()):
        row = _locked(configuration)
        before = [getattr(row, name) for name in _SCHEDULE]
        # A slot that is due now is due under the old schedule, also if the new one has no such slot.
        create_due_job(row, now=now)
        row.refresh_from_db(using=ledger_alias())
        name = row.name
        old = {field: getattr(row, field) for field in FIELDS}
        terms = RetentionTerms.of(row)
        change(row)
        others = [field for field in FIELDS if field != "is_enabled"]
        if row.is_enabled or any(getattr(row, field) != old[field] for field in others):
            # Disabling is possible for an invalid one, too: a path may have been forbidden since it was written.
            _require_valid(row)
        if forbid_reductions:
            _require_no_reduction(terms, row)
        if row.name != name:
            _require_free_name(row)
        if [getattr(row, name) for name in _SCHEDULE] != before:
            _begin_schedule(row, now)
        _save(row, is_new=False)
        periodic.sync(row)
        new = {field: getattr(row, field) for field in FIELDS}
        changed = {field: {"from": old[field], "to": new[field]} for field in FIELDS if old[field] != new[field]}
        audit_record(action, audited(row), details=changed)
    return row


def _require_no_reduction(before: RetentionTerms, row: BackupConfiguration) -> None:
    reductions = list(before.reductions_in(RetentionTerms.of(row)))
    if reductions:
        named = "; ".join(f"{name}: {why}" for name, why in reductions)
        raise ApprovalRefused(
            f"The configuration {row.name!r} would keep fewer backups or hold less data ({named}), and deleting backups"
            " takes two people here. The administrator of the server can change it: manage_backup_configs --edit."
        )


def _non_default_values(values: ConfigurationValues) -> dict[str, object]:
    """Return the values that differ from the defaults."""
    defaults = dataclasses.asdict(ConfigurationValues(name=""))
    return {name: value for name, value in dataclasses.asdict(values).items() if value != defaults[name]}


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
    configuration.storage_path = storage_relative(configuration.storage_path)
    choose_place(configuration.storage_path, encrypted=configuration.encryption_enabled)
    try:
        configuration.clean_fields()
        faults = _faults(configuration)
        if not faults:
            # The constraints of the database come last, because their messages are written for developers.
            configuration.validate_constraints()
    except ValidationError as error:
        faults = [(field, " ".join(texts)) for field, texts in error.message_dict.items()]
    if faults:
        texts = " ".join(f"{field}: {text}" for field, text in faults)
        raise RequestRefused(f"The configuration {configuration.name!r} cannot be saved: {texts}", faults)


def _faults(configuration: BackupConfiguration) -> list[tuple[str, str]]:
    faults = []
    for field in _NEEDS.get(configuration.frequency, ()):
        if getattr(configuration, field) in (None, []):
            faults.append((field, f"the frequency {configuration.frequency} needs this field."))
    days = configuration.schedule_days
    if not isinstance(days, list) or any(type(day) is not int or not 0 <= day <= 6 for day in days):
        faults.append(("schedule_days", "it must be a list of days from 0 (Monday) to 6 (Sunday)."))
    elif len(set(days)) != len(days):
        faults.append(("schedule_days", "it names a day twice."))
    at = configuration.schedule_time
    if at is not None and (at.second or at.microsecond or at.tzinfo):
        faults.append(("schedule_time", "it must be hours and minutes of local time, without seconds."))
    if configuration.schedule_day_of_month is not None and not (
        1 <= configuration.schedule_day_of_month <= LAST_DAY_OF_MONTH
    ):
        faults.append(("schedule_day_of_month", "it must be from 1 to 28, the days that every month has."))
    if configuration.time_limit_minutes is not None and configuration.time_limit_minutes < 1:
        faults.append(("time_limit_minutes", "it must be at least 1."))
    for field in ("retention_days", "max_backups"):
        if not 1 <= getattr(configuration, field) <= _MOST_RETENTION:
            faults.append((field, f"it must be from 1 to {_MOST_RETENTION}."))
    if not configuration.name.isprintable() or configuration.name != configuration.name.strip():
        faults.append(("name", "it must be printable, without white space at its ends."))
    return faults


def _require_free_name(configuration: BackupConfiguration) -> None:
    others = BackupConfiguration.objects.using(ledger_alias()).filter(name=configuration.name)
    if others.exclude(pk=configuration.pk).exists():
        raise _name_is_taken(configuration)


def _save(configuration: BackupConfiguration, *, is_new: bool) -> None:
    try:
        configuration.save(force_insert=is_new)
    except IntegrityError as error:
        # The name was free before the INSERT, and all other values are valid: another process was faster.
        raise _name_is_taken(configuration) from error


def _name_is_taken(configuration: BackupConfiguration) -> RequestRefused:
    text = f"There is a configuration {configuration.name!r} already; choose another name."
    return RequestRefused(text, [("name", text)])
