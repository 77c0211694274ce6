"""Examine the health of the backups. Every call measures anew and does not depend on the scheduler.

The number of queries does not depend on the number of configurations and jobs.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from .. import conf, selectors
from ..backups.presence import Presence, presence_now
from ..core.cache import TtlCache
from ..errors import LedgerUnavailable, SettingsInvalid
from ..executors.celery_messages import HAS_CELERY
from ..models import Acknowledgement, BackupConfiguration, Executor
from ..retention.plan import plan_retention
from ..selectors import ConfigurationState
from ..selectors.damages import damaged_otherwise, damages_open, doubts_count
from ..selectors.executors import executors_alive
from ..selectors.removals import prunes_latest, removals_unfinished
from ..services import celery_beat as periodic
from . import addresses, brokers, coverage, damage, disks, freshness, storages
from . import environment as equipment
from . import latest_runs as runs
from . import uncaptured as outside
from .disks import Space
from .findings import Acknowledged, Finding, Severity
from .freshness import hours
from .isolation import failed, isolated
from .protection_status import Protection, Verdict, judge
from .rehearsals import rehearsal_findings

_LATELY = timedelta(days=2)
_GROWTH = timedelta(days=30)
_KEPT_SECONDS = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class ConfigurationHealth:
    """The age of the backups of a configuration, in hours; None if there never was one.

    `late_since` is when the schedule's promise was broken, `fresh_until` when it will be, or would have been.
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


