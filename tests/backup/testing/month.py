"""A month of a backup system on a clock that the test turns, and its expected result, computed independently.

`Story` is the course of the month: the times at which processes look at the schedules, the clock's time then, the
number of concurrent callers, whether the executor has room, the end of each attempt, and the acts of an administrator.
`World` runs the story with the real services. `Expectation` runs it without our code: it finds slots by looking at
every minute.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import random
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from apps.backup.core import processes
from apps.backup.errors import AlreadyRunning, IllegalTransition
from apps.backup.models import BackupConfiguration, BackupJob
from apps.backup.selectors import HAS_BACKUP, jobs_runnable
from apps.backup.services import configurations as service
from apps.backup.services import due_jobs as slots
from apps.backup.services.dead_jobs import job_reap
from apps.backup.services.jobs import (
    Claim,
    JobResult,
    job_claim,
    job_complete,
    job_incomplete,
    job_pin,
    job_put_off,
    job_wait,
)
from apps.backup.services.policy_import import policies_install

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BEGIN, END = datetime(2026, 11, 1, 0, 0, tzinfo=UTC), datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
HORIZON = END + 70 * DAY
FAR = 9 * 365 * DAY
SKEWS = [40 * MINUTE, 5 * HOUR, 2 * DAY, 60 * DAY, -10 * MINUTE, -7 * HOUR, -3 * DAY, -FAR]
HOURLY = "production_database_hourly"
WHEN = {
    "production_daily_full": ("DAILY", time(2)),
    "production_weekly_export": ("WEEKLY", time(3)),
    "production_monthly_archive": ("MONTHLY", time(4)),
    HOURLY: ("HOURLY", time(9)),
}


@dataclasses.dataclass(frozen=True)
class Look:
    """A look at the schedules: at `at`, when the clock shows `clock`. If `busy`, no job is started."""

    at: datetime
    clock: datetime
    callers: int
    busy: bool


@dataclasses.dataclass(frozen=True)
class Act:
    """An act of an administrator, at a time when the clock is right."""

    at: datetime
    what: str
    name: str
    value: object = None


class Story:
    """The course of the month, drawn from one seed."""

    def __init__(self, seed: int, zone: str) -> None:
        self.seed, self.zone = seed, ZoneInfo(zone)
        chance = random.Random(seed)
        off = [
            (start, start + chance.choice([3 * HOUR, 11 * HOUR, 30 * HOUR, 4 * DAY]))
            for start in (BEGIN + chance.uniform(1, 26) * DAY for _ in range(3))
        ]
        jumps = [
            (start, start + chance.choice([30 * MINUTE, 90 * MINUTE, 5 * HOUR]), skew)
            for start, skew in zip(
                sorted(BEGIN + chance.uniform(2, 27) * DAY for _ in range(6)), chance.sample(SKEWS, 6), strict=True
            )
        ]
        self.acts = sorted(self._acts(chance, jumps), key=lambda act: act.at)
        self.looks: list[Look] = []
        hour = BEGIN
        while hour < END:
            for minute in sorted({chance.randint(0, 9), *([] if chance.random() < 0.6 else [chance.randint(10, 59)])}):
                at = hour + minute * MINUTE + timedelta(seconds=chance.randint(0, 59))
                if any(start <= at < end for start, end in off):
                    continue
                skew = next((skew for start, end, skew in jumps if start <= at < end), timedelta())
                self.looks.append(Look(at, at + skew, chance.choice([1, 1, 1, 1, 1, 2]), chance.random() < 0.15))
            hour += HOUR
        self.looks += [Look(END + number * 6 * MINUTE, END + number * 6 * MINUTE, 1, False) for number in range(4)]

    def _acts(self, chance: random.Random, jumps: list[tuple[datetime, datetime, timedelta]]) -> Iterator[Act]:
        def moment(first: float, last: float) -> datetime:
            while True:
                at = BEGIN + chance.uniform(first, last) * DAY
                if not any(start - HOUR <= at < end + HOUR for start, end, _ in jumps):
                    return at

        yield Act(moment(3, 5), "enable", HOURLY)
        yield Act(moment(9, 10), "disable", HOURLY)
        yield Act(moment(11, 12), "enable", HOURLY)
        yield Act(moment(20, 21), "disable", HOURLY)
        yield Act(moment(6, 8), "time", "production_daily_full", time(22, 30))
        yield Act(moment(13, 16), "time", "production_weekly_export", time(chance.randint(0, 23), 15))
        yield Act(moment(14, 15), "disable", "production_weekly_export")
        yield Act(moment(17, 18), "enable", "production_weekly_export")
        yield Act(moment(8, 20), "retention", "production_daily_full", 20)
        yield Act(moment(5, 24), "by hand", "production_pre_deployment")
        yield Act(moment(5, 24), "by hand", "production_daily_full")
        yield Act(moment(2, 4), "pin", "production_daily_full")
        yield Act(moment(25, 27), "unpin", "production_daily_full")
        yield Act(moment(2, 20), "pin", "production_weekly_export")

    def outcome(self, name: str, slot: datetime | None, attempt: int) -> str:
        """Return the end of an attempt, which is the same for every process and time."""
        roll = random.Random(f"{self.seed} {name} {slot} {attempt}").random()
        for end, bound in (("killed", 0.08), ("fails", 0.16), ("refused", 0.19), ("incomplete", 0.23)):
            if roll < bound:
                return end
        return "ok"

    def run(self, look: Callable[[Look], None], act: Callable[[Act], None]) -> None:
        """Run the story in order."""
        happenings = sorted([*self.looks, *self.acts], key=lambda one: one.at)
        for one in happenings:
            if isinstance(one, Look):
                look(one)
            else:
                act(one)


class World:
    """The real services on a real catalogue. `stored` is called for each backup made, and says what it is."""

    def __init__(self, story: Story, stored: Callable[[BackupJob, datetime], JobResult]) -> None:
        self.story, self.stored = story, stored
        self.chance = random.Random(story.seed + 1)
        self.corpses: list[subprocess.Popen[bytes]] = []
        policies_install(now=BEGIN)

    def look(self, look: Look) -> None:
        now = look.clock
        job_reap(now=now)
        for _ in range(look.callers):
            self._call(now)
        if not look.busy:
            for job in jobs_runnable(now=now, limit=1000):
                self._attempt(job, now)
        for process in self.corpses:
            process.kill()
            process.wait()
        self.corpses.clear()

    def act(self, act: Act) -> None:
        row = BackupConfiguration.objects.get(name=act.name)
        if act.what == "enable":
            service.configuration_enable(row.uuid, now=act.at)
        elif act.what == "disable":
            service.configuration_disable(row.uuid, now=act.at)
        elif act.what == "time":
            service.configuration_update(row.uuid, {"schedule_time": act.value}, now=act.at)
        elif act.what == "retention":
            service.configuration_update(row.uuid, {"max_backups": act.value}, now=act.at)
        elif act.what in {"pin", "unpin"}:
            stored = BackupJob.objects.filter(HAS_BACKUP, configuration=row, is_pinned=act.what == "unpin")
            for job in stored.order_by("started_at")[:2]:
                job_pin(job.uuid, pinned=act.what == "pin", reason="as an example")
        else:
            job = slots.new_job(slots.JobRequest.of_configuration(row), configuration=row, now=act.at)
            job.save()
            with contextlib.suppress(AlreadyRunning):
                claim = job_claim(job.uuid, worker=processes.own_identity(), now=act.at)
                job_complete(claim, self.stored(job, act.at), now=act.at)

    def _call(self, now: datetime) -> None:
        way = self.chance.choices(["agent", "beat", "crowd"], [8, 1, 1])[0]
        if way == "beat":
            for row in BackupConfiguration.objects.all():
                slots.run_due(now=now, woken_by="BEAT", configuration=row.uuid)
        elif way == "crowd":
            # All callers have read the same rows, and come one after the other.
            slots.recompute_schedules(now=now)
            seen = [list(slots.configurations_due(now=now)) for _ in range(3)]
            made = [[slots.create_due_job(row, now=now) for row in rows] for rows in seen]
            assert not any(job for jobs in made[1:] for job in jobs)
        slots.run_due(now=now, woken_by="AGENT")

    def _attempt(self, job: BackupJob, now: datetime) -> None:
        outcome = self.story.outcome(job.configuration_name, job.slot, job.attempt + 1)
        try:
            claim = job_claim(job.uuid, worker=self._process(outcome), now=now)
        except AlreadyRunning:
            job_wait(job.uuid, until=now + timedelta(seconds=30))
            return
        with contextlib.suppress(IllegalTransition):
            job_claim(job.uuid, worker=processes.own_identity(), now=now)
            raise AssertionError(f"{job} was claimed twice")
        self._end(claim, job, outcome, now)

    def _end(self, claim: Claim, job: BackupJob, outcome: str, now: datetime) -> None:
        if outcome == "ok":
            job_complete(claim, self.stored(job, now), now=now)
        elif outcome == "incomplete":
            result = dataclasses.replace(self.stored(job, now), problems=[("files/media/x", "cannot be read")])
            job_incomplete(claim, result, now=now)
        elif outcome != "killed":
            job_put_off(claim, outcome, now=now, retryable=outcome == "fails")

    def _process(self, outcome: str) -> processes.ProcessIdentity:
        own = processes.own_identity()
        if outcome != "killed":
            return own
        process = subprocess.Popen(["sleep", "600"])
        self.corpses.append(process)
        return processes.ProcessIdentity(own.host, process.pid, processes._start(process.pid) or "")


@dataclasses.dataclass
class Row:
    """A job as it is expected."""

    slot: datetime | None
    queued: datetime
    status: str = "PENDING"
    attempt: int = 0
    not_before: datetime | None = None
    ended: datetime | None = None
    taken: datetime | None = None


@functools.cache
def minutes(zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """Return every minute with its local time: of the month, of the time that a clock ahead may show, and of the month
    nine years ago.
    """
    spans = ((BEGIN - FAR, END - FAR), (BEGIN, HORIZON))
    moments = [start + number * MINUTE for start, end in spans for number in range(int((end - start) / MINUTE))]
    return [(moment, moment.astimezone(zone).replace(tzinfo=None)) for moment in moments]


@functools.cache
def slots_of(frequency: str, at: time, zone: ZoneInfo) -> list[datetime]:
    """Return the slots of a schedule: a day's slot is the first minute with its local time or a later one."""
    found, days = [], set()
    for moment, wall in minutes(zone):
        if frequency == "HOURLY":
            if wall.minute == at.minute:
                found.append(moment)
        elif wall.time() >= at and wall.date() not in days:
            days.add(wall.date())
            meant = {"DAILY": True, "WEEKLY": wall.weekday() == 6, "MONTHLY": wall.day == 1}[frequency]
            if meant and not (moment in {BEGIN, BEGIN - FAR} and wall.time() > at):
                found.append(moment)
    return found


