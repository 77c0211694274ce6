"""The comparison of a configuration before and after a change: does it keep fewer backups, or do they hold less?

Retention deletes backups that a configuration does not keep any more. Data that it does not hold any more is in no new
backup, and is lost with the last old one. If deleting takes two people, such a change must not be a way around that.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from typing import Final, Self

from ..models import BackupConfiguration, BackupType, ConfigurationStatus, Frequency
from ..policies.schedule import PERIODS

_NUMBERS: Final = ("retention_days", "max_backups", "keep_daily", "keep_weekly", "keep_monthly", "keep_yearly")
_WHOLE: Final = frozenset({"database", "dump", "files"})
_HOLDS: Final = {
    BackupType.DATABASE: frozenset({"database", "dump"}),
    BackupType.FILES: frozenset({"files"}),
    # Rows only: a dump has functions, views and grants as well.
    BackupType.EXPORT: frozenset({"database", "files"}),
}
_MONTH: Final = timedelta(days=28)


@dataclasses.dataclass(frozen=True, slots=True)
class RetentionTerms:
    """The values of a configuration that decide what its backups hold and how long they are kept.

    `runs` is the number of runs in four weeks, `span` the time for which its backups are kept at that rate.
    """

    numbers: dict[str, int]
    holds: frozenset[str]
    include: frozenset[str]
    exclude: frozenset[str]
    runs: float
    span: timedelta
    schedule: str
    is_on: bool
    is_ad_hoc: bool
    place: tuple[str, bool]
    minutes: int | None

    @classmethod
    def of(cls, row: BackupConfiguration) -> Self:
        """Return the present terms of a row, which a later change of the row does not affect."""
        runs = _runs_in_four_weeks(row)
        kept = timedelta(days=row.retention_days)
        return cls(
            numbers={name: getattr(row, name) for name in _NUMBERS},
            holds=_HOLDS.get(BackupType(row.backup_type), _WHOLE),
            include=frozenset(row.include),
            exclude=frozenset(row.exclude),
            runs=runs,
            span=min(kept, row.max_backups * _MONTH / runs) if runs else kept,
            schedule=row.frequency,
            is_ad_hoc=row.is_ad_hoc,
            is_on=row.is_enabled and row.status == ConfigurationStatus.ACTIVE,
            place=(row.storage_path, row.encryption_enabled),
            minutes=row.time_limit_minutes,
        )

    def reductions_in(self, after: RetentionTerms) -> Iterator[tuple[str, str]]:
        """Yield the fields by which a change reduces the terms, each with the consequence."""
        for name, number in self.numbers.items():
            if after.numbers[name] < number:
                yield name, "backups that are kept now would be removed"
        if not after.holds >= self.holds:
            yield "backup_type", f"new backups would lack the {sorted(self.holds - after.holds)[0]}"
        if after.include != self.include and after.include and not (self.include and after.include >= self.include):
            yield "include", "new backups would lack data that is included now"
        if not after.exclude <= self.exclude:
            yield "exclude", "new backups would lack data that is not excluded now"
        yield from self._fewer_runs(after)
        if after.place != self.place:
            name = "storage_path" if after.place[0] != self.place[0] else "encryption_enabled"
            yield name, "new backups would go to another repository, while the ones in this one get old and are removed"
        if after.minutes is not None and (self.minutes is None or after.minutes < self.minutes):
            yield "time_limit_minutes", "jobs that succeed now could time out"

    def _fewer_runs(self, after: RetentionTerms) -> Iterator[tuple[str, str]]:
        if self.is_on and not after.is_on:
            yield "is_enabled", "no new backups would be made by schedule"
        if after.is_ad_hoc and not self.is_ad_hoc:
            yield "is_ad_hoc", "the clean-up could remove it, and no new backups would be made"
        name = "frequency" if after.schedule != self.schedule else "schedule_days"
        if after.runs < self.runs:
            yield name, "backups would be made less often"
        elif after.span < self.span and after.runs != self.runs:
            days = after.span / timedelta(days=1)
            yield name, f"backups older than {days:.1f} days would be removed, because of max_backups"


def _runs_in_four_weeks(row: BackupConfiguration) -> float:
    """Return the number of runs of a schedule in four weeks, also of a disabled one."""
    if row.frequency == Frequency.WEEKLY:
        return 4.0 * len(row.schedule_days)
    period = PERIODS.get(row.frequency)
    return 0.0 if period is None else _MONTH / period
