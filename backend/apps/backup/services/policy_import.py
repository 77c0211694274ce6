"""The import of configurations: the production policies, and those of an earlier installation."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time
from typing import TypeVar

from django.db import transaction

from ..errors import BackupError
from ..ledger import ledger_access, ledger_alias
from ..models import BackupConfiguration, BackupType, Frequency, InstalledPolicy
from ..policies.production import ConfigurationValues, policies_for
from ..policies.schedule import LAST_DAY_OF_MONTH
from ..selectors.configurations import clean_up_candidates, earlier_configurations
from ..sources.databases import all_have_dumps, database_aliases
from ..sources.errors import SourceRefused
from .configurations import configuration_create, configuration_delete

_T = TypeVar("_T")
CREATED = "created"
WOULD_BE_CREATED = "would be created"
_SUNDAY = 6
_AD_HOC = re.compile(r"^(ad[-_ ]?hoc|manual|temp|test)", re.IGNORECASE)
"""Names of configurations that an earlier installation made for a single run."""


@dataclasses.dataclass(frozen=True, slots=True)
class ImportResult:
    """The result for one configuration.

    `state` is "created", in a dry run "would be created", "there already", "deleted here" or "refused".
    """

    name: str
    state: str
    note: str = ""


def policies_install(*, now: datetime, dry_run: bool = False) -> list[ImportResult]:
    """Install the production policies that were never installed here; existing configurations stay unchanged.

    A policy that an administrator has deleted stays deleted.
    """
    taken = []
    for values in policies_for(dumps=_all_have_dumps()):
        with ledger_access("installing the production policies"), transaction.atomic(using=ledger_alias()):
            installed = InstalledPolicy.objects.using(ledger_alias())
            exists = BackupConfiguration.objects.using(ledger_alias()).filter(name=values.name).exists()
            known = installed.filter(name=values.name).exists()
            if exists:
                taken.append(ImportResult(values.name, "there already"))
            elif known:
                taken.append(
                    ImportResult(values.name, "deleted here", "installed before and deleted; --create makes it")
                )
            else:
                notes = [refusal_here(values.backup_type), _similar_schedule_note(values)]
                configuration_create(values, now=now)
                taken.append(_created(values.name, notes, dry_run=dry_run))
            if not known:
                installed.get_or_create(name=values.name, defaults={"installed_at": now})
            transaction.set_rollback(dry_run, using=ledger_alias())
    return taken


def _created(name: str, notes: Sequence[str], *, dry_run: bool) -> ImportResult:
    return ImportResult(name, WOULD_BE_CREATED if dry_run else CREATED, "; ".join(filter(None, notes)))


def _all_have_dumps() -> bool:
    """Return whether each database has a dump, as the policies of the mission document require.

    True for a project with a database that cannot be backed up at all: the refusal of each policy then says so.
    """
    try:
        return all_have_dumps()
    except SourceRefused:
        return True


def refusal_here(backup_type: str) -> str:
    """Return the reason why this project's databases will refuse jobs of the type; "" if they will not."""
    if backup_type == BackupType.FILES:
        return ""
    try:
        database_aliases(portable=backup_type == BackupType.EXPORT)
    except SourceRefused as error:
        return f"its jobs will be refused: {error}"
    return ""


def _similar_schedule_note(values: ConfigurationValues) -> str:
    """Return a note about a configuration with the same type and frequency; "" if there is none.

    After an import of earlier configurations everything may be backed up twice.
    """
    if not values.is_enabled or values.frequency == Frequency.ON_DEMAND:
        return ""
    rows = BackupConfiguration.objects.using(ledger_alias()).filter(
        backup_type=values.backup_type, frequency=values.frequency, is_enabled=True
    )
    name = rows.exclude(name=values.name).order_by("name").values_list("name", flat=True).first()
    if name is None:
        return ""
    return (
        f"{name} makes a {values.backup_type} backup as often ({values.frequency}); where one is enough, run"
        f" `manage_backup_configs --disable NAME` for the other"
    )


def clean_up(*, now: datetime, chosen: Sequence[BackupConfiguration]) -> list[str]:
    """Delete the chosen configurations that still are candidates; return their names."""
    still = {row.pk for row in clean_up_candidates(now=now)}
    names = []
    for row in chosen:
        if row.pk in still:
            names.append(configuration_delete(row.uuid, now=now).name)
    return names


