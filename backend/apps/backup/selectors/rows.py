"""What the reads share: rows of the ledger's database, and which of them hold a backup."""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from ..ledger import ledger_alias
from ..models import BackupJob, BackupType, ConfigurationStatus, Frequency, JobStatus, RehearsalState, Trust

STORED_STATUSES = (JobStatus.COMPLETED, JobStatus.INCOMPLETE)
FAILURES = (JobStatus.FAILED, JobStatus.TIMEOUT)
UNFINISHED = (JobStatus.PENDING, JobStatus.RUNNING)

SKEW = timedelta(minutes=5)
"""So far the clocks of two machines may be apart; what lies further ahead is from a clock that was wrong."""

HAS_BACKUP = (~Q(snapshot_id="") | ~Q(backup_file_path="")) & Q(removal_started_at=None)
"""Something is stored, and retention has not begun to remove it."""

RESTORABLE = ~Q(trust=Trust.DAMAGED) & ~Q(rehearsal_state=RehearsalState.FAILED)
"""Nothing is known that a restore would fail for."""

GOOD = HAS_BACKUP & Q(status=JobStatus.COMPLETED) & RESTORABLE
"""Something is stored, it is whole as far as is known, and its restore has not failed in a rehearsal."""


def good(now: datetime) -> Q:
    """What protects: a good backup, or an INCOMPLETE one whose problems are all acknowledged by a person."""
    accepted = Q(status=JobStatus.INCOMPLETE, accepted_until__gt=now)
    return HAS_BACKUP & RESTORABLE & (Q(status=JobStatus.COMPLETED) | accepted)


READ_BACK = Q(trust__in=[Trust.VERIFIED, Trust.PROVEN]) | Q(
    trust=Trust.STORED, rehearsal_state__in=[RehearsalState.FAILED, RehearsalState.IMPOSSIBLE]
)
"""Every byte was read back, whatever the rehearsal of the restore has shown."""

SCHEDULED = Q(is_enabled=True, status=ConfigurationStatus.ACTIVE) & ~Q(frequency=Frequency.ON_DEMAND)
"""What `BackupConfiguration.runs_by_schedule` says, for queries."""

LOOKED_FOR_FILES = ~Q(backup_type=BackupType.DATABASE)
"""The type is one that takes files."""


def holds_database(alias: str) -> Q:
    """The backup holds the database of that name."""
    return Q(manifest__databases__has_key=alias)


def holds_root(name: str) -> Q:
    """The backup holds the file root of that name; SQLite finds none whose name has a quotation mark."""
    return Q(manifest__files__has_key=name)


def job_rows() -> QuerySet[BackupJob]:
    """All jobs."""
    return BackupJob.objects.using(ledger_alias())
