"""Create the samples. Everything is named `sample`; only today's backup is real.

The jobs of earlier days are invented: their backups count as removed, and one job failed.
"""

import io
import uuid
from datetime import datetime, timedelta
from typing import Final

from django.core.management import call_command

from apps.backup.models import BackupConfiguration, BackupJob, JobEvent, JobStatus
from apps.documents.models import Document
from apps.documents.services import category_get_or_create, document_create

DAYS: Final = 7
FAILED_DAY: Final = 3
DOCUMENTS: Final = 24
LINES: Final = 200
CONFIGURATION: Final = "sample_daily"
SUBJECTS: Final = ("contract", "invoice", "minutes", "report")
ACTOR: Final = "demo.samples"
DESCRIPTION: Final = "Sample: the jobs of earlier days are invented. Delete it when it is no longer needed."
FAILURE: Final = "Sample of a failed job: no space left on the storage. This job is invented."
REMOVED: Final = "sample: this job is invented, and its backup never existed"
EVENT: Final = "Sample: this job is invented, to show a week of history."


class SystemInUse(Exception):
    """The EDMS has documents or jobs already."""


def samples_create(*, now: datetime) -> None:
    """Create documents, a configuration, a real backup, and the jobs of a week. Refuse a system in use."""
    _require_unused()
    for number in range(1, DOCUMENTS + 1):
        _create_document(number)
    words = ("--name", CONFIGURATION, "--type", "FULL", "--frequency", "ON_DEMAND", "--description", DESCRIPTION)
    call_command("manage_backup_configs", "--create", *words, stdout=io.StringIO())
    call_command("trigger_backup", "--config", CONFIGURATION, stdout=io.StringIO())
    _create_jobs(BackupConfiguration.objects.get(name=CONFIGURATION), now=now)


def _require_unused() -> None:
    documents, jobs = Document.objects.count(), BackupJob.objects.count()
    if documents or jobs:
        raise SystemInUse(
            f"Cannot add samples: the EDMS has {documents} documents and {jobs} backup jobs already. Samples are only"
            " for an empty system. Nothing was changed. To start an empty one, set EDMS_HOME to a new folder."
        )


def _create_document(number: int) -> None:
    subject = SUBJECTS[number % len(SUBJECTS)]
    lines = [f"Sample {subject} {number}, line {line}. This text is invented." for line in range(1, LINES + 1)]
    document_create(
        io.BytesIO("\n".join(lines).encode()),
        title=f"sample {subject} {number}",
        category=category_get_or_create(f"Sample {subject}"),
        source_name=f"sample-{subject}-{number}.txt".encode(),
        actor=ACTOR,
    )


def _create_jobs(configuration: BackupConfiguration, *, now: datetime) -> None:
    real = BackupJob.objects.get(configuration=configuration)
    jobs = [_job_before(real, days, now=now) for days in range(DAYS, 0, -1)]
    BackupJob.objects.bulk_create(jobs)
    JobEvent.objects.bulk_create([JobEvent(job=job, at=job.queued_at, text=EVENT) for job in jobs])


def _job_before(real: BackupJob, days: int, *, now: datetime) -> BackupJob:
    """Return an invented job so many days before the real one."""
    at = now - timedelta(days=days)
    job = BackupJob(
        configuration=real.configuration,
        configuration_name=real.configuration_name,
        settings=real.settings,
        job_name=f"{real.configuration_name}-{at:%Y%m%dT%H%M%SZ}",
        backup_type=real.backup_type,
        trigger=real.trigger,
        attempt=1,
        worker=real.worker,
        queued_at=at,
        started_at=at,
        completed_at=at + timedelta(seconds=20 + days),
        changed_at=at + timedelta(seconds=20 + days),
    )
    if days == FAILED_DAY:
        job.status = JobStatus.FAILED
        job.error_message = FAILURE
        return job
    job.status = JobStatus.COMPLETED
    job.trust = real.trust
    job.backup_size = (real.backup_size or 0) * (20 - days) // 20
    job.stored_size = (real.stored_size or 0) // (days + 1)
    job.new_files = 4 - days % 3
    job.snapshot_id = uuid.uuid4().hex * 2
    job.manifest = real.manifest
    job.removal_started_at = job.removed_at = now
    job.removal_reason = REMOVED
    return job
