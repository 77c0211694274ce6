"""Retention rules, by examples exact to the day and by properties."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.retention import Candidate, Decision, Rules, decide

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [UTC, BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe"), timezone(timedelta(hours=-12))]


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def kept(decisions: list[Decision]) -> list[str]:
    return [decision.candidate.key for decision in decisions if decision.keep]


def test_age_is_exact_and_strict() -> None:
    candidates = [
        Candidate("new", NOW),
        Candidate("edge", ago(days=30)),
        Candidate("old", ago(days=30, microseconds=1)),
    ]
    decisions = decide(candidates, Rules(max_age=timedelta(days=30)), now=NOW, zone=UTC)
    assert [(d.candidate.key, d.keep, d.reasons) for d in decisions] == [
        ("new", True, ("the most recent one",)),
        ("edge", True, ("not older than 30 days",)),
        ("old", False, ("older than 30 days",)),
    ]


def test_the_count_is_exact() -> None:
    candidates = [Candidate(f"{hour:02d}", ago(hours=hour)) for hour in range(31)]
    decisions = decide(candidates, Rules(max_count=30), now=NOW, zone=UTC)
    assert kept(decisions) == [f"{hour:02d}" for hour in range(30)]
    assert decisions[30].reasons == ("beyond the 30 most recent",)
    assert decisions[29].reasons == ("among the 30 most recent",)


def test_thirty_days_and_thirty_backups_over_a_year_are_thirty() -> None:
    rules = Rules(max_age=timedelta(days=30), max_count=30)
    stored: list[Candidate] = []
    for day in range(365):
        now = datetime(2026, 1, 1, 2, 0, tzinfo=UTC) + timedelta(days=day)
        stored.append(Candidate(f"{day:03d}", now))
        stored = [decision.candidate for decision in decide(stored, rules, now=now, zone=BERLIN) if decision.keep]
        assert len(stored) == min(day + 1, 30)
    assert sorted(candidate.key for candidate in stored) == [f"{day:03d}" for day in range(335, 365)]


def test_both_reasons_are_given() -> None:
    decisions = decide(
        [Candidate("a", NOW), Candidate("b", ago(days=3))],
        Rules(max_age=timedelta(days=1), max_count=1),
        now=NOW,
        zone=UTC,
    )
    assert decisions[1] == Decision(
        Candidate("b", ago(days=3)), False, ("older than 1 day", "beyond the 1 most recent")
    )


def test_the_newest_of_each_period_is_kept_even_if_too_old() -> None:
    candidates = [Candidate(f"{day:03d}", ago(days=day)) for day in range(800)]
    rules = Rules(max_age=timedelta(days=2), max_count=2, keep_daily=3, keep_weekly=2, keep_monthly=3, keep_yearly=2)
    decisions = {decision.candidate.key: decision for decision in decide(candidates, rules, now=NOW, zone=UTC)}
    assert {key: decision.reasons for key, decision in decisions.items() if decision.keep} == {
        "000": (
            "the most recent one",
            "kept: daily 2026-11-24",
            "kept: weekly 2026-W48",
            "kept: monthly 2026-11",
            "kept: yearly 2026",
        ),
        "001": ("kept: daily 2026-11-23",),
        "002": ("kept: daily 2026-11-22", "kept: weekly 2026-W47"),
        "024": ("kept: monthly 2026-10",),
        "055": ("kept: monthly 2026-09",),
        "328": ("kept: yearly 2025",),
    }


def test_empty_periods_are_not_counted() -> None:
    candidates = [Candidate("today", NOW), Candidate("spring", ago(days=200)), Candidate("winter", ago(days=330))]
    rules = Rules(max_count=1, keep_monthly=3)
    assert kept(decide(candidates, rules, now=NOW, zone=UTC)) == ["today", "spring", "winter"]


def test_rules_of_periods_alone_remove_everything_else() -> None:
    candidates = [Candidate(f"{hour:02d}", ago(hours=hour)) for hour in range(48)]
    decisions = decide(candidates, Rules(keep_daily=2), now=NOW, zone=UTC)
    assert kept(decisions) == ["00", "13"]
    assert decisions[1].reasons == ("in no period that is kept",)


def test_days_begin_in_the_given_time_zone() -> None:
    late, later = datetime(2026, 7, 1, 21, 30, tzinfo=UTC), datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    candidates = [Candidate("late", late), Candidate("later", later)]
    rules = Rules(max_count=1, keep_daily=2)
    assert kept(decide(candidates, rules, now=NOW, zone=UTC)) == ["later"]
    assert kept(decide(candidates, rules, now=NOW, zone=BERLIN)) == ["later", "late"]


def test_a_repeated_hour_counts_as_two_hours() -> None:
    """On 2026-10-25 in Berlin, 02:30 in summer time is an hour before 02:30 in winter time."""
    summer = datetime(2026, 10, 25, 2, 30, fold=0, tzinfo=BERLIN)
    winter = datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN)
    decisions = decide([Candidate("z", summer), Candidate("a", winter)], Rules(max_count=1), now=NOW, zone=BERLIN)
    assert kept(decisions) == ["a"]
    now = datetime(2026, 10, 26, 2, 30, tzinfo=BERLIN)
    decisions = decide(
        [Candidate("z", summer), Candidate("a", winter), Candidate("new", now)],
        Rules(max_age=timedelta(days=1)),
        now=now,
        zone=BERLIN,
    )
    assert kept(decisions) == ["new", "a"]


def test_candidates_with_future_times_are_kept_and_not_counted() -> None:
    """A clock that was ten years ahead for a while must not cause the removal of good candidates."""
    ahead = [Candidate(f"ahead{number}", ago(days=-3650 + number)) for number in range(40)]
    past = [Candidate(f"{day:02d}", ago(days=day)) for day in range(40)]
    rules = Rules(max_age=timedelta(days=30), max_count=30, keep_daily=1)
    decisions = decide(ahead + past, rules, now=NOW, zone=UTC)
    assert [decision.reasons for decision in decisions[:40]] == [("its time lies in the future",)] * 40
    assert kept(decisions)[40:] == [f"{day:02d}" for day in range(30)]
    assert decisions[40].reasons[0] == "the most recent one"


def test_protected_candidates_are_kept_and_counted() -> None:
    candidates = [Candidate("0", NOW), Candidate("1", ago(days=1), "pinned: audit"), Candidate("2", ago(days=2))]
    candidates.append(Candidate("3", ago(days=99), "pinned: audit"))
    decisions = decide(candidates, Rules(max_age=timedelta(days=30), max_count=2), now=NOW, zone=UTC)
    assert kept(decisions) == ["0", "1", "3"]
    assert decisions[3].reasons == ("pinned: audit",)


def test_no_rule_keeps_everything() -> None:
    decisions = decide([Candidate("a", NOW), Candidate("b", ago(days=9999))], Rules(), now=NOW, zone=UTC)
    assert [decision.reasons for decision in decisions] == [("the most recent one",), ("no rule is set",)]
    assert all(decision.keep for decision in decisions)
    assert decide([], Rules(max_count=1), now=NOW, zone=UTC) == []


def test_extreme_times_are_accepted() -> None:
    first, last = datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), datetime.max.replace(tzinfo=ZONES[4])
    rules = Rules(max_age=timedelta(days=1), keep_yearly=9, keep_weekly=9)
    decisions = decide(
        [Candidate("a", first), Candidate("z", last), Candidate("now", NOW)], rules, now=NOW, zone=BERLIN
    )
    assert kept(decisions) == ["z", "now", "a"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_age": timedelta(0)},
        {"max_age": timedelta(days=-1)},
        {"max_count": 0},
        {"max_count": -1},
        {"keep_daily": -1},
        {"keep_yearly": -3},
    ],
)
def test_invalid_rules_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"keeps nothing|negative"):
        Rules(**wrong)  # type: ignore[arg-type]


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        Candidate("a", datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(days=1), "1 day"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(seconds=90), "90 seconds"),
        (timedelta(microseconds=5), "0:00:00.000005"),
    ],
)
def test_ages_in_words(age: timedelta, words: str) -> None:
    decisions = decide([Candidate("a", NOW), Candidate("b", ago(days=9))], Rules(max_age=age), now=NOW, zone=UTC)
    assert decisions[1].reasons == (f"older than {words}",)


# Properties

moments = st.integers(-40 * 24 * 60, 900 * 24 * 60).map(lambda minutes: NOW - timedelta(minutes=minutes))


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Candidate], Rules]:
    times = draw(st.lists(st.one_of(moments, st.sampled_from([NOW, ago(days=1), ago(days=-1)])), max_size=40))
    protected = draw(st.lists(st.sampled_from(["", "", "pinned"]), min_size=len(times), max_size=len(times)))
    zone = draw(st.sampled_from(ZONES))
    candidates = [
        Candidate(f"{number:02d}", time.astimezone(zone), why)
        for number, (time, why) in enumerate(zip(times, protected, strict=True))
    ]
    small = st.integers(0, 5)
    rules = Rules(
        max_age=draw(st.none() | st.integers(1, 500).map(lambda days: timedelta(days=days))),
        max_count=draw(st.none() | st.integers(1, 30)),
        keep_daily=draw(small),
        keep_weekly=draw(small),
        keep_monthly=draw(small),
        keep_yearly=draw(small),
    )
    return draw(st.permutations(candidates)), rules


@given(situations(), st.sampled_from(ZONES))
def test_every_removal_has_a_reason(situation: tuple[list[Candidate], Rules], zone: ZoneInfo) -> None:
    candidates, rules = situation
    decisions = decide(candidates, rules, now=NOW, zone=zone)
    assert sorted(d.candidate.key for d in decisions) == sorted(c.key for c in candidates)
    assert [d.candidate.time for d in decisions] == sorted((c.time for c in candidates), reverse=True)
    assert all(d.reasons for d in decisions)
    past = [d for d in decisions if d.candidate.time <= NOW]
    assert all(d.keep for d in decisions if d.candidate.protected or d.candidate.time > NOW)
    assert not past or past[0].keep
    for place, decision in enumerate(past):
        too_old = rules.max_age is not None and NOW - decision.candidate.time > rules.max_age
        too_many = rules.max_count is not None and place >= rules.max_count
        only_periods = rules.max_age is None and rules.max_count is None and rules.keeps_periods
        if not decision.keep:
            assert too_old or too_many or only_periods
        elif too_old or too_many:
            assert place == 0 or decision.candidate.protected or any("kept:" in reason for reason in decision.reasons)
    if rules.max_count is not None:
        exceptions = rules.keep_daily + rules.keep_weekly + rules.keep_monthly + rules.keep_yearly
        exceptions += sum(bool(d.candidate.protected) for d in past)
        assert sum(d.keep for d in past) <= rules.max_count + exceptions
    if not rules.any:
        assert all(d.keep for d in decisions)


@given(situations(), st.sampled_from(ZONES))
def test_each_period_keeps_its_newest(situation: tuple[list[Candidate], Rules], zone: ZoneInfo) -> None:
    candidates, rules = situation
    past = [d for d in decide(candidates, rules, now=NOW, zone=zone) if d.candidate.time <= NOW]
    days = [d.candidate.time.astimezone(zone).date() for d in past]
    for day in sorted(set(days), reverse=True)[: rules.keep_daily]:
        assert past[days.index(day)].keep
        assert f"kept: daily {day}" in past[days.index(day)].reasons
    years = [day.year for day in days]
    for year in sorted(set(years), reverse=True)[: rules.keep_yearly]:
        assert past[years.index(year)].keep


@given(situations(), st.sampled_from(ZONES))
def test_decide_is_idempotent(situation: tuple[list[Candidate], Rules], zone: ZoneInfo) -> None:
    candidates, rules = situation
    once = [d.candidate for d in decide(candidates, rules, now=NOW, zone=zone) if d.keep]
    again = decide(once, rules, now=NOW, zone=zone)
    assert all(d.keep for d in again)
    assert [d.candidate for d in again] == once


@given(situations())
def test_the_order_given_does_not_matter(situation: tuple[list[Candidate], Rules]) -> None:
    candidates, rules = situation
    assert decide(candidates, rules, now=NOW, zone=BERLIN) == decide(candidates[::-1], rules, now=NOW, zone=BERLIN)
