"""What persons have acknowledged."""

from datetime import datetime

from ..ledger import ledger_access, ledger_alias
from ..models import Acknowledgement, BackupJob, JobStatus
from .rows import HAS_BACKUP, job_rows


def acknowledgements_open(*, now: datetime) -> list[Acknowledgement]:
    """Those that have not ended."""
    with ledger_access("reading what is acknowledged"):
        return list(Acknowledgement.objects.using(ledger_alias()).filter(until__gt=now))


def jobs_incomplete() -> list[BackupJob]:
    """The INCOMPLETE jobs whose backup is stored, with their problems and no more."""
    with ledger_access("looking for incomplete backups"):
        rows = job_rows().filter(HAS_BACKUP, status=JobStatus.INCOMPLETE)
        return list(rows.only("pk", "problems", "problem_count", "accepted_until"))
