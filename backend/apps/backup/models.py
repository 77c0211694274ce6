"""The ledger: configurations, the jobs that ran or wait, the restores.

The ledger is the truth about work in progress and a mirror of what the repositories hold: job rows can be made again
from the repositories alone. Every constraint is in the database and in a form that SQLite, PostgreSQL and MariaDB
all enforce (no partial indexes: a column that is null while the rule does not apply takes their place).
"""

import uuid

from django.conf import settings as project
from django.db import models
from django.utils import timezone

from .constraints import check_constraint, one_of


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


class JobStatus(models.TextChoices):
    PENDING = "PENDING", "Pending"
    RUNNING = "RUNNING", "Running"
    COMPLETED = "COMPLETED", "Completed"
    INCOMPLETE = "INCOMPLETE", "Incomplete"
    FAILED = "FAILED", "Failed"
    CANCELLED = "CANCELLED", "Cancelled"
    TIMEOUT = "TIMEOUT", "Timed out"


class Trigger(models.TextChoices):
    MANUAL = "MANUAL", "Manual"
    SCHEDULED = "SCHEDULED", "Scheduled"
    API = "API", "API"
    PRE_RESTORE = "PRE_RESTORE", "Before a restore"


class Trust(models.TextChoices):
    """How far a backup has been proved; DAMAGED is what a verification found to be wrong."""

    NONE = "", "Nothing stored"
    STORED = "STORED", "Stored"
    VERIFIED = "VERIFIED", "Verified"
    PROVEN = "PROVEN", "Proven"
    DAMAGED = "DAMAGED", "Damaged"


class RestoreType(models.TextChoices):
    FULL_RESTORE = "FULL_RESTORE", "Database and files"
    DATABASE_RESTORE = "DATABASE_RESTORE", "Database"
    FILES_RESTORE = "FILES_RESTORE", "Files"
    SELECTIVE_RESTORE = "SELECTIVE_RESTORE", "Selection"


class RestoreStatus(models.TextChoices):
    PENDING = "PENDING", "Pending"
    RUNNING = "RUNNING", "Running"
    COMPLETED = "COMPLETED", "Completed"
    FAILED = "FAILED", "Failed"
    CANCELLED = "CANCELLED", "Cancelled"


class RollbackState(models.TextChoices):
    """What became of that which a restore replaced."""

    NONE = "NONE", "Nothing kept"
    AVAILABLE = "AVAILABLE", "Kept for rollback"
    ROLLED_BACK = "ROLLED_BACK", "Rolled back"
    RELEASED = "RELEASED", "Released"


class BackupConfiguration(models.Model):
    """A named policy: what is backed up, when, where to, and for how long it is kept."""

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
    storage_path = models.CharField(max_length=500, blank=True, default="")
    compression_enabled = models.BooleanField(default=True)
    encryption_enabled = models.BooleanField(default=True)
    status = models.CharField(max_length=16, choices=ConfigurationStatus.choices, default=ConfigurationStatus.ACTIVE)
    is_enabled = models.BooleanField(default=True)
    include = models.JSONField(default=list, blank=True)
    exclude = models.JSONField(default=list, blank=True)
    created_by = models.ForeignKey(
        project.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

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
        ]

    def __str__(self) -> str:
        return self.name


