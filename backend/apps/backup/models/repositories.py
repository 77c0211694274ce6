"""Repositories that hold backups, changes of their keys, and prune runs."""

from django.db import models
from django.utils import timezone

from ..core.constraints import one_of


class PruneStatus(models.TextChoices):
    RUNNING = "RUNNING", "Running"
    COMPLETED = "COMPLETED", "Completed"
    FAILED = "FAILED", "Failed"


class StoredRepository(models.Model):
    """A repository with backups: its place and its identity.

    `repository_id` is its own id; empty if its backups are older than this column, until the next job fills it in.
    `config_digest` is the SHA-256 of its file `config`, which is sealed with a random nonce: while the digest is the
    same, the repository is the same, and nothing need be decrypted to know that.
    """

    storage_path = models.TextField(blank=True, default="")
    encrypted = models.BooleanField(default=True)
    repository_id = models.CharField(max_length=64, blank=True, default="", db_index=True)
    config_digest = models.CharField(max_length=64, blank=True, default="")
    first_seen_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    packs_listing = models.CharField(max_length=64, blank=True, default="")
    """A digest of the names and sizes of its packs and of the names of its indexes at their last comparison."""
    packs_seen_at = models.DateTimeField(null=True, blank=True)
    packs_seconds = models.FloatField(default=0.0)
    """The duration of that comparison."""

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"repository {self.repository_id[:8] or 'of an unknown id'} in {self.storage_path or 'the main storage'}"


class KeyChange(models.Model):
    """A change of the passphrase of an encrypted repository, or of the whole repository, until it is released.

    `old_key` is the name of the key file of the old passphrase in the repository that is in use now; empty where there
    is none. `replaced` is the folder of the old repository beside it; empty where the repository stayed.
    """

    storage_path = models.TextField(blank=True, default="")
    repository_id = models.CharField(max_length=64)
    old_key = models.CharField(max_length=64, blank=True, default="")
    new_key = models.CharField(max_length=64)
    replaced = models.CharField(max_length=100, blank=True, default="")
    changed_at = models.DateTimeField(default=timezone.now)
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"change of the key of repository {self.repository_id[:8]}"


class PruneRun(models.Model):
    """One prune of a repository: it frees the space of removed backups. Sizes are bytes."""

    repository = models.CharField(max_length=1000)
    status = models.CharField(max_length=16, choices=PruneStatus.choices, default=PruneStatus.RUNNING)
    started_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)
    freed_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    error_message = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [one_of("status", PruneStatus.values, "backup_prune_status")]

    def __str__(self) -> str:
        return f"prune of {self.repository} ({self.status})"
