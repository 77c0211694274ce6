"""Statistics of the jobs: series by day, sums by configuration, a calendar, and how long the space lasts.

Days are those of the schedules' time zone. The database sums by hours, which is exact if the zone is whole hours away
from UTC, and by minutes if it is not.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

from django.conf import settings as project

from .. import selectors
from ..core.cache import TtlCache
from ..doctor.disks import Space, space
from ..policies.schedule import schedule_zone

_DAY: Final = timedelta(days=1)
_GROWTH: Final = timedelta(days=30)
_KEPT_SECONDS: Final = 60.0
MOST_CONFIGURATIONS: Final = 200
MOST_IN_CALENDAR: Final = 50
_FURTHEST: Final = 3650.0


@dataclasses.dataclass(slots=True)
class Day:
    """Sums of the jobs that were queued on a day. Sizes are bytes; the median is that of jobs that stored a backup."""

    date: date
    begins_at: datetime
    ends_at: datetime
    results: Counter[str] = dataclasses.field(default_factory=Counter)
    stored_bytes: int = 0
    logical_bytes: int = 0
    new_files: int = 0
    changed_files: int = 0
    total_seconds: int = 0
    median_seconds: int | None = None


@dataclasses.dataclass(slots=True)
class ConfigurationTotal:
    """Sums of the jobs of a configuration; if the uuid is None, of the jobs without a configuration."""

    configuration: uuid.UUID | None
    name: str
    results: Counter[str] = dataclasses.field(default_factory=Counter)
    stored_bytes: int = 0
    logical_bytes: int = 0
    total_seconds: int = 0
    last_queued_at: datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class CalendarRow:
    """The results of a configuration by day; days without a job are left out."""

    configuration: uuid.UUID
    name: str
    days: Mapping[date, Counter[str]]


@dataclasses.dataclass(frozen=True, slots=True)
class Statistics:
    """All statistics, from the day `first` to `last`, both included. `full_on` is None if it cannot be predicted."""

    at: datetime
    time_zone: str
    first: date
    last: date
    days: Sequence[Day]
    configurations: Sequence[ConfigurationTotal]
    configurations_left_out: int
    calendar: Sequence[CalendarRow]
    calendar_left_out: int
    space: Space
    full_on: date | None


def statistics(days: int, configuration: uuid.UUID | None = None) -> Statistics:
    """Return the statistics of the last `days` days, of all jobs or those of a configuration, at most a minute old.

    Raises `SettingsInvalid`, `LedgerUnavailable`.
    """
    return _cache.get((days, configuration))


def forget_statistics() -> None:
    """Clear the cache."""
    _cache.forget()


def find_statistics(key: tuple[int, uuid.UUID | None], now: datetime) -> Statistics:
    """Compute the statistics of the last `days` days, including today, with a fixed number of queries."""
    days, configuration = key
    zone = schedule_zone()
    last = _day(now, zone)
    first = last - (days - 1) * _DAY
    since, until = _midnight(first, zone), _midnight(last + _DAY, zone)
    minutes = any(_offset(moment, zone) % 3600 for moment in (since, now, until))
    totals = _totals(selectors.sums_by_configuration(since=since, until=until, configuration=configuration))
    listed = [one for one in totals if one.configuration is not None][:MOST_IN_CALENDAR]
    calendar = _calendar(listed, since, until, minutes=minutes, zone=zone)
    seen = space(daily=selectors.daily_growth(since=now - _GROWTH, now=now))
    lasts = seen.days_left
    return Statistics(
        at=now,
        time_zone=str(zone),
        first=first,
        last=last,
        days=_series(first, days, since, until, configuration, minutes=minutes, zone=zone),
        configurations=totals[:MOST_CONFIGURATIONS],
        configurations_left_out=max(0, len(totals) - MOST_CONFIGURATIONS),
        calendar=calendar,
        calendar_left_out=sum(one.configuration is not None for one in totals) - len(listed),
        space=seen,
        full_on=last + int(lasts) * _DAY if lasts is not None and lasts < _FURTHEST else None,
    )


_cache: TtlCache[tuple[int, uuid.UUID | None], Statistics] = TtlCache(find_statistics, seconds=_KEPT_SECONDS)


def _series(
    first: date,
    count: int,
    since: datetime,
    until: datetime,
    configuration: uuid.UUID | None,
    *,
    minutes: bool,
    zone: tzinfo,
) -> list[Day]:
    dates = [first + number * _DAY for number in range(count)]
    found = {day: Day(day, _midnight(day, zone), _midnight(day + _DAY, zone)) for day in dates}
    for sums in selectors.sums_by_time(since=since, until=until, minutes=minutes, configuration=configuration):
        day = found[_day(sums.at, zone)]
        day.results[sums.status] += sums.jobs
        day.stored_bytes += sums.stored
        day.logical_bytes += sums.logical
        day.new_files += sums.new_files
        day.changed_files += sums.changed_files
        day.total_seconds += sums.seconds
    taken: defaultdict[date, Counter[int]] = defaultdict(Counter)
    durations = selectors.durations_by_time(since=since, until=until, minutes=minutes, configuration=configuration)
    for at, seconds, jobs in durations:
        taken[_day(at, zone)][seconds] += jobs
    for one, counted in taken.items():
        found[one].median_seconds = median(counted)
    return list(found.values())


def median(counted: Mapping[int, int]) -> int:
    """Return the lower median of values, each given with its count."""
    half = (sum(counted.values()) + 1) // 2
    for value in sorted(counted):
        half -= counted[value]
        if half <= 0:
            return value
    raise ValueError("There is no median of nothing.")


def _totals(sums: Iterable[selectors.ConfigurationSums]) -> list[ConfigurationTotal]:
    """Return the sums by configuration, ordered by stored bytes, most first."""
    found: dict[uuid.UUID | None, ConfigurationTotal] = {}
    for one in sums:
        total = found.setdefault(one.configuration, ConfigurationTotal(one.configuration, one.name))
        total.results[one.status] += one.jobs
        total.stored_bytes += one.stored
        total.logical_bytes += one.logical
        total.total_seconds += one.seconds
        total.last_queued_at = max(total.last_queued_at or one.last_queued_at, one.last_queued_at)
    return sorted(found.values(), key=lambda total: (-total.stored_bytes, total.name))


def _calendar(
    listed: Sequence[ConfigurationTotal], since: datetime, until: datetime, *, minutes: bool, zone: tzinfo
) -> list[CalendarRow]:
    names = {one.configuration: one.name for one in listed if one.configuration is not None}
    found: dict[uuid.UUID, defaultdict[date, Counter[str]]] = {key: defaultdict(Counter) for key in names}
    for key, at, status, jobs in selectors.results_by_time(list(names), since=since, until=until, minutes=minutes):
        found[key][_day(at, zone)][status] += jobs
    return sorted((CalendarRow(key, names[key], found[key]) for key in names), key=lambda row: row.name)


def _day(moment: datetime, zone: tzinfo) -> date:
    """Return the day of a time in a zone; without USE_TZ, times are in the project's zone already."""
    return (moment.astimezone(zone) if moment.tzinfo else moment).date()


def _midnight(day: date, zone: tzinfo) -> datetime:
    moment = datetime.combine(day, time())
    return moment.replace(tzinfo=zone) if project.USE_TZ else moment


def _offset(moment: datetime, zone: tzinfo) -> float:
    offset = moment.astimezone(zone).utcoffset() if moment.tzinfo else None
    return 0.0 if offset is None else offset.total_seconds()
