"""Six weeks of runs before those that are there, for pictures: `manage.py shell` reads this.

Each is made from the newest good run of its configuration, a little smaller for every day before it. Their backups are
said to have been removed, as they are not there.
"""

import uuid
from datetime import timedelta
from typing import Final

from apps.backup.models import BackupConfiguration, BackupJob, JobEvent

DAYS: Final = 42
GONE: Final = "beyond what is kept"
STEPS = {"HOURLY": timedelta(hours=1), "DAILY": timedelta(days=1), "WEEKLY": timedelta(days=7)}
GOOD = ("COMPLETED", "")
# By the number of a run, or of a day of many runs, before the newest one: what went wrong in it.
BAD = {
    9: ("FAILED", "No space left on device: /srv/backups has 1.2 GB left, and the backup needed more."),
    23: ("INCOMPLETE", ""),
    31: ("FAILED", "The database server closed the connection while its tables were read."),
    37: ("TIMEOUT", "It was stopped after 60 minutes."),
}
PROBLEMS = [
    {"path": f"media/documents/2026/{name}", "reason": "Permission denied"} for name in ("Minutes.odt", "Offer 114.pdf")
]


def before(real: BackupJob, number: int, step: timedelta) -> BackupJob:
    """The run so many steps before it."""
    at = real.queued_at - number * step
    days = (real.queued_at - at) / timedelta(days=1)
    share = 1 - 0.009 * days + 0.002 * (number % 5)
    runs = max(timedelta(days=1) // step, 1)
    status, error = BAD.get(number // runs if number % runs == runs // 2 else 0, GOOD)
    removed = min(at + timedelta(days=7), real.queued_at)
    stored = status in ("COMPLETED", "INCOMPLETE")
    took = (real.completed_at - real.started_at) * (0.85 + 0.05 * (number % 7))
    return BackupJob(
        configuration=real.configuration,
        configuration_name=real.configuration_name,
        settings=real.settings,
        job_name=f"{real.configuration_name}-{at:%Y%m%dT%H%M%SZ}",
        backup_type=real.backup_type,
        trigger="SCHEDULED",
        slot=at,
        status=status,
        trust="VERIFIED" if stored else "",
        attempt=1,
        worker=real.worker,
        queued_at=at,
        started_at=at,
        completed_at=at + took,
        backup_size=int(real.backup_size * share) if stored else None,
        stored_size=max(1, int(real.backup_size * (0.018 + 0.004 * (number % 3)))) if stored else None,
        new_files=3 + number % 9 if stored else None,
        error_message=error,
        problems=PROBLEMS if status == "INCOMPLETE" else [],
        problem_count=len(PROBLEMS) if status == "INCOMPLETE" else 0,
        snapshot_id=uuid.uuid4().hex * 2 if stored else "",
        manifest=real.manifest if stored else {},
        removal_started_at=removed if stored else None,
        removed_at=removed if stored else None,
        removal_reason=GONE if stored else "",
        changed_at=at + took,
    )


for configuration in BackupConfiguration.objects.filter(frequency__in=STEPS):
    newest = BackupJob.objects.filter(configuration=configuration, status="COMPLETED").order_by("-queued_at").first()
    if newest is not None:
        step = STEPS[configuration.frequency]
        made = [before(newest, number, step) for number in range(1, int(timedelta(days=DAYS) / step))]
        BackupJob.objects.bulk_create(made, batch_size=500)
        lines = [JobEvent(job=job, at=job.queued_at, text="Requested (Scheduled).") for job in made]
        JobEvent.objects.bulk_create(lines)
