"""Slots: ten years of them in zones whose clocks change, against a clock that is looked at minute by minute."""

import dataclasses
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.backup.policies.schedule import Schedule, utc_time_of

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Santiago"]
YEARS = (datetime(2024, 1, 1, tzinfo=UTC), datetime(2034, 1, 1, tzinfo=UTC))
TIMES = [time(0), time(2), time(2, 30), time(23, 59)]


def slots(zone: str, frequency: str, **values: object) -> list[datetime]:
    schedule = Schedule(frequency=frequency, zone=ZoneInfo(zone), **values)  # type: ignore[arg-type]
    return schedule.between(*YEARS)


def local(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def days() -> list[date]:
    first = date(2024, 1, 2)
    return [first + timedelta(days=number) for number in range((date(2033, 12, 30) - first).days)]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("at", TIMES)
def test_a_day_has_one_slot_whatever_the_clocks_do(zone, at):
    found = slots(zone, "DAILY", time_of_day=at)
    assert found == sorted(set(found))
    by_day = {}
    for slot in found:
        by_day.setdefault(local(slot, zone).date(), []).append(slot)
    for day in days():
        assert len(by_day[day]) == 1, day
    # Everywhere but in a gap the slot is at its time of day.
    late = [slot for slot in found if local(slot, zone).time() != at]
    assert len(late) <= 11
    for slot in late:
        before = local(slot - timedelta(seconds=1), zone)
        assert before.time() < at or before.date() < local(slot, zone).date()
        assert local(slot, zone) - before > timedelta(minutes=29)


@pytest.mark.parametrize("zone", ZONES)
def test_a_time_that_comes_twice_is_due_the_first_time(zone):
    for slot in slots(zone, "DAILY", time_of_day=time(2, 30)) + slots(zone, "DAILY", time_of_day=time(1, 45)):
        assert slot.astimezone(ZoneInfo(zone)).fold == 0


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("minute", [0, 17, 59])
def test_hourly_is_due_at_every_such_minute_that_a_clock_shows(zone, minute):
    year = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    found = Schedule(frequency="HOURLY", zone=ZoneInfo(zone), time_of_day=time(9, minute)).between(*year)
    # The clock changes at whole quarters of an hour; between two of them the minutes go by one by one.
    expected = []
    quarter = year[0]
    while quarter <= year[1]:
        shown = local(quarter, zone).minute
        ahead = (minute - shown) % 60
        if ahead < 15:
            expected.append(quarter + timedelta(minutes=ahead))
        quarter += timedelta(minutes=15)
    assert found == [slot for slot in expected if year[0] < slot <= year[1]]


def test_the_clocks_of_berlin_in_2026():
    hourly = Schedule(frequency="HOURLY", zone=ZoneInfo("Europe/Berlin"), time_of_day=time(9))

    def count(day: date) -> int:
        start = utc_time_of(day, time(), ZoneInfo("Europe/Berlin"))
        end = utc_time_of(day + timedelta(days=1), time(), ZoneInfo("Europe/Berlin"))
        return len(hourly.between(start - timedelta(seconds=1), end - timedelta(seconds=1)))

    assert [count(date(2026, 3, 28)), count(date(2026, 3, 29)), count(date(2026, 10, 25))] == [24, 23, 25]
    daily = Schedule(frequency="DAILY", zone=ZoneInfo("Europe/Berlin"), time_of_day=time(2, 30))
    spring = daily.between(datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 12, tzinfo=UTC))
    assert spring == [datetime(2026, 3, 29, 1, 0, tzinfo=UTC)]  # when the clocks jump from 2 to 3
    autumn = daily.between(datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 25, 12, tzinfo=UTC))
    assert autumn == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC)]  # 2:30 the first time


@pytest.mark.parametrize("zone", ZONES)
def test_weeks_and_months(zone):
    sundays = slots(zone, "WEEKLY", time_of_day=time(3), days=(6,))
    assert {local(slot, zone).weekday() for slot in sundays} == {6}
    assert len(sundays) in {521, 522}
    firsts = slots(zone, "MONTHLY", time_of_day=time(4), day_of_month=1)
    assert [local(slot, zone).day for slot in firsts] == [1] * len(firsts)
    assert len(firsts) == 120
    several = slots(zone, "WEEKLY", time_of_day=time(3), days=(0, 2, 4))
    assert {local(slot, zone).weekday() for slot in several} == {0, 2, 4}
    assert slots(zone, "ON_DEMAND", time_of_day=time(3)) == []


