"""Known damage in repositories, and the backups that need the damaged content."""

from django.db import models

from ..core.constraints import one_of
from .jobs import BackupJob, Trust


class DamageKind(models.TextChoices):
    """The kind of damage: of a pack, of a blob in it, or of a file of the index or of a snapshot."""

    MISSING = "missing", "Missing pack"
    SIZE = "size", "Pack of a wrong size"
    HEADER = "header", "Damaged header of a pack"
    LISTING = "listing", "Pack that differs from the index"
    BLOB = "blob", "Damaged blob"
    UNREADABLE = "unreadable", "Pack that the storage does not give"
    INDEX = "index", "Damaged index file"
    SNAPSHOT = "snapshot", "Damaged snapshot file"


class DamageFinder(models.TextChoices):
    """The work that found the damage."""

    BACKUP = "BACKUP", "Backup"
    VERIFY = "VERIFY", "Verification"
    RESTORE = "RESTORE", "Restore"
    DOWNLOAD = "DOWNLOAD", "Download"
    HEALTH = "HEALTH", "Health check"


class RepositoryDamage(models.Model):
    """Damage in a repository: of a pack, of one blob in it, or of an index or snapshot file.

    `file_id` names the pack or the file, empty for a blob that no index knows; `blob_id` is empty for the whole file.
    """

    repository_id = models.CharField(max_length=64, db_index=True)
    location = models.CharField(max_length=1000)
    """The address of the repository at that time, for users."""
    file_id = models.CharField(max_length=64, blank=True, default="")
    blob_id = models.CharField(max_length=64, blank=True, default="")
    blob_kind = models.CharField(max_length=8, blank=True, default="")
    kind = models.CharField(max_length=16, choices=DamageKind.choices)
    reason = models.TextField(blank=True, default="")
    found_at = models.DateTimeField()
    found_by = models.CharField(max_length=16, choices=DamageFinder.choices)
    is_needed = models.BooleanField(null=True)
    """Whether a stored snapshot needs the damaged content; null until this has been checked."""
    healed_at = models.DateTimeField(null=True, blank=True)
    """The time at which the content was found stored elsewhere, or no longer needed."""
    dropped_at = models.DateTimeField(null=True, blank=True)
    """The time at which no index named the damaged pack any more, or the file did not exist any more."""

    class Meta:
        ordering = ["-found_at", "-id"]
        constraints = [
            one_of("kind", DamageKind.values, "backup_damage_kind"),
            one_of("found_by", DamageFinder.values, "backup_damage_found_by"),
            models.UniqueConstraint(
                fields=["repository_id", "file_id", "blob_id", "blob_kind"], name="backup_damage_place"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.file_id[:8]} {self.blob_id[:8]}".strip()


class DoubtedBackup(models.Model):
    """A backup that became DAMAGED because it needs damaged content, with its trust level before."""

    job = models.OneToOneField(BackupJob, on_delete=models.CASCADE, related_name="doubt")
    repository_id = models.CharField(max_length=64, db_index=True)
    trust_before = models.CharField(max_length=16, choices=Trust.choices)
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.job_id} was {self.trust_before}"
