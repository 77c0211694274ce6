"""The ledger: configurations, jobs and their logs, restores, prunes, and who is there to run them.

The ledger is the truth about work in progress and a mirror of what the repositories hold: job rows can be made again
from the repositories alone. Every constraint is in the database and in a form that SQLite, PostgreSQL and MariaDB
all enforce (no partial indexes: a column that is null while the rule does not apply takes their place).
"""

import uuid
from typing import TypeVar

from django.conf import settings as project
from django.db import models
from django.utils import timezone

from .core.constraints import check_constraint, one_of
from .core.permissions import Right
from .storage.stored_paths import StoredPathField

_Row = TypeVar("_Row", bound=models.Model)


class _Watched(models.QuerySet[_Row]):
    """Every UPDATE also sets `changed_at`, by which those who look on find what has changed."""

    def update(self, **columns: object) -> int:
        return super().update(**{"changed_at": timezone.now(), **columns})


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
    MISSED = "MISSED", "Missed"


class Trigger(models.TextChoices):
    MANUAL = "MANUAL", "Manual"
    SCHEDULED = "SCHEDULED", "Scheduled"
    API = "API", "API"
    PRE_RESTORE = "PRE_RESTORE", "Before a restore"


class Trust(models.TextChoices):
    """How far a backup has been proved.

    STORED is written and no more, or its restore is not shown to work; VERIFIED is read back, with its schema restored
    in a rehearsal; DAMAGED is what a verification found to be wrong.
    """

    NONE = "", "Nothing stored"
    STORED = "STORED", "Stored"
    VERIFIED = "VERIFIED", "Verified"
    PROVEN = "PROVEN", "Proven"
    DAMAGED = "DAMAGED", "Damaged"


class RehearsalState(models.TextChoices):
    """What came of restoring the schema of a backup into an empty database, right after it was stored."""

    NONE = "", "Nothing to rehearse, or never rehearsed"
    PASSED = "PASSED", "Passed"
    FAILED = "FAILED", "Failed"
    IMPOSSIBLE = "IMPOSSIBLE", "Not possible"


class WokenBy(models.TextChoices):
    """Who saw that a slot was due; any of them may, and only the first one counts."""

    NOBODY = "", "Nobody"
    BEAT = "BEAT", "Celery Beat"
    AGENT = "AGENT", "Agent"
    WORKER = "WORKER", "Celery worker"
    COMMAND = "COMMAND", "Command"


class ExecutorKind(models.TextChoices):
    AGENT = "AGENT", "Agent"
    WORKER = "WORKER", "Celery worker"
    CRON = "CRON", "Cron"


class PruneStatus(models.TextChoices):
    RUNNING = "RUNNING", "Running"
    COMPLETED = "COMPLETED", "Completed"
    FAILED = "FAILED", "Failed"


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


class DamageKind(models.TextChoices):
    """What is damaged: a pack, a blob in it, or a file of the index or of a snapshot."""

    MISSING = "missing", "Missing pack"
    SIZE = "size", "Pack of a wrong size"
    HEADER = "header", "Damaged header of a pack"
    LISTING = "listing", "Pack that differs from the index"
    BLOB = "blob", "Damaged blob"
    UNREADABLE = "unreadable", "Pack that the storage does not give"
    INDEX = "index", "Damaged index file"
    SNAPSHOT = "snapshot", "Damaged snapshot file"


class DamageFinder(models.TextChoices):
    """What was being done when damage was found."""

    BACKUP = "BACKUP", "Backup"
    VERIFY = "VERIFY", "Verification"
    RESTORE = "RESTORE", "Restore"
    DOWNLOAD = "DOWNLOAD", "Download"
    HEALTH = "HEALTH", "Health check"


class AuditOrigin(models.TextChoices):
    """Through what somebody acted."""

    API = "API", "API"
    COMMAND = "COMMAND", "Command"
    SYSTEM = "SYSTEM", "The system itself"