class Expectation:
    """The expected result of the month."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.on: dict[str, bool] = {name: name != HOURLY for name in WHEN}
        self.at = {name: at for name, (_, at) in WHEN.items()}
        self.start = dict.fromkeys(WHEN, BEGIN)
        self.seen = dict.fromkeys(WHEN, BEGIN)
        self.rows: dict[str, list[Row]] = {name: [] for name in WHEN}

    def look(self, look: Look) -> None:
        for name in WHEN:
            for row in self.rows[name]:
                if row.status == "RUNNING":
                    self._failed(row, look.clock, again=True)
                if row.status == "PENDING" and row.not_before and row.not_before > look.clock + 4 * HOUR:
                    row.not_before = look.clock
            if self.on[name]:
                self._set_back(name, look.clock)
                self._due(name, look.clock)
            if not look.busy:
                self._run(name, look.clock)

    def act(self, act: Act) -> None:
        name = act.name
        if act.what == "by hand":
            # The start of a job first looks for dead ones.
            for row in (row for rows in self.rows.values() for row in rows if row.status == "RUNNING"):
                self._failed(row, act.at, again=True)
        if act.what not in {"enable", "disable", "time"}:
            return
        if self.on[name]:
            self._due(name, act.at)
        if act.what == "time":
            self.at[name] = act.value
        self.on[name] = act.what == "enable" or (act.what == "time" and self.on[name])
        self.start[name] = self.seen[name] = act.at
        if WHEN[name][0] == "HOURLY":
            walls = minutes(self.story.zone)
            self.start[name] = next(at for at, wall in walls if at > act.at and wall.time() == self.at[name])

    def _set_back(self, name: str, now: datetime) -> None:
        """A clock that was ahead is right again, or one that was right is behind."""
        if self.seen[name] <= now:
            return
        self.seen[name] = now
        latest = max((row for row in self.rows[name] if row.slot <= now), key=lambda row: row.slot, default=None)
        if latest and latest.status == "MISSED" and latest.ended > now:
            self.seen[name] = latest.slot - timedelta(microseconds=1)

    def _due(self, name: str, now: datetime) -> None:
        rows = {row.slot: row for row in self.rows[name]}
        # A start that lies ahead is not one: the clock is behind.
        start = self.start[name] if self.start[name] <= now + 26 * HOUR else BEGIN - FAR
        due = [slot for slot in self._slots(name) if self.seen[name] < slot <= now and slot >= start]
        self.seen[name] = now
        if not due:
            return
        for row in self.rows[name]:
            if row.status == "PENDING" and not row.attempt and row.slot < due[-1]:
                row.status, row.ended = "MISSED", now
        known = max((slot for slot in rows if slot <= now), default=BEGIN)
        for slot in due[:-1]:
            if slot > known:
                self.rows[name].append(Row(slot, slot, "MISSED", ended=now))
        there = rows.get(due[-1])
        if there is None:
            self.rows[name].append(Row(due[-1], now))
        elif there.status == "MISSED" and there.ended > now:
            there.status, there.queued, there.ended = "PENDING", now, None

    def _run(self, name: str, now: datetime) -> None:
        waiting = [row for row in self.rows[name] if row.status == "PENDING"]
        for row in sorted(waiting, key=lambda row: row.queued):
            if row.not_before and row.not_before > now:
                continue
            if any(other.status == "RUNNING" for other in self.rows[name]):
                row.not_before = now + timedelta(seconds=30)
                continue
            row.attempt += 1
            row.not_before = None
            outcome = self.story.outcome(name, row.slot, row.attempt)
            if outcome in {"ok", "incomplete"}:
                row.status = "COMPLETED" if outcome == "ok" else "INCOMPLETE"
                row.taken = now
            elif outcome == "killed":
                row.status = "RUNNING"
            else:
                self._failed(row, now, again=outcome == "fails")

    def _failed(self, row: Row, now: datetime, *, again: bool) -> None:
        if again and row.attempt < 3:
            row.status, row.not_before = "PENDING", now + {1: MINUTE, 2: 4 * MINUTE}[row.attempt]
        else:
            row.status = "FAILED"

    def _slots(self, name: str) -> list[datetime]:
        return slots_of(WHEN[name][0], self.at[name], self.story.zone)
