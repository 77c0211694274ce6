"""Backup configurations: the content, type, schedule and retention of backups."""

import uuid

from django.conf import settings as project
from django.db import models
from django.utils import timezone

from ..core.constraints import check_constraint, one_of
from .row_changes import WatchedRows


class BackupType(models.TextChoices):
    FULL = "FULL", "Full"
    INCREMENTAL = "INCREMENTAL", "Incremental"
    DIFFERENTIAL = "DIFFERENTIAL", "Differential"
    DATABASE = "DATABASE", "Database"
    FILES = "FILES", "Files"
    EXPORT = "EXPORT", "Export package"


class Frequency(models.TextChoices):
    HOURLY = "HOURLY", "Hourly"
    DAILY = "DAILY", "Daily"
    WEEKLY = "WEEKLY", "Weekly"
    MONTHLY = "MONTHLY", "Monthly"
    ON_DEMAND = "ON_DEMAND", "On demand"


class ConfigurationStatus(models.TextChoices):
    ACTIVE = "ACTIVE", "Active"
    INACTIVE = "INACTIVE", "Inactive"
    SUSPENDED = "SUSPENDED", "Suspended"


class BackupConfiguration(models.Model):
    """A named policy: the content of a backup, its schedule, its storage and its retention."""

    objects = WatchedRows.as_manager()

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(blank=True, default="")
    backup_type = models.CharField(max_length=16, choices=BackupType.choices, default=BackupType.FULL)
    frequency = models.CharField(max_length=16, choices=Frequency.choices, default=Frequency.ON_DEMAND)
    schedule_time = models.TimeField(null=True, blank=True)
    schedule_days = models.JSONField(default=list, blank=True, help_text="Days of the week, 0 = Monday")
    schedule_day_of_month = models.PositiveSmallIntegerField(null=True, blank=True, help_text="1 to 28")
    retention_days = models.PositiveIntegerField(default=30)
    max_backups = models.PositiveIntegerField(default=30)
    keep_daily = models.PositiveSmallIntegerField(default=0)
    keep_weekly = models.PositiveSmallIntegerField(default=0)
    keep_monthly = models.PositiveSmallIntegerField(default=0)
    keep_yearly = models.PositiveSmallIntegerField(default=0)
    time_limit_minutes = models.PositiveIntegerField(null=True, blank=True)
    storage_path = models.CharField(max_length=500, blank=True, default="")
    compression_enabled = models.BooleanField(default=True)
    encryption_enabled = models.BooleanField(default=True)
    status = models.CharField(max_length=16, choices=ConfigurationStatus.choices, default=ConfigurationStatus.ACTIVE)
    is_enabled = models.BooleanField(default=True)
    is_ad_hoc = models.BooleanField(default=False, help_text="Made for one occasion; the clean-up may remove it")
    include = models.JSONField(default=list, blank=True)
    exclude = models.JSONField(default=list, blank=True)
    created_by = models.ForeignKey(
        project.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    changed_at = models.DateTimeField(auto_now=True, db_index=True)

    # The state of the schedule. It has no slots before `schedule_start`. `next_slot` is the first slot without a job,
    # null while there is none; `schedule_zone` is the time zone in which it was computed.
    schedule_start = models.DateTimeField(null=True, blank=True, editable=False)
    next_slot = models.DateTimeField(null=True, blank=True, editable=False, db_index=True)
    schedule_zone = models.CharField(max_length=64, blank=True, default="", editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            one_of("backup_type", BackupType.values, "backup_configuration_type"),
            one_of("frequency", Frequency.values, "backup_configuration_frequency"),
            one_of("status", ConfigurationStatus.values, "backup_configuration_status"),
            check_constraint(models.Q(retention_days__gte=1), "backup_configuration_retention_days"),
            check_constraint(models.Q(max_backups__gte=1), "backup_configuration_max_backups"),
            check_constraint(
                models.Q(schedule_day_of_month__isnull=True)
                | models.Q(schedule_day_of_month__gte=1, schedule_day_of_month__lte=28),
                "backup_configuration_day_of_month",
            ),
            check_constraint(
                models.Q(time_limit_minutes__isnull=True) | models.Q(time_limit_minutes__gte=1),
                "backup_configuration_time_limit",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def runs_by_schedule(self) -> bool:
        """Whether the slots of its schedule become jobs."""
        return self.is_enabled and self.status == ConfigurationStatus.ACTIVE and self.frequency != Frequency.ON_DEMAND


class InstalledPolicy(models.Model):
    """A production policy that was installed here once. One that an administrator deleted is not installed again."""

    name = models.CharField(max_length=100, unique=True)
    installed_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class ConfirmedPassphrase(models.Model):
    """A passphrase that a user has confirmed, as a salted slow hash.

    Packages may be sealed with it where no repository proves the passphrase. The newest row counts.
    """

    salt = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    """scrypt of the passphrase, as `slow_digest` computes it."""
    confirmed_at = models.DateTimeField(default=timezone.now)
    confirmed_by = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ["-confirmed_at", "-id"]

    def __str__(self) -> str:
        return f"passphrase confirmed by {self.confirmed_by}"