class BackupJob(models.Model):
    """One run of a configuration, or an ad-hoc one. Sizes are bytes; status changes go through `services.jobs` only."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    configuration = models.ForeignKey(
        BackupConfiguration, null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs"
    )
    configuration_name = models.CharField(max_length=100, blank=True, default="")
    settings = models.JSONField(default=dict, blank=True)
    job_name = models.CharField(max_length=200, db_index=True)
    backup_type = models.CharField(max_length=16, choices=BackupType.choices)
    trigger = models.CharField(max_length=16, choices=Trigger.choices, default=Trigger.MANUAL)
    slot = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=16, choices=JobStatus.choices, default=JobStatus.PENDING, db_index=True)
    trust = models.CharField(max_length=16, choices=Trust.choices, default=Trust.NONE, blank=True)

    # Set to the configuration's uuid while RUNNING, else null: its uniqueness allows one running job per configuration.
    running_key = models.UUIDField(null=True, blank=True, unique=True, editable=False)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    attempt = models.PositiveIntegerField(default=0)
    worker = models.CharField(max_length=200, blank=True, default="")
    worker_host = models.CharField(max_length=200, blank=True, default="")
    worker_pid = models.PositiveIntegerField(null=True, blank=True)
    worker_process_start = models.CharField(max_length=100, blank=True, default="")
    progress = models.JSONField(default=dict, blank=True)

    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    snapshot_id = models.CharField(max_length=64, blank=True, default="", db_index=True)
    backup_file_path = models.CharField(max_length=1000, blank=True, default="")
    backup_size = models.PositiveBigIntegerField(null=True, blank=True)
    stored_size = models.PositiveBigIntegerField(null=True, blank=True)
    new_files = models.PositiveBigIntegerField(null=True, blank=True)
    changed_files = models.PositiveBigIntegerField(null=True, blank=True)
    unchanged_files = models.PositiveBigIntegerField(null=True, blank=True)
    checksum = models.CharField(max_length=64, blank=True, default="")
    manifest = models.JSONField(default=dict, blank=True)
    warnings = models.JSONField(default=list, blank=True)
    problems = models.JSONField(default=list, blank=True)
    problem_count = models.PositiveIntegerField(default=0)
    error_message = models.TextField(blank=True, default="")
    is_pinned = models.BooleanField(default=False)
    pin_reason = models.CharField(max_length=200, blank=True, default="")
    triggered_by = models.ForeignKey(
        project.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-queued_at", "-id"]
        constraints = [
            one_of("backup_type", BackupType.values, "backup_job_type"),
            one_of("trigger", Trigger.values, "backup_job_trigger"),
            one_of("status", JobStatus.values, "backup_job_status"),
            one_of("trust", Trust.values, "backup_job_trust"),
            # A null slot or a null configuration never collides, in any of the databases.
            models.UniqueConstraint(fields=["configuration", "slot"], name="backup_job_configuration_slot"),
            check_constraint(
                models.Q(status=JobStatus.RUNNING) | models.Q(running_key__isnull=True), "backup_job_running_key"
            ),
            check_constraint(
                ~models.Q(status=JobStatus.RUNNING)
                | models.Q(lease_token__isnull=False, lease_expires_at__isnull=False),
                "backup_job_running_lease",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_name} ({self.status})"


class RestoreJob(models.Model):
    """One restore: what was planned, how far it got, and what became of that which it replaced."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    backup_job = models.ForeignKey(BackupJob, null=True, blank=True, on_delete=models.SET_NULL, related_name="restores")
    backup_reference = models.CharField(max_length=1000, blank=True, default="")
    restore_type = models.CharField(max_length=20, choices=RestoreType.choices, default=RestoreType.FULL_RESTORE)
    target = models.CharField(max_length=1000, blank=True, default="")
    plan = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=16, choices=RestoreStatus.choices, default=RestoreStatus.PENDING)
    phases = models.JSONField(default=list, blank=True)
    counts = models.JSONField(default=dict, blank=True)
    log = models.JSONField(default=list, blank=True)
    rollback_state = models.CharField(max_length=16, choices=RollbackState.choices, default=RollbackState.NONE)
    error_message = models.TextField(blank=True, default="")
    requested_by = models.ForeignKey(
        project.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-queued_at", "-id"]
        constraints = [
            one_of("restore_type", RestoreType.values, "backup_restore_type"),
            one_of("status", RestoreStatus.values, "backup_restore_status"),
            one_of("rollback_state", RollbackState.values, "backup_restore_rollback_state"),
        ]

    def __str__(self) -> str:
        return f"restore {self.uuid} ({self.status})"
