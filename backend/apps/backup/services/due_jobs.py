"""The creation of jobs for due slots, exactly one job for each slot.

The column `next_slot` of a configuration is its first slot without a job. A process that finds it due moves `next_slot`
on with one conditional UPDATE, and writes the job in the same transaction: of several processes one changes the row.
Besides, a constraint allows one job per configuration and slot.

If several slots are due, the latest one becomes a job and the others are recorded as MISSED: a backup holds the state
at the time of its making, so that two of them in a row would be no better than one.

Clocks jump. A clock that is ahead finds slots due too early. When it is right again, `next_slot` moves back: finished
jobs count, and slots that were only recorded as MISSED become jobs at their time. A clock that is behind finds slots in
the past; when it is right again, slots that have a job are not recorded again.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from .. import conf
from ..ledger import ledger_access, ledger_alias
from ..models import BackupConfiguration, BackupJob, Frequency, JobStatus, Trigger, WokenBy
from ..policies.job_request import JobRequest
from ..policies.schedule import Schedule, schedule_zone
from ..selectors import SCHEDULED, configurations
from ..selectors.job_queue import configurations_due
from .dead_jobs import LONGEST_PAUSE
from .job_log import job_event
from .jobs import new_job

_RESOLUTION = timedelta(microseconds=1)
_BATCH = 500
_LONGEST = {
    Frequency.HOURLY: timedelta(hours=25),
    Frequency.DAILY: timedelta(hours=26),
    Frequency.WEEKLY: timedelta(days=7, hours=2),
    Frequency.MONTHLY: timedelta(days=31, hours=2),
}
"""The longest time between two slots. A `next_slot` further ahead was computed by a wrong clock."""

_NO_EXECUTOR = "No executor was running when it was due."
_TOO_LATE = "It was found due only after the time that BACKUP_CATCH_UP_HOURS allows."
_BUSY = "It had not been started when the next one was due."


def run_due(
    *, now: datetime, woken_by: str, configuration: uuid.UUID | None = None, patience: timedelta = timedelta()
) -> list[BackupJob]:
    """Create PENDING jobs for all due slots, or for those of one configuration; return the jobs.

    Slots that are due for less than `patience` are left to other processes. A negative `patience` includes slots that
    are due so soon, for a caller that was woken by a clock ahead of ours.
    """
    until = max(now, now - patience)
    with ledger_access("looking for due slots"):
        recompute_schedules(now=now)
        rows = configurations_due(now=now - patience)
        if configuration is not None:
            rows = rows.filter(uuid=configuration)
        found = [create_due_job(row, now=now, until=until, woken_by=woken_by) for row in rows]
    return [job for job in found if job is not None]


def create_due_job(
    row: BackupConfiguration, *, now: datetime, until: datetime | None = None, woken_by: str = WokenBy.NOBODY
) -> BackupJob | None:
    """Create a job for the latest slot until `until`, by default `now`, and record earlier ones as MISSED.

    Returns None if no slot was due, if another process was faster, or if all slots are later than
    BACKUP_CATCH_UP_HOURS allows.
    """
    until = until or now
    if not row.runs_by_schedule or row.next_slot is None or row.next_slot > until:
        return None
    schedule = _schedule(row, now)
    slots = schedule.between(row.next_slot - _RESOLUTION, until)
    if not slots and (schedule.start is None or row.next_slot >= schedule.start):
        # It was due in the time zone of that time.
        slots = [row.next_slot]
    following = next(schedule.after(until))
    with transaction.atomic(using=ledger_alias()):
        changed = _scheduled().filter(pk=row.pk, next_slot=row.next_slot).update(next_slot=following)
        if changed != 1 or not slots:
            return None
        _miss_superseded(row, slots[-1], now)
        window = conf.load().catch_up
        late = window is not None and now - slots[-1] > window
        _record_missed(row, slots if late else slots[:-1], now=now, reason=_TOO_LATE if late else _NO_EXECUTOR)
        return None if late else _create(row, slots[-1], now=now, woken_by=woken_by)


def recompute_schedules(*, now: datetime) -> int:
    """Compute `next_slot` again where it cannot be right; return the number of changed rows.

    It is wrong if it was never computed, is of another time zone, or was moved too far ahead by a wrong clock.
    """
    zone = str(schedule_zone())
    wrong = Q(next_slot=None) | Q(schedule_start=None) | ~Q(schedule_zone=zone)
    for frequency, longest in _LONGEST.items():
        # The start of an HOURLY schedule may be up to a day ahead, and no start is further ahead than that.
        wrong |= Q(frequency=frequency, next_slot__gt=now + longest)
    # It may be ahead by less than that: then a future slot before it has a job.
    jobs = BackupJob.objects.using(ledger_alias())
    wrong |= Q(Exists(jobs.filter(configuration=OuterRef("pk"), slot__gt=now, slot__lt=OuterRef("next_slot"))))
    changed = 0
    for row in _scheduled().filter(wrong):
        start = row.schedule_start or _schedule(row, now).first_start(now)
        # Not later than the present `next_slot`: a slot that is due in the old zone still becomes a job.
        since = min(now, row.next_slot - _RESOLUTION) if row.next_slot is not None else now
        since = min(since, _before_falsely_missed(row, now) or since)
        following = next(_schedule(row, now, start).after(since))
        if (following, start, zone) != (row.next_slot, row.schedule_start, row.schedule_zone):
            changed += (
                _scheduled()
                .filter(pk=row.pk, next_slot=row.next_slot)
                .update(next_slot=following, schedule_start=start, schedule_zone=zone)
            )
    # The time of another attempt may be wrong by a wrong clock, too.
    waiting = jobs.filter(status=JobStatus.PENDING, not_before__gt=now + LONGEST_PAUSE)
    return changed + (waiting.update(not_before=now) if waiting.exists() else 0)


def _before_falsely_missed(row: BackupConfiguration, now: datetime) -> datetime | None:
    """Return the time just before the latest slot, if a clock that was ahead had recorded it as MISSED; else None."""
    latest = (
        row.jobs.using(ledger_alias()).filter(slot__lte=now).order_by("-slot").only("slot", "status", "completed_at")
    )
    job = latest.first()
    if job is None or job.slot is None or job.status != JobStatus.MISSED:
        return None
    return job.slot - _RESOLUTION if job.completed_at is not None and job.completed_at > now else None


def upcoming(row: BackupConfiguration, *, now: datetime, count: int) -> list[datetime]:
    """Return the next `count` slots of a configuration in order; none while its schedule does not run."""
    if not row.runs_by_schedule:
        return []
    schedule = _schedule(row, now)
    since = row.next_slot - _RESOLUTION if row.next_slot is not None else now
    following = schedule.after(since)
    return [next(following) for _ in range(count)]


def expire_waiting(*, now: datetime) -> int:
    """Record jobs as MISSED that waited for an executor longer than BACKUP_CATCH_UP_HOURS; return their number."""
    window = conf.load().catch_up
    if window is None:
        return 0
    with ledger_access("looking for jobs that waited too long"):
        return _mark_missed(_waiting().filter(slot__lt=now - window), now=now, reason=_TOO_LATE)


def _scheduled() -> QuerySet[BackupConfiguration]:
    return configurations().filter(SCHEDULED)


def _waiting() -> QuerySet[BackupJob]:
    jobs = BackupJob.objects.using(ledger_alias())
    return jobs.filter(status=JobStatus.PENDING, trigger=Trigger.SCHEDULED, attempt=0)


def _miss_superseded(row: BackupConfiguration, latest: datetime, now: datetime) -> None:
    _mark_missed(_waiting().filter(configuration=row, slot__lt=latest), now=now, reason=_BUSY)


def _mark_missed(jobs: QuerySet[BackupJob], *, now: datetime, reason: str) -> int:
    return jobs.update(status=JobStatus.MISSED, completed_at=now, error_message=reason)


def _record_missed(row: BackupConfiguration, slots: Iterable[datetime], *, now: datetime, reason: str) -> None:
    # Only slots after the latest known one: a clock that was behind may have moved `next_slot` back.
    known = row.jobs.using(ledger_alias()).filter(slot__lte=now).aggregate(latest=Max("slot"))["latest"]
    request = JobRequest.of_configuration(row)
    missed = [
        new_job(request, configuration=row, now=slot, trigger=Trigger.SCHEDULED, slot=slot)
        for slot in slots
        if known is None or slot > known
    ]
    for job in missed:
        job.status, job.completed_at, job.error_message = JobStatus.MISSED, now, reason
    BackupJob.objects.using(ledger_alias()).bulk_create(missed, batch_size=_BATCH, ignore_conflicts=True)


def _create(row: BackupConfiguration, slot: datetime, *, now: datetime, woken_by: str) -> BackupJob | None:
    """Create the job of a slot; return None if the slot has had a job, made by a clock that was ahead."""
    job = new_job(JobRequest.of_configuration(row), configuration=row, now=now, trigger=Trigger.SCHEDULED, slot=slot)
    job.woken_by = woken_by
    existing = row.jobs.using(ledger_alias()).filter(slot=slot)
    try:
        with transaction.atomic(using=ledger_alias()):
            job.save(force_insert=True, using=ledger_alias())
    except IntegrityError:
        # A row that was recorded as MISSED at a time in the future came from a wrong clock.
        changed = existing.filter(status=JobStatus.MISSED, completed_at__gt=now).update(
            status=JobStatus.PENDING,
            completed_at=None,
            error_message="",
            **{name: getattr(job, name) for name in ("job_name", "backup_type", "settings", "queued_at", "woken_by")},
        )
        if not changed:
            return None
        job = existing.get()
    job_event(job.uuid, f"Due at {slot.isoformat(timespec='minutes')}, seen by {job.get_woken_by_display()}.", now=now)
    return job


def _schedule(row: BackupConfiguration, now: datetime, start: datetime | None = None) -> Schedule:
    """Return the schedule, without a start that is too far ahead: a wrong clock has set it, or ours is behind."""
    schedule = Schedule.of(row, schedule_zone())
    start = start or row.schedule_start
    if start is not None and start > now + _LONGEST[Frequency.DAILY]:
        start = None
    return dataclasses.replace(schedule, start=start)
