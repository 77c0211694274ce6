"""A ledger as the years leave it, made in one go."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from apps.backup.models import BackupConfiguration, BackupJob, JobEvent
from apps.backup.requests import JobRequest
from apps.backup.services.configurations import ConfigurationValues, configuration_create

FREQUENCIES = ("DAILY", "HOURLY", "WEEKLY", "MONTHLY", "ON_DEMAND")
TYPES = ("FULL", "DATABASE", "FILES", "INCREMENTAL", "EXPORT")
KEPT = 30


def fill(configurations: int, jobs: int, *, now: datetime) -> None:
    """Configurations with so many jobs each, as the years leave them: most backups removed, a few failed or missed."""
    made = []
    for number in range(min(configurations, 5)):
        kind, frequency = TYPES[number % 5], FREQUENCIES[number % 5]
        values = ConfigurationValues(
            name=f"policy-{number:04}",
            backup_type=kind,
            frequency=frequency,
            schedule_time=now.time().replace(hour=2, minute=0, second=0, microsecond=0),
            schedule_days=(6,),
            schedule_day_of_month=1,
            retention_days=36_500,
            max_backups=KEPT,
        )
        made.append(configuration_create(values, now=now))
    copies = []
    for number in range(5, configurations):
        row = BackupConfiguration.objects.get(pk=made[number % 5].pk)
        row.pk, row.uuid, row.name = None, uuid.uuid4(), f"policy-{number:04}"
        copies.append(row)
    BackupConfiguration.objects.bulk_create(copies)
    rows = list(BackupConfiguration.objects.all())
    for start in range(0, len(rows), 50):
        batch = [_job(row, number, now) for row in rows[start : start + 50] for number in range(jobs)]
        BackupJob.objects.bulk_create(batch, batch_size=500)
        events = [JobEvent(job=job, at=job.queued_at, text=text) for job in batch for text in ("Asked for.", "Done.")]
        JobEvent.objects.bulk_create(events, batch_size=2000)


def _job(row: BackupConfiguration, number: int, now: datetime) -> BackupJob:
    """The job before so many others of its configuration."""
    at = now - timedelta(hours=1) - number * timedelta(days=1)
    job = BackupJob(
        configuration=row,
        configuration_name=row.name,
        settings=JobRequest.of_configuration(row).to_json(),
        job_name=f"{row.name}-{at:%Y%m%dT%H%M%SZ}",
        backup_type=row.backup_type,
        trigger="SCHEDULED",
        slot=at,
        status="COMPLETED",
        trust="VERIFIED",
        attempt=1,
        worker="host:4711",
        queued_at=at,
        started_at=at,
        completed_at=at + timedelta(minutes=5),
        backup_size=10**9,
        stored_size=10**6,
        new_files=10,
        manifest={"cut_at": str(at), "databases": {"default": {"tables": 40, "rows": 10**6}}, "files": {"media": {}}},
    )
    if number % 17 == 16:
        job.status, job.trust, job.error_message = "FAILED", "", "The disk was full."
    elif number % 23 == 22:
        job.status, job.trust, job.started_at = "MISSED", "", None
    elif row.backup_type == "EXPORT":
        job.backup_file_path = f"/nowhere/packages/{job.job_name}.tar.gz.gpg"
    else:
        job.snapshot_id = uuid.uuid4().hex * 2
    if number >= KEPT and job.trust:
        job.removal_started_at = job.removed_at = at + KEPT * timedelta(days=1)
        job.removal_reason = f"beyond the {KEPT} most recent"
    return job