def test_hourly_starts_at_the_next_such_time_of_day():
    zone = ZoneInfo("Europe/Berlin")
    schedule = Schedule(frequency="HOURLY", zone=zone, time_of_day=time(9, 15))
    enabled = datetime(2026, 11, 24, 10, 0, tzinfo=zone)
    start = schedule.first_start(enabled)
    assert start == datetime(2026, 11, 25, 9, 15, tzinfo=zone)
    begun = Schedule(frequency="HOURLY", zone=zone, time_of_day=time(9, 15), start=start)
    upcoming = begun.after(enabled)
    assert [next(upcoming) for _ in range(3)] == [start + timedelta(hours=number) for number in range(3)]
    # Before nine it is today's nine, and without a time of day there is nothing to wait for.
    early = datetime(2026, 11, 24, 8, 0, tzinfo=zone)
    assert schedule.first_start(early) == datetime(2026, 11, 24, 9, 15, tzinfo=zone)
    assert Schedule(frequency="HOURLY", zone=zone).first_start(early) == early


moments = st.integers(0, 10 * 365 * 24 * 3600).map(lambda seconds: YEARS[0] + timedelta(seconds=seconds))
schedules = st.builds(
    Schedule,
    frequency=st.sampled_from(["HOURLY", "DAILY", "WEEKLY", "MONTHLY"]),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    time_of_day=st.builds(time, st.integers(0, 23), st.integers(0, 59)),
    days=st.sets(st.integers(0, 6), min_size=1).map(lambda found: tuple(sorted(found))),
    day_of_month=st.integers(1, 28),
)


@given(schedules, moments, st.integers(0, 60 * 24 * 40))
def test_slots_are_the_same_from_wherever_one_looks(schedule, moment, minutes):
    until = moment + timedelta(minutes=minutes)
    whole = schedule.between(moment, until)
    assert whole == sorted(set(whole))
    assert all(moment < slot <= until for slot in whole)
    middle = moment + (until - moment) / 3
    assert schedule.between(moment, middle) + schedule.between(middle, until) == whole
    following = next(schedule.after(until))
    assert following > until
    assert schedule.between(until, following) == [following]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"frequency": "DAILY", "time_of_day": time(2)}, "daily at 02:00"),
        ({"frequency": "WEEKLY", "time_of_day": time(3), "days": (6,)}, "Sundays at 03:00"),
        ({"frequency": "MONTHLY", "time_of_day": time(4), "day_of_month": 1}, "on the 1st of the month at 04:00"),
        ({"frequency": "MONTHLY", "time_of_day": time(4), "day_of_month": 22}, "on the 22nd of the month at 04:00"),
        ({"frequency": "MONTHLY", "time_of_day": time(4), "day_of_month": 13}, "on the 13th of the month at 04:00"),
        ({"frequency": "HOURLY", "time_of_day": time(9)}, "hourly at minute 00, starting at 09:00"),
        ({"frequency": "ON_DEMAND"}, "on demand"),
    ],
)
def test_words(values, words):
    assert Schedule(zone=UTC, **values).words() == words


def bare(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)


@pytest.mark.parametrize("frequency", ["HOURLY", "DAILY"])
def test_a_project_without_time_zones_has_the_same_slots(frequency):
    # The night when the clocks go back, in which an hour comes twice that looks the same.
    zone = ZoneInfo("Europe/Berlin")
    schedule = Schedule(frequency=frequency, zone=zone, time_of_day=time(2, 30), start=bare(2026, 10, 24, 12))
    found = schedule.between(bare(2026, 10, 20), bare(2026, 10, 26, 12))
    aware = dataclasses.replace(schedule, start=datetime(2026, 10, 24, 10, tzinfo=UTC))
    moments = aware.between(datetime(2026, 10, 20, tzinfo=UTC), datetime(2026, 10, 26, 11, tzinfo=UTC))
    same = [local(slot, "Europe/Berlin") for slot in moments]
    assert found == sorted(set(same))
    assert len(same) - len(found) == (1 if frequency == "HOURLY" else 0)
    assert all(slot.tzinfo is None for slot in [*found, schedule.first_start(bare(2026, 10, 25, 2, 30))])
