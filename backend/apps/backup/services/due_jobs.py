"""Slots become jobs: each once, whoever sees first that it is due.

A configuration remembers the first slot that is not accounted for. Whoever finds it due moves that memory on with one
conditional `UPDATE` and writes the job in the same transaction: of several that come at once, one changes a row. The
ledger's constraint allows one job per configuration and slot besides.

Of several slots that are due, the latest is run and the others are recorded as MISSED: a backup shows the state of the
moment when it is made, so two of them in a row would be no better than one.

Clocks jump. One that is ahead finds slots due that have not come; when it is right again the memory goes back, what was
run counts as run, and what was only recorded as MISSED is run when its time comes. One that is behind finds its slots
in the past; when it is right again nothing of what the ledger knows already is recorded anew.
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
from ..selectors.job_queue import due
from .dead_jobs import LONGEST_PAUSE
from .job_log import job_event
from .jobs import new_job

_INSTANT = timedelta(microseconds=1)
_BATCH = 500
_LONGEST = {
    Frequency.HOURLY: timedelta(hours=25),
    Frequency.DAILY: timedelta(hours=26),
    Frequency.WEEKLY: timedelta(days=7, hours=2),
    Frequency.MONTHLY: timedelta(days=31, hours=2),
}
"""From a slot to the next one at the most. What lies further ahead was reckoned by a clock that was wrong."""

_NOBODY = "No executor was running when it was due."
_TOO_LATE = "It was found due only after the time that BACKUP_CATCH_UP_HOURS allows."
_BUSY = "It had not been started when the next one was due."


def run_due(
    *, now: datetime, woken_by: str, configuration: uuid.UUID | None = None, patience: timedelta = timedelta()
) -> list[BackupJob]:
    """Account for every slot that is due, or for those of one configuration; the PENDING jobs that came of it.

    `patience` leaves alone, for so long, what somebody else is about to see. A negative one takes what is due in a
    moment, too: for whoever was woken by a clock that is ahead of ours.
    """
    until = max(now, now - patience)
    with ledger_access("looking for due slots"):
        refresh(now=now)
        rows = due(now=now - patience)
        if configuration is not None:
            rows = rows.filter(uuid=configuration)
        found = [account(row, now=now, until=until, woken_by=woken_by) for row in rows]
    return [job for job in found if job is not None]


def account(
    row: BackupConfiguration, *, now: datetime, until: datetime | None = None, woken_by: str = WokenBy.NOBODY
) -> BackupJob | None:
    """Move a configuration's memory past every slot until `until`, else `now`; the job of the latest one if it is to
    be run.

    None if nothing was due, if somebody else was faster, or if all of it came too late.
    """
    until = until or now
    if not row.runs_by_schedule or row.next_slot is None or row.next_slot > until:
        return None
    schedule = _schedule(row, now)
    slots = schedule.between(row.next_slot - _INSTANT, until)
    if not slots and (schedule.start is None or row.next_slot >= schedule.start):
        # It was due in the time zone that was valid then.
        slots = [row.next_slot]
    following = next(schedule.after(until))
    with transaction.atomic(using=ledger_alias()):
        mine = _scheduled().filter(pk=row.pk, next_slot=row.next_slot).update(next_slot=following)
        if mine != 1 or not slots:
            return None
        _supersede(row, slots[-1], now)
        window = conf.load().catch_up
        late = window is not None and now - slots[-1] > window
        _record_missed(row, slots if late else slots[:-1], now=now, reason=_TOO_LATE if late else _NOBODY)
        return None if late else _create(row, slots[-1], now=now, woken_by=woken_by)


def refresh(*, now: datetime) -> int:
    """Reckon schedules again whose memory cannot be right; how many there were.

    Those never reckoned, those of another time zone, and those that a wrong clock has moved too far ahead.
    """
    zone = str(schedule_zone())
    wrong = Q(next_slot=None) | Q(schedule_start=None) | ~Q(schedule_zone=zone)
    for frequency, longest in _LONGEST.items():
        # Until its start an HOURLY one waits for up to a day, and no start lies further ahead than that.
        wrong |= Q(frequency=frequency, next_slot__gt=now + longest)
    # It may be too far ahead by less than that: then slots that have not come, and lie before it, have a job.
    jobs = BackupJob.objects.using(ledger_alias())
    wrong |= Q(Exists(jobs.filter(configuration=OuterRef("pk"), slot__gt=now, slot__lt=OuterRef("next_slot"))))
    changed = 0
    for row in _scheduled().filter(wrong):
        start = row.schedule_start or _schedule(row, now).first_start(now)
        # Not back before what is accounted for: a slot due in the old zone and not yet seen is still seen.
        since = min(now, row.next_slot - _INSTANT) if row.next_slot is not None else now
        since = min(since, _passed_unseen(row, now) or since)
        following = next(_schedule(row, now, start).after(since))
        if (following, start, zone) != (row.next_slot, row.schedule_start, row.schedule_zone):
            changed += (
                _scheduled()
                .filter(pk=row.pk, next_slot=row.next_slot)
                .update(next_slot=following, schedule_start=start, schedule_zone=zone)
            )
    # Whoever waits for another attempt waits by a clock, too.
    waiting = jobs.filter(status=JobStatus.PENDING, not_before__gt=now + LONGEST_PAUSE)
    return changed + (waiting.update(not_before=now) if waiting.exists() else 0)


def _passed_unseen(row: BackupConfiguration, now: datetime) -> datetime | None:
    """Just before the latest slot, if it has come while a clock that was ahead had declared it missed."""
    latest = (
        row.jobs.using(ledger_alias()).filter(slot__lte=now).order_by("-slot").only("slot", "status", "completed_at")
    )
    job = latest.first()
    if job is None or job.slot is None or job.status != JobStatus.MISSED:
        return None
    return job.slot - _INSTANT if job.completed_at is not None and job.completed_at > now else None


def upcoming(row: BackupConfiguration, *, now: datetime, count: int) -> list[datetime]:
    """The next slots of a configuration, the one that is due first; none while its schedule does not run."""
    if not row.runs_by_schedule:
        return []
    schedule = _schedule(row, now)
    since = row.next_slot - _INSTANT if row.next_slot is not None else now
    following = schedule.after(since)
    return [next(following) for _ in range(count)]


def expire_waiting(*, now: datetime) -> int:
    """Record as MISSED what waited for a free executor for longer than a slot may be late; how many there were."""
    window = conf.load().catch_up
    if window is None:
        return 0
    with ledger_access("looking for jobs that waited too long"):
        return _miss(_waiting().filter(slot__lt=now - window), now=now, reason=_TOO_LATE)


def _scheduled() -> QuerySet[BackupConfiguration]:
    return configurations().filter(SCHEDULED)


def _waiting() -> QuerySet[BackupJob]:
    jobs = BackupJob.objects.using(ledger_alias())
    return jobs.filter(status=JobStatus.PENDING, trigger=Trigger.SCHEDULED, attempt=0)


def _supersede(row: BackupConfiguration, latest: datetime, now: datetime) -> None:
    _miss(_waiting().filter(configuration=row, slot__lt=latest), now=now, reason=_BUSY)


def _miss(jobs: QuerySet[BackupJob], *, now: datetime, reason: str) -> int:
    return jobs.update(status=JobStatus.MISSED, completed_at=now, error_message=reason)


def _record_missed(row: BackupConfiguration, slots: Iterable[datetime], *, now: datetime, reason: str) -> None:
    # Only after what the ledger knows: the memory may have been set back by a clock that was behind.
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
    """The job of a slot; None if it was run before, by a clock that was ahead or has been set back since."""
    job = new_job(JobRequest.of_configuration(row), configuration=row, now=now, trigger=Trigger.SCHEDULED, slot=slot)
    job.woken_by = woken_by
    there = row.jobs.using(ledger_alias()).filter(slot=slot)
    try:
        with transaction.atomic(using=ledger_alias()):
            job.save(force_insert=True, using=ledger_alias())
    except IntegrityError:
        # Recorded as missed at a moment that has not come, either.
        changed = there.filter(status=JobStatus.MISSED, completed_at__gt=now).update(
            status=JobStatus.PENDING,
            completed_at=None,
            error_message="",
            **{name: getattr(job, name) for name in ("job_name", "backup_type", "settings", "queued_at", "woken_by")},
        )
        if not changed:
            return None
        job = there.get()
    job_event(job.uuid, f"Due at {slot.isoformat(timespec='minutes')}, seen by {job.get_woken_by_display()}.", now=now)
    return job


def _schedule(row: BackupConfiguration, now: datetime, start: datetime | None = None) -> Schedule:
    """The schedule, without a start that a wrong clock has set or that lies ahead only for a clock that is behind."""
    schedule = Schedule.of(row, schedule_zone())
    start = start or row.schedule_start
    if start is not None and start > now + _LONGEST[Frequency.DAILY]:
        start = None
    return dataclasses.replace(schedule, start=start)
