"""Retention rules by age, count and period, for any objects that have a time.

No I/O: nothing is read or removed. `decide` says for each candidate whether it is kept, with the reasons in words.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta, tzinfo

MOST_RECENT = "the most recent one"
"""The reason to keep the newest candidate, whatever the rules say."""
_DAY = timedelta(days=1)


@dataclasses.dataclass(frozen=True, slots=True)
class Rules:
    """The retention rules. None, or 0 for `keep_…`, is a rule that is not set; without any rule everything is kept.

    `max_age` removes candidates that are strictly older; `max_count` removes all but the most recent ones. `keep_…` are
    exceptions: in each of the last N days, ISO weeks, months or years that have a candidate, the newest one is kept.
    If only `keep_…` is set, everything else is removed. Raises ValueError for an invalid rule.
    """

    max_age: timedelta | None = None
    max_count: int | None = None
    keep_daily: int = 0
    keep_weekly: int = 0
    keep_monthly: int = 0
    keep_yearly: int = 0

    def __post_init__(self) -> None:
        if self.max_age is not None and self.max_age <= timedelta(0):
            raise ValueError(f"A maximum age of {self.max_age} keeps nothing. Use a positive age.")
        if self.max_count is not None and self.max_count <= 0:
            raise ValueError(f"A maximum count of {self.max_count} keeps nothing. Use 1 or more.")
        if min(self.keep_daily, self.keep_weekly, self.keep_monthly, self.keep_yearly) < 0:
            raise ValueError("The number of days, weeks, months or years to keep cannot be negative.")

    @property
    def keeps_periods(self) -> bool:
        """Return whether any of `keep_…` is set."""
        return bool(self.keep_daily or self.keep_weekly or self.keep_monthly or self.keep_yearly)

    @property
    def any(self) -> bool:
        """Return whether any rule is set."""
        return self.max_age is not None or self.max_count is not None or self.keeps_periods


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """An object that the rules may remove. `protected` is the reason why it must be kept, or empty.

    Raises ValueError for a `time` without a time zone.
    """

    key: str
    time: datetime
    protected: str = ""

    def __post_init__(self) -> None:
        if self.time.utcoffset() is None:
            raise ValueError(f"The time of {self.key} has no time zone.")


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """Whether a candidate is kept, with the reasons in words."""

    candidate: Candidate
    keep: bool
    reasons: tuple[str, ...]


def decide(
    candidates: Collection[Candidate], rules: Rules, *, now: datetime, zone: tzinfo, keep_latest: bool = True
) -> list[Decision]:
    """Decide which candidates are kept, newest first. Of equal times the greater key is the newer.

    The most recent candidate is always kept, unless `keep_latest` is False because the caller keeps a better one. A
    protected candidate is kept too, and counts towards `max_count` like any other.
    A candidate with a time after `now` (a clock has jumped) is kept, but it is not counted, not the newest of a period
    and not the most recent one. `zone` is the time zone in which days, weeks, months and years begin.
    """
    current = _instant(now)
    ordered = sorted(candidates, key=lambda candidate: (_instant(candidate.time), candidate.key), reverse=True)
    ahead = [candidate for candidate in ordered if _instant(candidate.time) > current]
    past = ordered[len(ahead) :]
    kept_for = _periods(past, rules, zone)
    decisions = [Decision(candidate, True, _staying(candidate, ["its time lies in the future"])) for candidate in ahead]
    within = _within(rules)
    for place, candidate in enumerate(past):
        staying = _staying(candidate, kept_for.get(candidate.key, []))
        if place == 0 and keep_latest:
            staying = (MOST_RECENT, *staying)
        going = _going(current - _instant(candidate.time), place, rules)
        keep = bool(staying) or not going
        decisions.append(Decision(candidate, keep, staying or going or within))
    return decisions


def _staying(candidate: Candidate, reasons: list[str]) -> tuple[str, ...]:
    return (*reasons, candidate.protected) if candidate.protected else tuple(reasons)


def _going(age: timedelta, place: int, rules: Rules) -> tuple[str, ...]:
    reasons = []
    if rules.max_age is not None and age > rules.max_age:
        reasons.append(f"older than {_span(rules.max_age)}")
    if rules.max_count is not None and place >= rules.max_count:
        reasons.append(f"beyond the {rules.max_count} most recent")
    if rules.max_age is None and rules.max_count is None and rules.keeps_periods:
        reasons.append("in no period that is kept")
    return tuple(reasons)


def _within(rules: Rules) -> tuple[str, ...]:
    reasons = []
    if rules.max_age is not None:
        reasons.append(f"not older than {_span(rules.max_age)}")
    if rules.max_count is not None:
        reasons.append(f"among the {rules.max_count} most recent")
    return tuple(reasons) or ("no rule is set",)


def _periods(newest_first: list[Candidate], rules: Rules, zone: tzinfo) -> dict[str, list[str]]:
    """Return the candidates that are kept for a period, by key, with the reasons."""
    naming: list[tuple[int, Callable[[datetime], str]]] = [
        (rules.keep_daily, lambda at: f"daily {at.year:04d}-{at.month:02d}-{at.day:02d}"),
        (rules.keep_weekly, _week),
        (rules.keep_monthly, lambda at: f"monthly {at.year:04d}-{at.month:02d}"),
        (rules.keep_yearly, lambda at: f"yearly {at.year:04d}"),
    ]
    kept: dict[str, list[str]] = {}
    for count, name in naming:
        seen: set[str] = set()
        for candidate in newest_first:
            if len(seen) >= count:
                break
            period = name(_local(candidate.time, zone))
            if period not in seen:
                seen.add(period)
                kept.setdefault(candidate.key, []).append(f"kept: {period}")
    return kept


def _week(at: datetime) -> str:
    year, week, _ = at.isocalendar()
    return f"weekly {year:04d}-W{week:02d}"


def _instant(time: datetime) -> datetime:
    """Convert to UTC. Python compares two times of one zone by wall clock, which summer time shifts."""
    return _local(time, UTC)


def _local(time: datetime, zone: tzinfo) -> datetime:
    try:
        return time.astimezone(zone)
    except OverflowError:
        # Within a day of the year 1 or 9999, where no zone matters.
        return time.replace(tzinfo=zone)


def _span(age: timedelta) -> str:
    for length, unit in ((_DAY, "day"), (timedelta(hours=1), "hour"), (timedelta(seconds=1), "second")):
        count, rest = divmod(age, length)
        if not rest:
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return str(age)
