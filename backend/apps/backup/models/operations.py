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
    """The kinds of long operations that users request and that are no backups."""

    VERIFY = "VERIFY", "Verification"
    PLAN = "PLAN", "Plan of a restore"
    RESTORE = "RESTORE", "Restore"
    ROLLBACK = "ROLLBACK", "Rollback of a restore"
    RELEASE = "RELEASE", "Release of what a restore replaced"
    REMOVE = "REMOVE", "Removal of a backup"
    PRUNE = "PRUNE", "Prune"
    CHECK = "CHECK", "Check of a repository"
    UNLOCK = "UNLOCK", "Removal of stale locks"
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
    """A long operation that is no backup, from the request to its end; an executor runs it in a process of its own.

    `arguments` holds the request and `result` the result, both in a form by kind. `token` is a fence: a process that
    was declared dead changes nothing any more.
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
    """The name of the object, for users; it stays when the object's row is deleted."""
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
    """The time of the point of no return: from then on the operation swaps the live system and is not cancelled."""

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
        """Whether a request to cancel it has any effect."""
        return self.completed_at is None and self.irrevocable_at is None


class Upload(models.Model):
    """A package that a user sends in pieces. The size of its file says how much has arrived."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField()
    """The bytes of the complete package."""
    created_by = models.ForeignKey(
        project.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name
