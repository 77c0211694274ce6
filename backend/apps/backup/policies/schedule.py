"""When a configuration is due: slots, reckoned from its schedule and a time zone. No clock, no database.

A slot is a moment. Times of day are local:

* A day, a week or a month has exactly one slot for each of its times, whatever the clocks do. A time of day that is
  skipped when the clocks go forward is due at the moment they do; one that comes twice when they go back is due the
  first time.
* HOURLY is due every hour at the minute of its time of day, 23 times on the day when the clocks go forward by an hour
  and 25 times when they go back, and not before its start: the next such time of day after it was switched on.
"""

from __future__ import annotations

import calendar
import dataclasses
import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from django.utils import timezone

from ..models import BackupConfiguration, Frequency

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_INSTANT = timedelta(microseconds=1)
LAST_DAY_OF_MONTH = 28
"""Every month has this day."""

PERIODS: dict[str, timedelta] = {
    Frequency.HOURLY: timedelta(hours=1),
    Frequency.DAILY: timedelta(days=1),
    Frequency.WEEKLY: timedelta(days=7),
    Frequency.MONTHLY: timedelta(days=31),
}
"""From one slot to the next at the most, but for the days on which the clocks change."""


@dataclasses.dataclass(frozen=True, slots=True)
class Schedule:
    """A frequency with its time, days of the week (0 = Monday) or day of the month, in a zone, from a start on."""

    frequency: str
    zone: tzinfo
    time_of_day: time | None = None
    days: tuple[int, ...] = ()
    day_of_month: int | None = None
    start: datetime | None = None

    @classmethod
    def of(cls, configuration: BackupConfiguration, zone: tzinfo) -> Schedule:
        """The schedule that a configuration has."""
        return cls(
            frequency=configuration.frequency,
            zone=zone,
            time_of_day=configuration.schedule_time,
            days=tuple(configuration.schedule_days),
            day_of_month=configuration.schedule_day_of_month,
            start=configuration.schedule_start,
        )

    def first_start(self, now: datetime) -> datetime:
        """From when on slots are meant if it is switched on now."""
        if self.frequency == Frequency.HOURLY and self.time_of_day is not None:
            daily = dataclasses.replace(self, frequency=Frequency.DAILY, start=None)
            return next(daily.after(now))
        return now

    def after(self, moment: datetime) -> Iterator[datetime]:
        """All slots later than a moment, in order and without end; none for ON_DEMAND.

        Of a bare moment, as a project without time zones has them, they are bare ones of the zone.
        """
        if moment.tzinfo is None:
            yield from self._bare(moment)
            return
        if self.start is not None:
            moment = max(moment, self.start - _INSTANT)
        if self.frequency == Frequency.ON_DEMAND:
            return
        if self.frequency == Frequency.HOURLY:
            yield from self._hours(moment)
            return
        for day in self._days(moment.astimezone(self.zone).date() - _DAY):
            slot = moment_of(day, self._time, self.zone)
            if slot > moment:
                yield slot

    def _bare(self, moment: datetime) -> Iterator[datetime]:
        start = None if self.start is None else self.start.replace(tzinfo=self.zone)
        for slot in dataclasses.replace(self, start=start).after(moment.replace(tzinfo=self.zone)):
            bare = slot.astimezone(self.zone).replace(tzinfo=None)
            # When the clocks go back, an hour comes twice that looks the same.
            if bare > moment:
                moment = bare
                yield bare

    def between(self, after: datetime, until: datetime) -> list[datetime]:
        """The slots later than `after` and not later than `until`."""
        return list(itertools.takewhile(lambda slot: slot <= until, self.after(after)))

    @property
    def _time(self) -> time:
        return self.time_of_day or time()

    def _hours(self, moment: datetime) -> Iterator[datetime]:
        slot = moment.astimezone(UTC).replace(second=0, microsecond=0)
        while True:
            slot += _MINUTE
            # Again after a step, because a zone may shift by half an hour in between.
            while wait := (self._time.minute - slot.astimezone(self.zone).minute) % 60:
                slot += wait * _MINUTE
            yield slot

    def _days(self, first: date) -> Iterator[date]:
        if self.frequency == Frequency.MONTHLY:
            year, month = first.year, first.month
            while True:
                yield date(year, month, self.day_of_month or 1)
                year, month = (year, month + 1) if month < 12 else (year + 1, 1)
        for number in itertools.count():
            day = first + number * _DAY
            if self.frequency == Frequency.DAILY or day.weekday() in self.days:
                yield day

    def words(self) -> str:
        """The schedule as people say it."""
        at = f"at {self._time:%H:%M}"
        if self.frequency == Frequency.HOURLY:
            start = f", starting {at}" if self.time_of_day is not None else ""
            return f"hourly at minute {self._time.minute:02}{start}"
        if self.frequency == Frequency.DAILY:
            return f"daily {at}"
        if self.frequency == Frequency.WEEKLY:
            return f"{', '.join(f'{calendar.day_name[day]}s' for day in sorted(self.days))} {at}"
        if self.frequency == Frequency.MONTHLY:
            return f"on the {_ordinal(self.day_of_month or 1)} of the month {at}"
        return "on demand"


def moment_of(day: date, time_of_day: time, zone: tzinfo) -> datetime:
    """When that local time is, in UTC: the first time if it comes twice, the end of the gap if it never comes."""
    local = datetime.combine(day, time_of_day, tzinfo=zone)
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return moment
    # In the gap: reckoned with the offset before it, `moment` is too late; with the one after it, too early.
    early, late = local.replace(fold=1).astimezone(UTC), moment
    before = early.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = (early + (late - early) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late


def _ordinal(number: int) -> str:
    ending = "th" if number in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def schedule_zone() -> tzinfo:
    """The time zone of the schedules: the project's TIME_ZONE."""
    return timezone.get_default_timezone()
