"""What the reads share: rows of the ledger's database, and which of them hold a backup."""

from django.db.models import Q, QuerySet

from ..ledger import ledger_alias
from ..models import BackupJob, JobStatus

STORED_STATUSES = (JobStatus.COMPLETED, JobStatus.INCOMPLETE)
FAILURES = (JobStatus.FAILED, JobStatus.TIMEOUT)

HAS_BACKUP = (~Q(snapshot_id="") | ~Q(backup_file_path="")) & Q(removal_started_at=None)
"""Something is stored, and retention has not begun to remove it."""


def job_rows() -> QuerySet[BackupJob]:
    """All jobs."""
    return BackupJob.objects.using(ledger_alias())