_LEAST: Final = {
    Protection.PROTECTED: Severity.OK,
    Protection.AT_RISK: Severity.WARNING,
    Protection.UNPROTECTED: Severity.CRITICAL,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Health:
    """All results of one examination. `findings` are open; `acknowledged` ones do not change the verdict.

    `severity` is that of the worst open finding, but at least that of the protection status: CRITICAL if UNPROTECTED,
    WARNING if AT_RISK. `space` is None if it is unknown.
    """

    at: datetime
    findings: tuple[Finding, ...]
    acknowledged: tuple[Finding, ...]
    configurations: tuple[ConfigurationHealth, ...]
    executors: tuple[str, ...]
    space: Space | None
    verdict: Verdict

    @property
    def severity(self) -> Severity:
        worst = max((finding.severity for finding in self.findings), default=Severity.OK)
        return max(worst, _LEAST[self.verdict.state])


def examine(*, now: datetime, deep: bool = False) -> Health:
    """Run all checks. Raises `SettingsInvalid`, `LedgerUnavailable`.

    With `deep`, also read the values of text columns, as backups do. Otherwise report what the newest backup found.

    An unexpected error of a check becomes a finding of severity UNKNOWN.
    """
    conf.load()
    present, unseen = _present()
    states = selectors.configuration_states(since=now - _LATELY, now=now, absent=present.absent())
    alive = executors_alive(now=now)
    scheduled = [one.configuration for one in states if one.configuration.runs_by_schedule]
    space, little = _space(now)
    latest = selectors.configurations_latest(scheduled, absent=present.absent(), now=now, of_runs=True)
    newest = selectors.runs_latest(absent=present.absent(), now=now)
    seen = [
        *unseen,
        *little,
        *equipment_findings(deploy=True),
        *isolated("stored backups", lambda: storages.presence_findings(present)),
        *isolated("packs", lambda: storages.unseen_findings(present, now=now)),
        *isolated("sealed packages", lambda: storages.package_findings(present)),
        *isolated("passphrase", lambda: storages.passphrase_findings(alive, scheduled)),
        *isolated("changes of keys", storages.key_findings),
        *_executors(alive, scheduled=bool(scheduled)),
        *isolated("Celery Beat", lambda: _beat(scheduled, now)),
        *isolated("schedules", lambda: freshness.freshness_findings(states, latest, since=now - _LATELY, now=now)),
        *isolated("latest runs", lambda: runs.run_findings(scheduled, latest, newest, now=now)),
        *isolated("space for the next runs", lambda: runs.fit_findings(scheduled, latest, now=now)),
        *isolated("types of schedules", lambda: coverage.type_findings(scheduled)),
        *isolated("content of scheduled backups", lambda: coverage.held_findings(scheduled, latest)),
        *isolated("files that rows name", lambda: outside.column_findings(deep=deep)),
        *isolated("rehearsals", rehearsal_findings),
        *isolated("jobs", lambda: freshness.stuck_findings(selectors.jobs_unfinished(), now=now)),
        *isolated("retention", lambda: _retention(states, present, now)),
        *isolated("prunes", lambda: freshness.prune_findings(prunes_latest(), now=now)),
        *isolated("damage", lambda: damage.damage_findings(damages_open(), doubts_count())),
        *isolated("damaged backups", lambda: damage.damaged_findings(damaged_otherwise(absent=present.absent()))),
    ]
    findings, known = _divided(seen, selectors.acknowledgements_open(now=now))
    verdict = judge(states, findings, present=present, now=now)
    return Health(
        at=now,
        findings=findings,
        acknowledged=known,
        configurations=tuple(_of(one, now) for one in states),
        executors=tuple(f"{one} (heartbeat {(now - one.beat_at).total_seconds():.0f} s ago)" for one in alive),
        space=space,
        verdict=verdict,
    )


def _divided(
    seen: Sequence[Finding], rows: Sequence[Acknowledgement]
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Split the findings into open and acknowledged ones, the worst first. Only warnings can be acknowledged."""
    words = {(row.kind, row.subject, row.text): Acknowledged(row.uuid, row.who, row.why, row.until) for row in rows}
    found = [
        dataclasses.replace(one, acknowledged=words.get(one.key())) if one.is_warning else one
        for one in sorted(seen, key=_order)
    ]
    return (
        tuple(one for one in found if one.acknowledged is None),
        tuple(one for one in found if one.acknowledged is not None),
    )


def _order(finding: Finding) -> tuple[int, str, str]:
    return -finding.severity, finding.id, finding.subject


def _present() -> tuple[Presence, list[Finding]]:
    """Look for the backups in their storages; if that fails, report no backup as missing, and add a finding."""
    try:
        return presence_now(), []
    except (SettingsInvalid, LedgerUnavailable):
        raise
    except Exception as error:  # noqa: BLE001  see isolation
        return Presence(), [failed("stored backups", error)]


def _space(now: datetime) -> tuple[Space | None, list[Finding]]:
    try:
        seen = disks.space(daily=selectors.daily_growth(since=now - _GROWTH, now=now))
    except OSError as error:
        return None, [failed("free space", error)]
    return seen, list(disks.space_findings(seen))


def _retention(states: Sequence[ConfigurationState], present: Presence, now: datetime) -> Iterator[Finding]:
    since = now - _LATELY
    verdicts = plan_retention(now=since, going_only=True, absent=present.absent())
    return freshness.retention_findings(verdicts, len(removals_unfinished()), states, since=since)


def health() -> Health:
    """Return the result of the last seconds, or examine anew. Raises `SettingsInvalid`, `LedgerUnavailable`."""
    return _cached.get("all")


def forget_health() -> None:
    """Clear the cached result."""
    _cached.forget()


_cached: TtlCache[str, Health] = TtlCache(lambda _key, now: examine(now=now), seconds=_KEPT_SECONDS)


def equipment_findings(*, deploy: bool) -> Iterator[Finding]:
    """Run the checks that need no catalogue, and with `deploy` also those for a connection and for production."""
    yield from isolated("catalogue", equipment.ledger_findings)
    yield from isolated("paths in settings", equipment.setting_path_findings)
    yield from isolated("passphrase", equipment.passphrase_findings)
    yield from isolated("storage", disks.storage_findings)
    yield from isolated("file roots", disks.root_findings)
    yield from isolated("folders of the host", outside.folder_findings)
    yield from isolated("keys of the host", outside.key_findings)
    yield from isolated("database clients", lambda: equipment.client_findings(ask_servers=deploy))
    yield from isolated("databases", equipment.kind_findings)
    yield from isolated("restores", equipment.restore_findings)
    yield from isolated("middleware", equipment.middleware_findings)
    yield from isolated("addresses", addresses.address_findings)
    if brokers.uses_celery():
        yield from isolated("Celery Beat", brokers.scheduler_findings)
    if deploy:
        yield from isolated("placement of the storage", disks.placement_findings)


def executor_findings_now(*, now: datetime) -> list[Finding]:
    """Check the executors that should run the jobs."""
    return _executors(executors_alive(now=now), scheduled=selectors.schedule_shortest() is not None)


def _executors(alive: Sequence[Executor], *, scheduled: bool) -> list[Finding]:
    found = isolated("executor", lambda: freshness.executor_findings(conf.load().executor, alive, scheduled=scheduled))
    if brokers.uses_celery() and HAS_CELERY:
        found += isolated("message broker", lambda: brokers.worker_findings(alive))
    return found


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
