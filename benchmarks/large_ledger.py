"""A catalogue as the years leave it, made in one go."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from apps.backup.models import BackupConfiguration, BackupJob, JobEvent
from apps.backup.policies.job_request import JobRequest
from apps.backup.services.configurations import ConfigurationValues, configuration_create

FREQUENCIES = ("DAILY", "HOURLY", "WEEKLY", "MONTHLY", "ON_DEMAND")
TYPES = ("FULL", "DATABASE", "FILES", "INCREMENTAL", "EXPORT")
KEPT = 30
# The fields that each copied run has for itself; it shares all others with its original.
_OWN: Final = {
    "uuid": "lower(hex(randomblob(16)))",
    "job_name": "configuration_name || strftime('-%Y%m%dT%H%M%SZ', queued_at, earlier)",
    "snapshot_id": "CASE snapshot_id WHEN '' THEN '' ELSE lower(hex(randomblob(32))) END",
    **{
        name: f"strftime('%Y-%m-%d %H:%M:%f000', {name}, earlier)"
        for name in ("slot", "queued_at", "started_at", "completed_at", "changed_at")
    },
    **dict.fromkeys(
        ("removal_started_at", "removed_at"),
        "CASE trust WHEN '' THEN NULL ELSE strftime('%Y-%m-%d %H:%M:%f000', queued_at, earlier, '+30 days') END",
    ),
    "removal_reason": "CASE trust WHEN '' THEN '' ELSE 'beyond the 30 most recent' END",
    "is_pinned": "0",
}


def fill(configurations: int, jobs: int, *, now: datetime, kept: int = KEPT) -> None:
    """Configurations with so many jobs each, as the years leave them: all but the latest backups removed, a few failed
    or missed."""
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
            max_backups=kept,
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
        batch = [job for row in rows[start : start + 50] for job in _jobs(row, jobs, now, kept)]
        BackupJob.objects.bulk_create(batch, batch_size=500)
        events = [JobEvent(job=job, at=job.queued_at, text=text) for job in batch for text in ("Asked for.", "Done.")]
        JobEvent.objects.bulk_create(events, batch_size=2000)


def repeat(times: int, *, days: int) -> None:
    """Copy the jobs so many times, each time so many days earlier; on SQLite only, within seconds.

    Waiting and running jobs are not repeated. The backups of the copies are removed, and none is pinned.
    """
    names = [field.column for field in BackupJob._meta.concrete_fields if not field.primary_key]
    values = [_OWN.get(name, f'"{name}"') for name in names]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH RECURSIVE
            period(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM period WHERE number < {times:d}),
            shift(earlier) AS (SELECT '-' || (number * {days:d}) || ' days' FROM period)
            INSERT INTO backup_backupjob ({", ".join(f'"{name}"' for name in names)})
            SELECT {", ".join(values)} FROM shift, backup_backupjob WHERE status NOT IN ('PENDING', 'RUNNING')
            """
        )


def _jobs(row: BackupConfiguration, jobs: int, now: datetime, kept: int) -> list[BackupJob]:
    settings = JobRequest.of_configuration(row).to_json()
    return [_job(row, settings, number, now, kept) for number in range(jobs)]


def _job(row: BackupConfiguration, settings: dict[str, object], number: int, now: datetime, kept: int) -> BackupJob:
    """The job before so many others of its configuration."""
    at = now - timedelta(hours=1) - number * timedelta(days=1)
    job = BackupJob(
        configuration=row,
        configuration_name=row.name,
        settings=settings,
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
    if number >= kept and job.trust:
        job.removal_started_at = job.removed_at = at + kept * timedelta(days=1)
        job.removal_reason = f"beyond the {kept} most recent"
    return job
