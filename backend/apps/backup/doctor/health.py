"""The health of the backups, by somebody who does not depend on the scheduler: everything is measured when it is asked.

The same number of queries however many configurations and jobs there are.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from .. import conf, periodic, selectors
from ..damages import damages_open, doubts_count
from ..messages import HAS_CELERY
from ..models import BackupConfiguration, Executor
from ..remembering import Remembered
from ..retention import plan_retention
from ..selectors import ConfigurationState
from ..services.executors import executors_alive
from ..services.removals import prunes_latest, removals_unfinished
from . import brokers, damage, disks, equipment, freshness
from .disks import Space
from .findings import Finding, Severity
from .freshness import hours
from .verdict import Verdict, judge

_LATELY = timedelta(days=2)
_GROWTH = timedelta(days=30)
_KEPT_SECONDS = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class ConfigurationHealth:
    """How fresh the backups of a configuration are, in hours; None for what never was.

    `late_since` is when it broke the promise of its schedule, `fresh_until` when it will, or would have.
    """

    uuid: uuid.UUID
    name: str
    state: str
    good_at: datetime | None
    fresh_until: datetime | None
    late_since: datetime | None
    good: float | None
    verified: float | None
    proven: float | None
    missed: int
    failed: int
    next_slot: datetime | None


@dataclasses.dataclass(frozen=True, slots=True)
class Health:
    """Everything at one moment. `severity` is that of the worst finding."""

    at: datetime
    findings: tuple[Finding, ...]
    configurations: tuple[ConfigurationHealth, ...]
    executors: tuple[str, ...]
    space: Space
    verdict: Verdict

    @property
    def severity(self) -> Severity:
        return max((finding.severity for finding in self.findings), default=Severity.OK)


def examine(*, now: datetime) -> Health:
    """Look at everything. Raises `SettingsInvalid`, `LedgerUnavailable`."""
    conf.load()
    states = selectors.configuration_states(since=now - _LATELY, now=now)
    alive = executors_alive(now=now)
    seen = disks.space(daily=selectors.daily_growth(since=now - _GROWTH, now=now))
    scheduled = [one.configuration for one in states if one.configuration.runs_by_schedule]
    findings = [
        *equipment_findings(deploy=True),
        *_executors(alive, scheduled=bool(scheduled)),
        *_beat(scheduled, now),
        *freshness.freshness_findings(states, now=now),
        *freshness.stuck_findings(selectors.jobs_unfinished(), now=now),
        *freshness.retention_findings(
            plan_retention(now=now - _LATELY, going_only=True),
            len(removals_unfinished()),
            states,
            since=now - _LATELY,
        ),
        *freshness.prune_findings(prunes_latest(), now=now),
        *damage.damage_findings(damages_open(), doubts_count()),
        *disks.space_findings(seen),
    ]
    found = tuple(sorted(findings, key=lambda finding: (-finding.severity, finding.id, finding.subject)))
    return Health(
        at=now,
        findings=found,
        configurations=tuple(_of(one, now) for one in states),
        executors=tuple(f"{one} (sign of life {(now - one.beat_at).total_seconds():.0f} s ago)" for one in alive),
        space=seen,
        verdict=judge(states, found, now=now),
    )


def health() -> Health:
    """What was seen within the last seconds. Raises `SettingsInvalid`, `LedgerUnavailable`."""
    return _remembered.get("all")


def forget_health() -> None:
    """Look anew."""
    _remembered.forget()


_remembered: Remembered[str, Health] = Remembered(lambda _key, now: examine(now=now), seconds=_KEPT_SECONDS)


def equipment_findings(*, deploy: bool) -> Iterator[Finding]:
    """What can be seen without the ledger; with `deploy` also what takes a connection, or does not matter to a
    developer."""
    yield from equipment.ledger_findings()
    yield from equipment.passphrase_findings()
    yield from disks.storage_findings()
    yield from disks.root_findings()
    yield from equipment.client_findings(ask_servers=deploy)
    yield from equipment.kind_findings()
    yield from equipment.restore_findings()
    if brokers.uses_celery():
        yield from brokers.scheduler_findings()
    if deploy:
        yield from disks.placement_findings()


def executor_findings_now(*, now: datetime) -> Iterator[Finding]:
    """What is wrong with whoever should run the jobs."""
    return _executors(executors_alive(now=now), scheduled=selectors.schedule_shortest() is not None)


def _executors(alive: Sequence[Executor], *, scheduled: bool) -> Iterator[Finding]:
    yield from freshness.executor_findings(conf.load().executor, alive, scheduled=scheduled)
    if brokers.uses_celery() and HAS_CELERY:
        yield from brokers.worker_findings(alive)


def _beat(scheduled: list[BackupConfiguration], now: datetime) -> Iterator[Finding]:
    if brokers.uses_celery() and periodic.installed():
        yield from brokers.beat_findings(scheduled, now=now)


def _of(one: ConfigurationState, now: datetime) -> ConfigurationHealth:
    row = one.configuration
    return ConfigurationHealth(
        uuid=row.uuid,
        name=row.name,
        good_at=one.last_good,
        fresh_until=freshness.fresh_until(one) if row.runs_by_schedule else None,
        late_since=freshness.late_since(one, now=now) if row.runs_by_schedule else None,
        state="scheduled" if row.runs_by_schedule else "on demand" if row.is_enabled else "disabled",
        good=hours(now, one.last_good),
        verified=hours(now, one.last_verified),
        proven=hours(now, one.last_proven),
        missed=one.missed,
        failed=one.failed,
        next_slot=row.next_slot if row.runs_by_schedule else None,
    )
