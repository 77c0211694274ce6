"""Reads of acknowledgements, and of the jobs that need them."""

from datetime import datetime

from ..ledger import ledger_access, ledger_alias
from ..models import Acknowledgement, BackupJob, JobStatus
from .rows import HAS_BACKUP, job_rows


def acknowledgements_open(*, now: datetime) -> list[Acknowledgement]:
    """Return the acknowledgements that have not expired."""
    with ledger_access("reading what is acknowledged"):
        return list(Acknowledgement.objects.using(ledger_alias()).filter(until__gt=now))


def jobs_incomplete() -> list[BackupJob]:
    """Return the INCOMPLETE jobs whose backup is stored; only the columns of their problems are read."""
    with ledger_access("looking for incomplete backups"):
        rows = job_rows().filter(HAS_BACKUP, status=JobStatus.INCOMPLETE)
        return list(rows.only("pk", "problems", "problem_count", "accepted_until"))
