"""The five production policies, as the mission document of the EDMS has them."""

from datetime import time

from .models import BackupType, Frequency
from .services.configurations import ConfigurationValues

_SUNDAY = 6

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
