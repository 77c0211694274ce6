"""Backup jobs and their logs. A job that stored a backup is also its record in the catalogue."""

import uuid

from django.conf import settings as project
from django.db import models
from django.utils import timezone

from ..core.constraints import check_constraint, one_of
from ..core.permissions import Right
from ..storage.stored_paths import StoredPathField
from .configurations import BackupConfiguration, BackupType
from .repositories import StoredRepository
from .row_changes import WatchedRows


class JobStatus(models.TextChoices):
    PENDING = "PENDING", "Pending"
    RUNNING = "RUNNING", "Running"
    COMPLETED = "COMPLETED", "Completed"
    INCOMPLETE = "INCOMPLETE", "Incomplete"
    FAILED = "FAILED", "Failed"
    CANCELLED = "CANCELLED", "Cancelled"
    TIMEOUT = "TIMEOUT", "Timed out"
    MISSED = "MISSED", "Missed"


class Trigger(models.TextChoices):
    MANUAL = "MANUAL", "Manual"
    SCHEDULED = "SCHEDULED", "Scheduled"
    API = "API", "API"
    PRE_RESTORE = "PRE_RESTORE", "Before a restore"


class Trust(models.TextChoices):
    """The trust level of a backup.

    STORED: written, but not verified, or its rehearsal did not pass. VERIFIED: verified, with its schema restored in a
    rehearsal. DAMAGED: found damaged.
    """

    NONE = "", "Nothing stored"
    STORED = "STORED", "Stored"
    VERIFIED = "VERIFIED", "Verified"
    PROVEN = "PROVEN", "Proven"
    DAMAGED = "DAMAGED", "Damaged"


class RehearsalState(models.TextChoices):
    """The result of the rehearsal of a backup: its schema is restored into an empty database after it was stored."""

    NONE = "", "Nothing to rehearse, or never rehearsed"
    PASSED = "PASSED", "Passed"
    FAILED = "FAILED", "Failed"
    IMPOSSIBLE = "IMPOSSIBLE", "Not possible"


class WokenBy(models.TextChoices):
    """The process that saw first that a slot was due. Any of them may, and only the first one counts."""

    NOBODY = "", "Nobody"
    BEAT = "BEAT", "Celery Beat"
    AGENT = "AGENT", "Agent"
    WORKER = "WORKER", "Celery worker"
    COMMAND = "COMMAND", "Command"


class BackupJob(models.Model):
    """One run of a configuration, or an ad-hoc one. Sizes are bytes. Only `services.jobs` changes the status."""

    objects = WatchedRows.as_manager()
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
    status = models.CharField(max_length=16, choices=JobStatus.choices, default=JobStatus.PENDING)
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
    woken_by = models.CharField(max_length=8, choices=WokenBy.choices, default=WokenBy.NOBODY, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    """The earliest time of the next attempt of a PENDING job."""
    dispatched_at = models.DateTimeField(null=True, blank=True)
    """The time of the last message about it to the workers."""
    deadline = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    cancel_reason = models.CharField(max_length=200, blank=True, default="")

    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    repository = models.ForeignKey(
        StoredRepository, null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs"
    )
    """The repository of the snapshot; null for packages."""
    snapshot_id = models.CharField(max_length=64, blank=True, default="", db_index=True)
    backup_file_path = StoredPathField(max_length=1000, blank=True, default="")
    backup_size = models.PositiveBigIntegerField(null=True, blank=True)
    stored_size = models.PositiveBigIntegerField(null=True, blank=True)
    new_files = models.PositiveBigIntegerField(null=True, blank=True)
    changed_files = models.PositiveBigIntegerField(null=True, blank=True)
    unchanged_files = models.PositiveBigIntegerField(null=True, blank=True)
    checksum = models.CharField(max_length=64, blank=True, default="")
    sealed_with = models.CharField(max_length=100, blank=True, default="")
    """A mark of the passphrase that opens the package, as `mark_of` computes it; empty if it is not known."""
    manifest = models.JSONField(default=dict, blank=True)
    warnings = models.JSONField(default=list, blank=True)
    rehearsal_state = models.CharField(
        max_length=16, choices=RehearsalState.choices, default=RehearsalState.NONE, blank=True
    )
    rehearsal = models.JSONField(default=dict, blank=True)
    """The results by alias of the database: the failed statements, the reasons and the remedies."""
    problems = models.JSONField(default=list, blank=True)
    problem_count = models.PositiveIntegerField(default=0)
    accepted_until = models.DateTimeField(null=True, blank=True)
    """The time until which a user has acknowledged every problem of an INCOMPLETE job; null if one is open."""
    error_message = models.TextField(blank=True, default="")
    is_pinned = models.BooleanField(default=False)
    pin_reason = models.CharField(max_length=200, blank=True, default="")
    # A removed backup: from `removal_started_at` on it is not offered any more, from `removed_at` on its space no
    # longer counts as in use.
    removal_started_at = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)
    removal_reason = models.CharField(max_length=200, blank=True, default="")
    triggered_by = models.ForeignKey(
        project.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    changed_at = models.DateTimeField(auto_now=True, db_index=True)

    class Meta:
        ordering = ["-queued_at", "-id"]
        permissions = [(right.codename, right.label) for right in Right]
        indexes = [
            models.Index(fields=["configuration", "status", "-started_at"], name="backup_job_of_configuration"),
            # With all columns by which lists are filtered, so that the database need not read the rows.
            models.Index(
                fields=[
                    "-queued_at",
                    "-id",
                    "status",
                    "trust",
                    "trigger",
                    "backup_type",
                    "is_pinned",
                    "job_name",
                ],
                name="backup_job_lists",
            ),
            models.Index(
                fields=["status", "-queued_at", "-id", "trust", "trigger", "backup_type", "is_pinned"],
                name="backup_job_states",
            ),
            models.Index(fields=["configuration", "-queued_at", "-id"], name="backup_job_runs"),
            # For ordering.
            models.Index(fields=["started_at", "queued_at", "id"], name="backup_job_begun"),
            models.Index(fields=["backup_size", "id"], name="backup_job_read"),
            models.Index(fields=["stored_size", "id"], name="backup_job_stored"),
            models.Index(fields=["removed_at", "removal_started_at"], name="backup_job_removals"),
        ]
        constraints = [
            one_of("backup_type", BackupType.values, "backup_job_type"),
            one_of("woken_by", WokenBy.values, "backup_job_woken_by"),
            one_of("trigger", Trigger.values, "backup_job_trigger"),
            one_of("status", JobStatus.values, "backup_job_status"),
            one_of("trust", Trust.values, "backup_job_trust"),
            one_of("rehearsal_state", RehearsalState.values, "backup_job_rehearsal_state"),
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


class JobEvent(models.Model):
    """One line of a job's log."""

    job = models.ForeignKey(BackupJob, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    text = models.TextField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.at.isoformat(timespec='seconds')} {self.text}"
