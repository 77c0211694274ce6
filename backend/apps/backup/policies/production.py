"""The values of a configuration, and the five production policies from the mission document of the EDMS."""

import dataclasses
from collections.abc import Sequence
from datetime import time

from ..models import BackupType, ConfigurationStatus, Frequency

_SUNDAY = 6


@dataclasses.dataclass(frozen=True, slots=True)
class ConfigurationValues:
    """The values of a configuration that users set."""

    name: str
    backup_type: str = BackupType.FULL
    frequency: str = Frequency.ON_DEMAND
    description: str = ""
    schedule_time: time | None = None
    schedule_days: tuple[int, ...] = ()
    schedule_day_of_month: int | None = None
    storage_path: str = ""
    retention_days: int = 30
    max_backups: int = 30
    keep_daily: int = 0
    keep_weekly: int = 0
    keep_monthly: int = 0
    keep_yearly: int = 0
    time_limit_minutes: int | None = None
    compression_enabled: bool = True
    encryption_enabled: bool = True
    is_enabled: bool = True
    status: str = ConfigurationStatus.ACTIVE
    is_ad_hoc: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


FIELDS = tuple(field.name for field in dataclasses.fields(ConfigurationValues))

PRODUCTION_POLICIES = (
    ConfigurationValues(
        name="production_daily_full",
        description="The whole system every night: the daily recovery point.",
        backup_type=BackupType.FULL,
        frequency=Frequency.DAILY,
        schedule_time=time(2),
        retention_days=30,
        max_backups=30,
    ),
    ConfigurationValues(
        name="production_weekly_export",
        description="A portable package every Sunday: data migration, restore on another system.",
        backup_type=BackupType.EXPORT,
        frequency=Frequency.WEEKLY,
        schedule_time=time(3),
        schedule_days=(_SUNDAY,),
        retention_days=90,
        max_backups=12,
    ),
    ConfigurationValues(
        name="production_monthly_archive",
        description="The whole system on the 1st of each month: long-term archive, compliance.",
        backup_type=BackupType.FULL,
        frequency=Frequency.MONTHLY,
        schedule_time=time(4),
        schedule_day_of_month=1,
        retention_days=365,
        max_backups=12,
    ),
    ConfigurationValues(
        name="production_database_hourly",
        description="The database every hour; enable it where a night's loss is too much.",
        backup_type=BackupType.DATABASE,
        frequency=Frequency.HOURLY,
        schedule_time=time(9),
        retention_days=7,
        max_backups=48,
        is_enabled=False,
    ),
    ConfigurationValues(
        name="production_pre_deployment",
        description="By hand before a deployment, to be able to go back.",
        backup_type=BackupType.FULL,
        frequency=Frequency.ON_DEMAND,
        retention_days=90,
        max_backups=20,
    ),
)


def policies_for(*, dumps: bool) -> Sequence[ConfigurationValues]:
    """Return the production policies for a project. Not `dumps`: it has a database that can be backed up as rows only.

    Then every policy has the type EXPORT, since jobs of the other types would be refused.
    """
    return PRODUCTION_POLICIES if dumps else [_as_rows(policy) for policy in PRODUCTION_POLICIES]


def _as_rows(policy: ConfigurationValues) -> ConfigurationValues:
    include = ("databases/*",) if policy.backup_type == BackupType.DATABASE else policy.include
    return dataclasses.replace(policy, backup_type=BackupType.EXPORT, include=include)
