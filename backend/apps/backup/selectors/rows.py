"""Conditions on the rows of jobs and configurations that several selectors share."""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from ..ledger import ledger_alias
from ..models import BackupJob, BackupType, ConfigurationStatus, Frequency, JobStatus, RehearsalState, Trust

STORED_STATUSES = (JobStatus.COMPLETED, JobStatus.INCOMPLETE)
FAILURES = (JobStatus.FAILED, JobStatus.TIMEOUT)
UNFINISHED = (JobStatus.PENDING, JobStatus.RUNNING)

SKEW = timedelta(minutes=5)
"""The accepted difference between the clocks of two machines. A time further ahead comes from a wrong clock."""

HAS_BACKUP = (~Q(snapshot_id="") | ~Q(backup_file_path="")) & Q(removal_started_at=None)
"""A backup is stored, and its removal has not begun."""

RESTORABLE = ~Q(trust=Trust.DAMAGED) & ~Q(rehearsal_state=RehearsalState.FAILED)
"""No reason is known for which a restore would fail."""

GOOD = HAS_BACKUP & Q(status=JobStatus.COMPLETED) & RESTORABLE
"""A complete backup is stored, no damage is known, and the rehearsal of its restore has not failed."""


def good(now: datetime) -> Q:
    """Return the condition of backups that protect: good ones, and INCOMPLETE ones with all problems acknowledged."""
    accepted = Q(status=JobStatus.INCOMPLETE, accepted_until__gt=now)
    return HAS_BACKUP & RESTORABLE & (Q(status=JobStatus.COMPLETED) | accepted)


READ_BACK = Q(trust__in=[Trust.VERIFIED, Trust.PROVEN]) | Q(
    trust=Trust.STORED, rehearsal_state__in=[RehearsalState.FAILED, RehearsalState.IMPOSSIBLE]
)
"""Every byte was verified; the rehearsal of the restore may have failed."""

SCHEDULED = Q(is_enabled=True, status=ConfigurationStatus.ACTIVE) & ~Q(frequency=Frequency.ON_DEMAND)
"""The condition of `BackupConfiguration.runs_by_schedule`, for queries."""

TAKES_FILES = ~Q(backup_type=BackupType.DATABASE)
"""The backup's type includes files."""


def holds_database(alias: str) -> Q:
    """Return a condition: the backup holds the database of that alias."""
    return Q(manifest__databases__has_key=alias)


def holds_root(name: str) -> Q:
    """Return a condition: the backup holds the file root of that name.

    SQLite does not find a name with a quotation mark.
    """
    return Q(manifest__files__has_key=name)


def job_rows() -> QuerySet[BackupJob]:
    """Return all jobs."""
    return BackupJob.objects.using(ledger_alias())
