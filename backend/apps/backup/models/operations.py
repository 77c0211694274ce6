"""Long operations that users request, and uploads of packages."""

import uuid

from django.conf import settings as project
from django.db import models
from django.utils import timezone

from ..core.constraints import one_of
from .jobs import BackupJob
from .restores import RestoreJob
from .row_changes import WatchedRows


class OperationKind(models.TextChoices):
    """What takes long, is asked for, and is no backup."""

    VERIFY = "VERIFY", "Verification"
    PLAN = "PLAN", "Plan of a restore"
    RESTORE = "RESTORE", "Restore"
    ROLLBACK = "ROLLBACK", "Rollback of a restore"
    RELEASE = "RELEASE", "Release of what a restore replaced"
    REMOVE = "REMOVE", "Removal of a backup"
    PRUNE = "PRUNE", "Prune"
    DELETE_CONFIGURATION = "DELETE_CONFIGURATION", "Deletion of a configuration"


class OperationStatus(models.TextChoices):
    AWAITING_APPROVAL = "AWAITING_APPROVAL", "Awaiting a second person"
    PENDING = "PENDING", "Pending"
    RUNNING = "RUNNING", "Running"
    COMPLETED = "COMPLETED", "Completed"
    FAILED = "FAILED", "Failed"
    CANCELLED = "CANCELLED", "Cancelled"
    REJECTED = "REJECTED", "Rejected"


class Operation(models.Model):
    """Something long that is no backup, from the wish to its end; run by an executor in a process of its own.

    `arguments` says what is asked for, by kind; `result` what came of it. `token` fences: a process that was thought
    dead changes nothing any more.
    """

    objects = WatchedRows.as_manager()
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=24, choices=OperationKind.choices)
    status = models.CharField(
        max_length=24, choices=OperationStatus.choices, default=OperationStatus.PENDING, db_index=True
    )
    job = models.ForeignKey(BackupJob, null=True, blank=True, on_delete=models.SET_NULL, related_name="operations")
    restore = models.ForeignKey(RestoreJob, null=True, blank=True, on_delete=models.SET_NULL, related_name="operations")
    subject = models.CharField(max_length=300, blank=True, default="")
    """What it is about, for people; stays when the rows are gone."""
    arguments = models.JSONField(default=dict, blank=True)
    result = models.JSONField(default=dict, blank=True)
    progress = models.JSONField(default=dict, blank=True)
    error_message = models.TextField(blank=True, default="")
    requested_by = models.ForeignKey(
        project.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    requested_by_name = models.CharField(max_length=200, blank=True, default="")
    decided_by = models.ForeignKey(
        project.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    queued_at = models.DateTimeField(default=timezone.now)
    dispatched_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(auto_now=True, db_index=True)
    token = models.UUIDField(null=True, blank=True, editable=False)
    worker = models.CharField(max_length=200, blank=True, default="")
    worker_host = models.CharField(max_length=200, blank=True, default="")
    worker_pid = models.PositiveIntegerField(null=True, blank=True)
    worker_process_start = models.CharField(max_length=100, blank=True, default="")
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    cancel_reason = models.CharField(max_length=200, blank=True, default="")
    irrevocable_at = models.DateTimeField(null=True, blank=True)
    """When it began what is not broken off any more: the exchange of the live system."""

    class Meta:
        ordering = ["-queued_at", "-id"]
        constraints = [
            one_of("kind", OperationKind.values, "backup_operation_kind"),
            one_of("status", OperationStatus.values, "backup_operation_status"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.subject} ({self.status})"

    @property
    def cancellable(self) -> bool:
        """Whether asking for its end has any effect."""
        return self.completed_at is None and self.irrevocable_at is None


class Upload(models.Model):
    """A package that somebody sends, in as many pieces as it takes. How much is there, its file says."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField()
    """Bytes it is to have."""
    created_by = models.ForeignKey(
        project.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name
