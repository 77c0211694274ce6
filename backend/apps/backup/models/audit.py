"""The audit trail, and findings that a user has acknowledged."""

import uuid

from django.db import models
from django.utils import timezone

from ..core.constraints import one_of


class AuditOrigin(models.TextChoices):
    """The way by which an actor acted."""

    API = "API", "API"
    COMMAND = "COMMAND", "Command"
    SYSTEM = "SYSTEM", "The system itself"


class Acknowledgement(models.Model):
    """A user's statement that one finding, or one problem of a backup, is known. It expires by itself.

    `kind` is the id of the finding, or `PROBLEM`. `subject` is the subject of the finding, or the path of the problem;
    `text` is its text. A finding with another text is not acknowledged by this row.
    """

    PROBLEM = "problem"
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=32)
    subject = models.TextField()
    text = models.TextField(blank=True, default="")
    who = models.CharField(max_length=200)
    why = models.CharField(max_length=500)
    at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["kind", "subject", "id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}: {self.who}, until {self.until:%Y-%m-%d}"


class AuditChain(models.Model):
    """The end of the audit trail, in one row. Each writer locks it; it reveals that the last events were removed."""

    ONLY = 1
    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    last_sequence = models.PositiveBigIntegerField(default=0)
    last_hash = models.CharField(max_length=64, blank=True, default="")

    def __str__(self) -> str:
        return f"{self.last_sequence} {self.last_hash}"


class AuditEvent(models.Model):
    """One event of the audit trail: the actor, the action, the object, the address and the time.

    Rows are never changed and never deleted. Each row holds the hash of the row before it, and its own hash over that
    hash and all other columns.
    """

    sequence = models.PositiveBigIntegerField(unique=True)
    at = models.DateTimeField(db_index=True)
    actor = models.CharField(max_length=200)
    actor_key = models.CharField(max_length=64, blank=True, default="")
    """The primary key of the user; "" if the actor is no user."""
    origin = models.CharField(max_length=8, choices=AuditOrigin.choices)
    address = models.CharField(max_length=64, blank=True, default="")
    request_id = models.CharField(max_length=64, blank=True, default="")
    action = models.CharField(max_length=64, db_index=True)
    object_type = models.CharField(max_length=32)
    object_key = models.CharField(max_length=100, blank=True, default="", db_index=True)
    object_name = models.CharField(max_length=300, blank=True, default="")
    details = models.JSONField(default=dict, blank=True)
    previous_hash = models.CharField(max_length=64, blank=True, default="")
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["sequence"]
        constraints = [one_of("origin", AuditOrigin.values, "backup_audit_event_origin")]

    def __str__(self) -> str:
        return f"{self.at.isoformat(timespec='seconds')} {self.actor}: {self.action} {self.object_name}"
