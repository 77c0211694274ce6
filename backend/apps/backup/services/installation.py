"""Configurations that come from elsewhere: the production policies, and those of an earlier installation."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta

from django.db import connections, transaction

from ..errors import BackupError
from ..ledger import ledger_access, ledger_alias
from ..models import BackupConfiguration, BackupType, Frequency, InstalledPolicy
from ..policies import PRODUCTION_POLICIES, ConfigurationValues
from ..sources.cut import database_aliases
from ..sources.errors import SourceRefused
from .configurations import configuration_create, configuration_delete

EARLIER_TABLE = "backup_configurations"
AD_HOC_AGE = timedelta(days=7)
_AD_HOC = re.compile(r"^(ad[-_ ]?hoc|manual|temp|test)", re.IGNORECASE)
"""What configurations were called that an earlier installation made for a single run."""


@dataclasses.dataclass(frozen=True, slots=True)
class Taken:
    """What became of one configuration: `state` is "created", "there already", "deleted here" or "refused"."""

    name: str
    state: str
    note: str = ""


def policies_install(*, now: datetime, dry_run: bool = False) -> list[Taken]:
    """Install the production policies that were never installed here; nothing that exists is changed.

    One that an administrator has deleted stays deleted.
    """
    taken = []
    for values in PRODUCTION_POLICIES:
        with ledger_access("installing the production policies"), transaction.atomic(using=ledger_alias()):
            installed = InstalledPolicy.objects.using(ledger_alias())
            there = BackupConfiguration.objects.using(ledger_alias()).filter(name=values.name).exists()
            known = installed.filter(name=values.name).exists()
            if there:
                taken.append(Taken(values.name, "there already"))
            elif known:
                taken.append(Taken(values.name, "deleted here", "installed before and deleted; --create makes it"))
            else:
                configuration_create(values, now=now)
                taken.append(Taken(values.name, "created", _refusal(values)))
            if not known:
                installed.get_or_create(name=values.name, defaults={"installed_at": now})
            transaction.set_rollback(dry_run, using=ledger_alias())
    return taken


def _refusal(values: ConfigurationValues) -> str:
    """Why the jobs of a policy will be refused by the databases of this project; "" if they will not."""
    if values.backup_type in {BackupType.EXPORT, BackupType.FILES}:
        return ""
    try:
        database_aliases()
    except SourceRefused as error:
        return f"its jobs will be refused: {error}"
    return ""


def clean_up_candidates(*, now: datetime) -> list[BackupConfiguration]:
    """Ad-hoc configurations that are older than a week and have no jobs."""
    with ledger_access("looking for old ad-hoc configurations"):
        rows = BackupConfiguration.objects.using(ledger_alias())
        return list(rows.filter(is_ad_hoc=True, created_at__lt=now - AD_HOC_AGE, jobs=None))


def clean_up(*, now: datetime, chosen: Sequence[BackupConfiguration]) -> list[str]:
    """Delete those of the chosen ones that are candidates still; their names."""
    still = {row.pk for row in clean_up_candidates(now=now)}
    names = []
    for row in chosen:
        if row.pk in still:
            names.append(configuration_delete(row.uuid, now=now).name)
    return names


def earlier_configurations() -> list[Mapping[str, object]]:
    """The rows of an earlier backup app's table in the ledger's database; none if there is no such table."""
    connection = connections[ledger_alias()]
    with ledger_access("looking for an earlier installation"):
        if EARLIER_TABLE not in connection.introspection.table_names():
            return []
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(EARLIER_TABLE)} ORDER BY 1")  # noqa: S608  a constant
            columns = [column[0] for column in cursor.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def configurations_adopt(*, now: datetime, dry_run: bool = False) -> list[Taken]:
    """Take over the configurations of an earlier installation, as they were; its table is left alone."""
    names = set(BackupConfiguration.objects.using(ledger_alias()).values_list("name", flat=True))
    taken = []
    for row in earlier_configurations():
        name = str(row.get("name", "")).strip()
        if name in names:
            taken.append(Taken(name, "there already"))
            continue
        try:
            values = _values(row)
            with transaction.atomic(using=ledger_alias()):
                configuration_create(values, now=now)
                # The same code refuses what it would refuse for good; only nothing of it stays.
                transaction.set_rollback(dry_run, using=ledger_alias())
        except (BackupError, ValueError, TypeError) as error:
            taken.append(Taken(name, "refused", str(error)))
        else:
            taken.append(Taken(name, "created", "" if values.is_enabled else "its schedule is switched off"))
            names.add(name)
    return taken


def _values(row: Mapping[str, object]) -> ConfigurationValues:
    """What an earlier row says, in our words; columns that it lacks have the defaults of a new configuration."""
    name = str(row.get("name", "")).strip()
    frequency = str(row.get("frequency") or Frequency.ON_DEMAND).upper()
    return ConfigurationValues(
        name=name,
        description=str(row.get("description") or ""),
        backup_type=str(row.get("backup_type") or BackupType.FULL).upper(),
        frequency=frequency,
        schedule_time=_time(row.get("schedule_time"), frequency),
        schedule_days=_days(row.get("schedule_days")),
        schedule_day_of_month=_number(row.get("schedule_day_of_month")),
        retention_days=_number(row.get("retention_days")) or 30,
        max_backups=_number(row.get("max_backups")) or 30,
        compression_enabled=bool(row.get("compression_enabled", True)),
        encryption_enabled=bool(row.get("encryption_enabled", True)),
        is_enabled=bool(row.get("is_enabled", True)) and str(row.get("status") or "ACTIVE").upper() == "ACTIVE",
        is_ad_hoc=bool(_AD_HOC.match(name)) and frequency == Frequency.ON_DEMAND,
    )


def _time(value: object, frequency: str) -> time | None:
    if value in (None, ""):
        # An earlier installation let a schedule stand without a time: midnight is what it meant.
        return None if frequency in {Frequency.ON_DEMAND, Frequency.HOURLY} else time()
    given = value if isinstance(value, time) else time.fromisoformat(str(value))
    return given.replace(second=0, microsecond=0, tzinfo=None)


def _days(value: object) -> tuple[int, ...]:
    given = json.loads(value) if isinstance(value, str) and value else value
    if given in (None, ""):
        return ()
    if not isinstance(given, Sequence):
        raise TypeError(f"its schedule_days are {given!r}, which are no list of days")
    return tuple(sorted({int(day) for day in given}))


def _number(value: object) -> int | None:
    return None if value in (None, "") else int(str(value))
