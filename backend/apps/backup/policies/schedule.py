"""The slots of a configuration, computed from its schedule and a time zone. Reads no clock and no database.

A slot is a timestamp at which a backup is due. Times of day are local:

* DAILY, WEEKLY and MONTHLY have exactly one slot for each day that they name, also when the clocks change. A time of
  day that is skipped when the clocks go forward is due at the time of the change. A time of day that comes twice when
  they go back is due the first time.
* HOURLY is due every hour at the minute of its time of day: 23 times on the day when the clocks go forward by an hour,
  and 25 times when they go back. Its first slot is the next such time of day after it was enabled.
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
_RESOLUTION = timedelta(microseconds=1)
LAST_DAY_OF_MONTH = 28
"""The last day that every month has."""

PERIODS: dict[str, timedelta] = {
    Frequency.HOURLY: timedelta(hours=1),
    Frequency.DAILY: timedelta(days=1),
    Frequency.WEEKLY: timedelta(days=7),
    Frequency.MONTHLY: timedelta(days=31),
}
"""The longest time between two slots, except on days on which the clocks change."""


@dataclasses.dataclass(frozen=True, slots=True)
class Schedule:
    """A frequency with its time of day and days, in a time zone, from a start on. Days of the week: 0 = Monday."""

    frequency: str
    zone: tzinfo
    time_of_day: time | None = None
    days: tuple[int, ...] = ()
    day_of_month: int | None = None
    start: datetime | None = None

    @classmethod
    def of(cls, configuration: BackupConfiguration, zone: tzinfo) -> Schedule:
        """Return the schedule of a configuration."""
        return cls(
            frequency=configuration.frequency,
            zone=zone,
            time_of_day=configuration.schedule_time,
            days=tuple(configuration.schedule_days),
            day_of_month=configuration.schedule_day_of_month,
            start=configuration.schedule_start,
        )

    def first_start(self, now: datetime) -> datetime:
        """Return the start of a schedule that is enabled now: earlier slots do not count."""
        if self.frequency == Frequency.HOURLY and self.time_of_day is not None:
            daily = dataclasses.replace(self, frequency=Frequency.DAILY, start=None)
            return next(daily.after(now))
        return now

    def after(self, timestamp: datetime) -> Iterator[datetime]:
        """Yield all slots later than a timestamp, in order and without end; none for ON_DEMAND.

        After a naive timestamp, as in a project with USE_TZ = False, the slots are naive ones in the zone.
        """
        if timestamp.tzinfo is None:
            yield from self._naive_after(timestamp)
            return
        if self.start is not None:
            timestamp = max(timestamp, self.start - _RESOLUTION)
        if self.frequency == Frequency.ON_DEMAND:
            return
        if self.frequency == Frequency.HOURLY:
            yield from self._hourly_after(timestamp)
            return
        for day in self._days(timestamp.astimezone(self.zone).date() - _DAY):
            slot = utc_time_of(day, self._time, self.zone)
            if slot > timestamp:
                yield slot

    def _naive_after(self, timestamp: datetime) -> Iterator[datetime]:
        start = None if self.start is None else self.start.replace(tzinfo=self.zone)
        for slot in dataclasses.replace(self, start=start).after(timestamp.replace(tzinfo=self.zone)):
            naive = slot.astimezone(self.zone).replace(tzinfo=None)
            # When the clocks go back, two hours have the same naive times.
            if naive > timestamp:
                timestamp = naive
                yield naive

    def between(self, after: datetime, until: datetime) -> list[datetime]:
        """Return the slots later than `after` and not later than `until`."""
        return list(itertools.takewhile(lambda slot: slot <= until, self.after(after)))

    @property
    def _time(self) -> time:
        return self.time_of_day or time()

    def _hourly_after(self, timestamp: datetime) -> Iterator[datetime]:
        slot = timestamp.astimezone(UTC).replace(second=0, microsecond=0)
        while True:
            slot += _MINUTE
            # Repeated after a step, because the offset of a zone may change by half an hour in between.
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
        """Return the schedule in words."""
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


def utc_time_of(day: date, time_of_day: time, zone: tzinfo) -> datetime:
    """Return a local time in UTC: the first one if it comes twice, the end of the gap if it is skipped."""
    local = datetime.combine(day, time_of_day, tzinfo=zone)
    timestamp = local.astimezone(UTC)
    if timestamp.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return timestamp
    # In the gap: with the offset before it, `timestamp` is too late; with the offset after it, too early.
    early, late = local.replace(fold=1).astimezone(UTC), timestamp
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
    """Return the time zone of the schedules: the project's TIME_ZONE."""
    return timezone.get_default_timezone()
