"""Categories, documents, versions with their files, and the audit trail.

Only `services` writes rows: each change and its audit entry share a transaction, and the last hash of the chain is
stored in `Register`, under a lock.
"""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from .constraints import check
from .names import as_tame

HASH_LENGTH = 64


class Category(models.Model):
    """The category of a document; users choose its name."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(blank=True, default="")

    class Meta:
        verbose_name_plural = "categories"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class State(models.TextChoices):
    """The state of a document in its life cycle."""

    DRAFT = "DRAFT", "Draft"
    REVIEW = "REVIEW", "In review"
    EFFECTIVE = "EFFECTIVE", "Effective"
    OBSOLETE = "OBSOLETE", "Obsolete"


class Document(models.Model):
    """A document with its number. Its files are in the versions."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.CharField(max_length=32, unique=True)
    title = models.CharField(max_length=255)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="documents")
    state = models.CharField(max_length=16, choices=State.choices, default=State.DRAFT)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="documents"
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["number"]
        constraints = [
            check("documents_document_state_known", Q(state__in=[state.value for state in State])),
            check("documents_document_number_given", ~Q(number="")),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"


def stored_name(version: "DocumentVersion", source_name: str) -> str:
    """Return the storage name of a version's file: its id, and a part of the original name, to find it in a backup."""
    name = version.id.hex
    return f"documents/{name[:2]}/{name}{as_tame(source_name)}"


class DocumentVersion(models.Model):
    """One file of a document, with its expected size in bytes and SHA-256."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    file = models.FileField(upload_to=stored_name, max_length=255, unique=True)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=HASH_LENGTH)
    # The original name, in the notation of `names.as_text`, which `names.as_bytes` converts back.
    source_name = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["document", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["document", "number"], name="documents_version_number_once"),
            check("documents_version_number_positive", Q(number__gte=1)),
            check("documents_version_size_positive", Q(size__gte=0)),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"


class AuditEntry(models.Model):
    """A recorded change of an object by an actor. `hash` covers `previous_hash` and all other fields (see `chain`)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    sequence = models.BigIntegerField(unique=True)
    recorded_at = models.DateTimeField()
    actor = models.CharField(max_length=150)
    action = models.CharField(max_length=40)
    object_type = models.CharField(max_length=40)
    object_id = models.UUIDField(db_index=True)
    details = models.JSONField()
    previous_hash = models.CharField(max_length=HASH_LENGTH)
    # A few digits of the hash of each field, to find the changed field of a broken row.
    field_marks = models.JSONField()
    hash = models.CharField(max_length=HASH_LENGTH, unique=True)

    class Meta:
        verbose_name_plural = "audit entries"
        ordering = ["sequence"]
        constraints = [check("documents_auditentry_sequence_positive", Q(sequence__gte=1))]

    def __str__(self) -> str:
        return f"{self.sequence} {self.action}"


class Register(models.Model):
    """The single row that every writer locks first: the end of the audit chain and the last document number."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    last_sequence = models.BigIntegerField(default=0)
    last_hash = models.CharField(max_length=HASH_LENGTH, default="0" * HASH_LENGTH)
    last_number = models.BigIntegerField(default=0)

    class Meta:
        constraints = [check("documents_register_single", Q(id=1))]

    def __str__(self) -> str:
        return f"chain of {self.last_sequence}"
