"""Show jobs in commands: as rows of a table, and as JSON."""

from __future__ import annotations

from datetime import timedelta

from ..models import BackupJob
from .terminal import moment, size

FULL_TITLES = ("Job", "Name", "Type", "Status", "Trust", "Started", "Duration", "Size", "Stored", "Marks")
OPTIONAL = ("Stored", "Size", "Duration", "Type", "Trust")
"""The columns that a narrow terminal shows on a second line, in this order."""


def seconds(job: BackupJob) -> float | None:
    """Return how long the job ran in seconds, or None if it has not ended."""
    if job.started_at is None or job.completed_at is None:
        return None
    return round((job.completed_at - job.started_at).total_seconds(), 3)


def duration(job: BackupJob) -> str:
    """Return how long the job ran as text, such as 0:01:30."""
    taken = seconds(job)
    return "" if taken is None else str(timedelta(seconds=round(taken)))


def files(job: BackupJob) -> str:
    """Describe how many files were new, changed and unchanged."""
    if job.new_files is None:
        return ""
    return f"{job.new_files:,} new, {job.changed_files or 0:,} changed, {job.unchanged_files or 0:,} unchanged"


def full_row(job: BackupJob) -> list[str]:
    """Return the cells for the columns of `FULL_TITLES`."""
    marks = ["pinned"] if job.is_pinned else []
    marks += ["removed"] if job.removal_started_at else []
    return [
        str(job.uuid)[:8],
        job.job_name,
        job.backup_type,
        job.status,
        job.trust,
        moment(job.started_at or job.slot or job.queued_at),
        duration(job),
        size(job.backup_size),
        size(job.stored_size),
        ", ".join(marks),
    ]


def outcome(job: BackupJob) -> dict[str, object]:
    """Return the result of a job as JSON; sizes in bytes."""
    return {
        "job": job.uuid,
        "status": job.status,
        "type": job.backup_type,
        "trust": job.trust,
        "rehearsal_state": job.rehearsal_state,
        "snapshot_id": job.snapshot_id,
        "backup_file_path": job.backup_file_path,
        "backup_size": job.backup_size,
        "stored_size": job.stored_size,
        "new_files": job.new_files,
        "changed_files": job.changed_files,
        "unchanged_files": job.unchanged_files,
        "duration_seconds": seconds(job),
        "warnings": job.warnings,
        "problem_count": job.problem_count,
        "error": job.error_message,
    }


def as_json(job: BackupJob) -> dict[str, object]:
    """Return a job as JSON; times in UTC."""
    times = ("slot", "queued_at", "started_at", "completed_at", "not_before", "removed_at")
    return {
        **outcome(job),
        "name": job.job_name,
        "configuration": job.configuration_name,
        "trigger": job.trigger,
        "attempt": job.attempt,
        **{name: value.isoformat() if (value := getattr(job, name)) else None for name in times},
        "progress": job.progress,
        "pinned": job.is_pinned,
        "pin_reason": job.pin_reason,
        "removal_reason": job.removal_reason,
    }
