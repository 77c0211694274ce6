"""Restores, and the state of the data that they replaced."""

import uuid

from django.conf import settings as project
from django.db import models
from django.utils import timezone

from ..core.constraints import one_of
from .jobs import BackupJob
from .row_changes import WatchedRows


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
    """The state of the data that a restore replaced."""

    NONE = "NONE", "Nothing kept"
    AVAILABLE = "AVAILABLE", "Kept for rollback"
    ROLLED_BACK = "ROLLED_BACK", "Rolled back"
    RELEASED = "RELEASED", "Released"


class RestoreJob(models.Model):
    """One restore: its plan, its progress, and the state of the data that it replaced."""

    objects = WatchedRows.as_manager()
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    backup_job = models.ForeignKey(BackupJob, null=True, blank=True, on_delete=models.SET_NULL, related_name="restores")
    backup_reference = models.CharField(max_length=1000, blank=True, default="")
    restore_type = models.CharField(max_length=20, choices=RestoreType.choices, default=RestoreType.FULL_RESTORE)
    target = models.CharField(max_length=1000, blank=True, default="")
    plan = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=16, choices=RestoreStatus.choices, default=RestoreStatus.PENDING)
    phases = models.JSONField(default=list, blank=True)
    counts = models.JSONField(default=dict, blank=True)
    changes = models.JSONField(default=dict, blank=True)
    """The rows and files written between the backup of the live state and the swap; empty if they were not compared."""
    log = models.JSONField(default=list, blank=True)
    rollback_state = models.CharField(max_length=16, choices=RollbackState.choices, default=RollbackState.NONE)
    error_message = models.TextField(blank=True, default="")
    requested_by = models.ForeignKey(
        project.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(auto_now=True, db_index=True)

    class Meta:
        ordering = ["-queued_at", "-id"]
        constraints = [
            one_of("restore_type", RestoreType.values, "backup_restore_type"),
            one_of("status", RestoreStatus.values, "backup_restore_status"),
            one_of("rollback_state", RollbackState.values, "backup_restore_rollback_state"),
        ]

    def __str__(self) -> str:
        return f"restore {self.uuid} ({self.status})"
