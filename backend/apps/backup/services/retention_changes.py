"""Whether a change of a configuration has it keep or hold less than before.

Retention deletes what a configuration does not keep any more. What it does not hold any more is in no new backup, and
goes with the last of the old ones. Where deleting takes two people, such a change is a deletion by another name.
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
    # Rows alone: a dump has functions, views and rights as well.
    BackupType.EXPORT: frozenset({"database", "files"}),
}
_MONTH: Final = timedelta(days=28)


@dataclasses.dataclass(frozen=True, slots=True)
class Keeping:
    """What a configuration keeps and holds, by the settings that say so.

    `runs` is how often it runs in four weeks, `span` how long its backups are kept at that rate.
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
        """As the row has it now; a later change of the row does not reach it."""
        runs = _runs(row)
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

    def less_in(self, after: Keeping) -> Iterator[tuple[str, str]]:
        """The fields by which a change makes it less, each with what would come of it."""
        for name, number in self.numbers.items():
            if after.numbers[name] < number:
                yield name, "backups would be removed that are kept now"
        if not after.holds >= self.holds:
            yield "backup_type", f"new backups would lack the {sorted(self.holds - after.holds)[0]}"
        if after.include != self.include and after.include and not (self.include and after.include >= self.include):
            yield "include", "new backups would lack what is included now"
        if not after.exclude <= self.exclude:
            yield "exclude", "new backups would lack what is not excluded now"
        yield from self._seldom(after)
        if after.place != self.place:
            name = "storage_path" if after.place[0] != self.place[0] else "encryption_enabled"
            yield name, "new backups would go to another repository, while the ones in this one get old and are removed"
        if after.minutes is not None and (self.minutes is None or after.minutes < self.minutes):
            yield "time_limit_minutes", "jobs that succeed now could be cut off"

    def _seldom(self, after: Keeping) -> Iterator[tuple[str, str]]:
        if self.is_on and not after.is_on:
            yield "is_enabled", "no new backups would be made by schedule"
        if after.is_ad_hoc and not self.is_ad_hoc:
            yield "is_ad_hoc", "the clean-up could remove it, and no new backups would be made"
        name = "frequency" if after.schedule != self.schedule else "schedule_days"
        if after.runs < self.runs:
            yield name, "backups would be made less often"
        elif after.span < self.span and after.runs != self.runs:
            days = after.span / timedelta(days=1)
            yield name, f"max_backups would push out what is older than {days:.1f} days"


def _runs(row: BackupConfiguration) -> float:
    """How often a schedule runs in four weeks, whether or not it is switched on."""
    if row.frequency == Frequency.WEEKLY:
        return 4.0 * len(row.schedule_days)
    period = PERIODS.get(row.frequency)
    return 0.0 if period is None else _MONTH / period