def configurations_adopt(*, now: datetime, dry_run: bool = False) -> list[ImportResult]:
    """Import the configurations of an earlier installation unchanged; its table stays as it is."""
    names = set(BackupConfiguration.objects.using(ledger_alias()).values_list("name", flat=True))
    taken = []
    for row in earlier_configurations():
        name = str(row.get("name", "")).strip()
        if name in names:
            taken.append(ImportResult(name, "there already"))
            continue
        try:
            values, notes = _values(row)
            with transaction.atomic(using=ledger_alias()):
                notes += [refusal_here(values.backup_type), _similar_schedule_note(values)]
                configuration_create(values, now=now)
                # A dry run executes the same code, and rolls it back.
                transaction.set_rollback(dry_run, using=ledger_alias())
        except (BackupError, ValueError, TypeError) as error:
            taken.append(ImportResult(name, "refused", str(error)))
        else:
            notes.insert(0, "" if values.is_enabled else "its schedule is switched off")
            taken.append(_created(name, notes, dry_run=dry_run))
            names.add(name)
    return taken


def _values(row: Mapping[str, object]) -> tuple[ConfigurationValues, list[str]]:
    """Return the values of an earlier row, and notes about values that were filled in.

    Missing columns have the defaults of a new configuration.
    """
    name = str(row.get("name", "")).strip()
    frequency = str(row.get("frequency") or Frequency.ON_DEMAND).upper()
    notes: list[str] = []
    values = ConfigurationValues(
        name=name,
        description=str(row.get("description") or ""),
        backup_type=str(row.get("backup_type") or BackupType.FULL).upper(),
        frequency=frequency,
        schedule_time=_read(row, "schedule_time", lambda value: _time(value, frequency, notes)),
        schedule_days=_read(row, "schedule_days", lambda value: _days(value, frequency, notes)),
        schedule_day_of_month=_read(row, "schedule_day_of_month", lambda value: _day_of_month(value, frequency, notes)),
        retention_days=_read(row, "retention_days", _number) or 30,
        max_backups=_read(row, "max_backups", _number) or 30,
        compression_enabled=bool(row.get("compression_enabled", True)),
        encryption_enabled=bool(row.get("encryption_enabled", True)),
        is_enabled=bool(row.get("is_enabled", True)) and str(row.get("status") or "ACTIVE").upper() == "ACTIVE",
        is_ad_hoc=bool(_AD_HOC.match(name)) and frequency == Frequency.ON_DEMAND,
    )
    return values, notes


def _read(row: Mapping[str, object], column: str, read: Callable[[object], _T]) -> _T:
    try:
        return read(row.get(column))
    except (ValueError, TypeError) as error:
        raise ValueError(f"its {column} is {row.get(column)!r}, which cannot be read: {error}") from error


# An earlier installation allowed a schedule without its time or day, and never ran it. Notes name the filled-in values.


def _time(value: object, frequency: str, notes: list[str]) -> time | None:
    if value in (None, ""):
        if frequency in {Frequency.ON_DEMAND, Frequency.HOURLY}:
            return None
        notes.append("it had no time: 00:00 now")
        return time()
    given = value if isinstance(value, time) else time.fromisoformat(str(value))
    return given.replace(second=0, microsecond=0, tzinfo=None)


def _days(value: object, frequency: str, notes: list[str]) -> tuple[int, ...]:
    given = json.loads(value) if isinstance(value, str) and value else value
    if given in (None, ""):
        given = ()
    if not isinstance(given, Sequence):
        raise TypeError(f"its schedule_days are {given!r}, which are no list of days")
    if not given and frequency == Frequency.WEEKLY:
        notes.append("it had no day: Sunday now")
        return (_SUNDAY,)
    return tuple(sorted({int(day) for day in given}))


def _day_of_month(value: object, frequency: str, notes: list[str]) -> int | None:
    day = _number(value)
    if frequency != Frequency.MONTHLY:
        # A wrong value in a column without meaning here must not make the whole configuration fail.
        return day if day is not None and 1 <= day <= LAST_DAY_OF_MONTH else None
    if day is None:
        notes.append("it had no day: the 1st of the month now")
        return 1
    if day > LAST_DAY_OF_MONTH:
        notes.append(f"it had the day {day}, which not every month has: the {LAST_DAY_OF_MONTH}th now")
        return LAST_DAY_OF_MONTH
    return day


def _number(value: object) -> int | None:
    return None if value in (None, "") else int(str(value))
