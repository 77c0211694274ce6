"""The audit trail, and findings that a user has acknowledged."""

import uuid

from django.db import models
from django.utils import timezone

from ..core.constraints import one_of


class AuditOrigin(models.TextChoices):
    """Through what somebody acted."""

    API = "API", "API"
    COMMAND = "COMMAND", "Command"
    SYSTEM = "SYSTEM", "The system itself"


class Acknowledgement(models.Model):
    """A person's word that one named thing is known: a finding, or a problem of a backup. It ends by itself.

    `kind` is the id of the finding, or `PROBLEM`. `subject` is what the finding is about, or the path of the problem;
    `text` is what it says. Something that says anything else is another thing, and is open.
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
    """The end of the audit trail, in one row: who adds to the trail locks it, and what is cut off its end is missed."""

    ONLY = 1
    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    last_sequence = models.PositiveBigIntegerField(default=0)
    last_hash = models.CharField(max_length=64, blank=True, default="")

    def __str__(self) -> str:
        return f"{self.last_sequence} {self.last_hash}"


class AuditEvent(models.Model):
    """Who did what to which object, from where, when. Never changed, never deleted; each row holds the hash of the row
    before it, and its own over that and all it says."""

    sequence = models.PositiveBigIntegerField(unique=True)
    at = models.DateTimeField(db_index=True)
    actor = models.CharField(max_length=200)
    actor_key = models.CharField(max_length=64, blank=True, default="")
    """The primary key of the user, where it was one."""
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