class BackupConfiguration(models.Model):
    """A named policy: what is backed up, when, where to, and for how long it is kept."""

    objects = _Watched.as_manager()

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
    keep_daily = models.PositiveSmallIntegerField(default=0)
    keep_weekly = models.PositiveSmallIntegerField(default=0)
    keep_monthly = models.PositiveSmallIntegerField(default=0)
    keep_yearly = models.PositiveSmallIntegerField(default=0)
    time_limit_minutes = models.PositiveIntegerField(null=True, blank=True)
    storage_path = models.CharField(max_length=500, blank=True, default="")
    compression_enabled = models.BooleanField(default=True)
    encryption_enabled = models.BooleanField(default=True)
    status = models.CharField(max_length=16, choices=ConfigurationStatus.choices, default=ConfigurationStatus.ACTIVE)
    is_enabled = models.BooleanField(default=True)
    is_ad_hoc = models.BooleanField(default=False, help_text="Made for one occasion; the clean-up may remove it")
    include = models.JSONField(default=list, blank=True)
    exclude = models.JSONField(default=list, blank=True)
    created_by = models.ForeignKey(
        project.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    changed_at = models.DateTimeField(auto_now=True, db_index=True)

    # The schedule's memory. Slots before `schedule_start` are not meant; `next_slot` is the first one that is not
    # accounted for yet, null while there is none; `schedule_zone` is the time zone that it was reckoned in.
    schedule_start = models.DateTimeField(null=True, blank=True, editable=False)
    next_slot = models.DateTimeField(null=True, blank=True, editable=False, db_index=True)
    schedule_zone = models.CharField(max_length=64, blank=True, default="", editable=False)

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
            check_constraint(
                models.Q(time_limit_minutes__isnull=True) | models.Q(time_limit_minutes__gte=1),
                "backup_configuration_time_limit",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def runs_by_schedule(self) -> bool:
        """True if slots of its schedule are run."""
        return self.is_enabled and self.status == ConfigurationStatus.ACTIVE and self.frequency != Frequency.ON_DEMAND


class InstalledPolicy(models.Model):
    """A production policy that was installed here once, so that one which an administrator deleted stays deleted."""

    name = models.CharField(max_length=100, unique=True)
    installed_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class StoredRepository(models.Model):
    """A repository that backups were stored in: where it lies, and by what it is recognised.

    `repository_id` is its own id, or empty where its backups are from before the ledger kept ids; the next job fills it
    in. `config_digest` is the SHA-256 of its file `config`, which is sealed with a random nonce: as long as it is the
    same, the repository is, and nothing has to be decrypted to know that.
    """

    storage_path = models.TextField(blank=True, default="")
    encrypted = models.BooleanField(default=True)
    repository_id = models.CharField(max_length=64, blank=True, default="", db_index=True)
    config_digest = models.CharField(max_length=64, blank=True, default="")
    first_seen_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    packs_listing = models.CharField(max_length=64, blank=True, default="")
    """A digest of the names and sizes of its packs and of the names of its indexes, when they were last compared."""
    packs_seen_at = models.DateTimeField(null=True, blank=True)
    packs_seconds = models.FloatField(default=0.0)
    """How long that took."""

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"repository {self.repository_id[:8] or 'of an unknown id'} in {self.storage_path or 'the main storage'}"


class KeyChange(models.Model):
    """A change of the passphrase of an encrypted repository, or its exchange for a new one, until it is released.

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


class BackupJob(models.Model):
    """One run of a configuration, or an ad-hoc one. Sizes are bytes; status changes go through `services.jobs` only."""

    objects = _Watched.as_manager()
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
    """A PENDING job that is tried again waits until then."""
    dispatched_at = models.DateTimeField(null=True, blank=True)
    """When a message for it was last sent to the workers."""
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
    """Where the snapshot is; null for packages."""
    snapshot_id = models.CharField(max_length=64, blank=True, default="", db_index=True)
    backup_file_path = StoredPathField(max_length=1000, blank=True, default="")
    backup_size = models.PositiveBigIntegerField(null=True, blank=True)
    stored_size = models.PositiveBigIntegerField(null=True, blank=True)
    new_files = models.PositiveBigIntegerField(null=True, blank=True)
    changed_files = models.PositiveBigIntegerField(null=True, blank=True)
    unchanged_files = models.PositiveBigIntegerField(null=True, blank=True)
    checksum = models.CharField(max_length=64, blank=True, default="")
    sealed_with = models.CharField(max_length=100, blank=True, default="")
    """A mark of the passphrase that opens the package, as `given_passphrase` computes it; empty where none is known."""
    manifest = models.JSONField(default=dict, blank=True)
    warnings = models.JSONField(default=list, blank=True)
    rehearsal_state = models.CharField(
        max_length=16, choices=RehearsalState.choices, default=RehearsalState.NONE, blank=True
    )
    rehearsal = models.JSONField(default=dict, blank=True)
    """By the alias of the database: what failed, why, and what helps."""
    problems = models.JSONField(default=list, blank=True)
    problem_count = models.PositiveIntegerField(default=0)
    accepted_until = models.DateTimeField(null=True, blank=True)
    """Until when a person has acknowledged each problem of an INCOMPLETE job; null where one is open."""
    error_message = models.TextField(blank=True, default="")
    is_pinned = models.BooleanField(default=False)
    pin_reason = models.CharField(max_length=200, blank=True, default="")
    # A backup that retention removes: from the first of the two moments on it is not offered any more, from the second
    # on its space is no longer promised to anybody.
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
            # With all that lists are narrowed down by, so that what is looked for is found without reading the rows.
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
            # To order by, for which they need only be covered.
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


class ConfirmedPassphrase(models.Model):
    """A passphrase that a person has confirmed, as a salted slow hash: packages may be sealed with it where no
    repository proves it. The newest row counts."""

    salt = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    """scrypt of the passphrase, as `given_passphrase` computes it."""
    confirmed_at = models.DateTimeField(default=timezone.now)
    confirmed_by = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ["-confirmed_at", "-id"]

    def __str__(self) -> str:
        return f"passphrase confirmed by {self.confirmed_by}"


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


class JobEvent(models.Model):
    """One line of a job's log."""

    job = models.ForeignKey(BackupJob, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    text = models.TextField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.at.isoformat(timespec='seconds')} {self.text}"


class RestoreJob(models.Model):
    """One restore: what was planned, how far it got, and what became of that which it replaced."""

    objects = _Watched.as_manager()
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
    """What was written between the backup of the live state and the swap; empty where nothing was compared."""
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


class Executor(models.Model):
    """An agent or a worker that said that it is there: which, since when, and when it last said so."""

    kind = models.CharField(max_length=8, choices=ExecutorKind.choices)
    name = models.CharField(max_length=250, unique=True)
    """The process in opaque text that no other process ever has."""
    host = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    facts = models.JSONField(default=dict, blank=True)
    """For people and for checks: a worker's queues and registered tasks, an agent's number of jobs at once."""

    class Meta:
        ordering = ["-beat_at", "name"]
        constraints = [one_of("kind", ExecutorKind.values, "backup_executor_kind")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.host}{f':{self.pid}' if self.pid else ''}"


class PruneRun(models.Model):
    """One prune of a repository: what came back of the space of removed backups. Sizes are bytes."""

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


class RepositoryDamage(models.Model):
    """Damage in a repository: of a pack, of one blob in it, or of an index or snapshot file.

    `file_id` names the pack or the file, empty for a blob that no index knows; `blob_id` is empty for the whole file.
    """

    repository_id = models.CharField(max_length=64, db_index=True)
    location = models.CharField(max_length=1000)
    """Where the repository was, for people."""
    file_id = models.CharField(max_length=64, blank=True, default="")
    blob_id = models.CharField(max_length=64, blank=True, default="")
    blob_kind = models.CharField(max_length=8, blank=True, default="")
    kind = models.CharField(max_length=16, choices=DamageKind.choices)
    reason = models.TextField(blank=True, default="")
    found_at = models.DateTimeField()
    found_by = models.CharField(max_length=16, choices=DamageFinder.choices)
    is_needed = models.BooleanField(null=True)
    """Whether a stored snapshot needs it; null as long as nobody has looked."""
    healed_at = models.DateTimeField(null=True, blank=True)
    """When the content was found stored elsewhere, or no longer needed to be."""
    dropped_at = models.DateTimeField(null=True, blank=True)
    """When no index named the damaged pack any more, or the file was gone."""

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
    """A backup that became DAMAGED because it needs damaged content, and how far it was trusted before."""

    job = models.OneToOneField(BackupJob, on_delete=models.CASCADE, related_name="doubt")
    repository_id = models.CharField(max_length=64, db_index=True)
    trust_before = models.CharField(max_length=16, choices=Trust.choices)
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.job_id} was {self.trust_before}"


class Operation(models.Model):
    """Something long that is no backup, from the wish to its end; run by an executor in a process of its own.

    `arguments` says what is asked for, by kind; `result` what came of it. `token` fences: a process that was thought
    dead changes nothing any more.
    """

    objects = _Watched.as_manager()
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
