"""Plan which backups retention removes, and why. The plan is made from the catalogue alone and changes nothing.

For each configuration by itself, a backup goes by age or by number, whichever applies first; daily, weekly, monthly
and yearly backups to keep are exceptions to both. Only good backups count: failed, incomplete or damaged ones never
replace a good one, and follow the same rules among themselves. A backup is counted with those that hold at least as
much: one with fewer databases or file roots, or with more exclude patterns, never replaces one that holds more.

These backups always stay: the last good one of each such scope, unless a newer one holds at least as much; the last of
those that are not good, if it is newer than the last good one; pinned ones; those that a running restore needs; and
packages written outside of the backup storage. Backups without a configuration (ad-hoc ones, those made before a
restore, those of a deleted configuration) have no policy, and stay until a user removes them.
"""

from __future__ import annotations

import dataclasses
import os
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from django.db.models import Count, Min, Q, QuerySet
from django.db.models.functions import Coalesce

from strongroom.retention import MOST_RECENT, Candidate, Decision, Rules, decide

from ..core.timezones import with_offset
from ..ledger import ledger_access, ledger_alias
from ..models import BackupConfiguration, BackupJob, JobStatus, RehearsalState, RestoreJob, RestoreStatus, Trust
from ..policies.schedule import schedule_zone
from ..selectors import HAS_BACKUP, jobs_around, schedule_shortest
from ..storage.packages import is_package_folder
from .scope import Scope

_ENDED = (JobStatus.COMPLETED, JobStatus.INCOMPLETE, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.TIMEOUT)
_DOUBTFUL = "not a good backup"
_MOST_NAMED = 500
"""Configurations that one query names; for more, all configurations are read."""

_SILENCE = timedelta(days=3)
_SETTLED = timedelta(hours=12)


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """The decision on one backup, and the reasons."""

    job: uuid.UUID
    job_name: str
    configuration: str
    taken_at: datetime
    keep: bool
    reasons: tuple[str, ...]

    @property
    def reason(self) -> str:
        """The reasons in one line."""
        return ", ".join(self.reasons)


class _Stored(NamedTuple):
    """A stored backup as the catalogue has it."""

    uuid: uuid.UUID
    configuration_id: int
    job_name: str
    backup_type: str
    taken_at: datetime
    status: str
    trust: str
    rehearsal_state: str
    is_pinned: bool
    pin_reason: str
    backup_file_path: str
    scope: Scope

    @property
    def good(self) -> bool:
        is_restorable = self.trust != Trust.DAMAGED and self.rehearsal_state != RehearsalState.FAILED
        return self.status == JobStatus.COMPLETED and is_restorable

    def order(self) -> tuple[datetime, str]:
        """Return the sort key of a backup: newer ones are greater."""
        return self.taken_at, str(self.uuid)


_COLUMNS: Final = _Stored._fields[:-1]


def rules_of(configuration: BackupConfiguration) -> Rules:
    """Return the rules that a configuration sets."""
    return Rules(
        max_age=timedelta(days=configuration.retention_days),
        max_count=configuration.max_backups,
        keep_daily=configuration.keep_daily,
        keep_weekly=configuration.keep_weekly,
        keep_monthly=configuration.keep_monthly,
        keep_yearly=configuration.keep_yearly,
    )


def plan_retention(
    *,
    now: datetime,
    only: Iterable[int] | None = None,
    going_only: bool = False,
    absent: Q | None = None,
    changed: Mapping[int, Rules] | None = None,
) -> list[Verdict]:
    """Decide on each stored backup that has a configuration, with a fixed number of queries.

    `only` limits it to the configurations with these primary keys. With `going_only`, configurations without a backup
    to remove are left out: mostly that is nearly all of them. Backups that meet the condition `absent` are not in the
    storage: they are neither removed nor counted. `changed` has rules that are not saved, by primary key.
    """
    with ledger_access("planning the retention"):
        configurations = BackupConfiguration.objects.using(ledger_alias())
        jobs = BackupJob.objects.using(ledger_alias()).filter(
            HAS_BACKUP, status__in=_ENDED, configuration__isnull=False
        )
        if absent is not None:
            jobs = jobs.exclude(absent)
        if only is not None:
            configurations = configurations.filter(pk__in=list(only))
        rows = {row.pk: row for row in configurations}
        if only is not None or going_only:
            chosen = _exceeding(rows, jobs, now) if going_only else list(rows)
            rows = {key: row for key, row in rows.items() if key in chosen}
            if len(chosen) < _MOST_NAMED:
                jobs = jobs.filter(configuration__in=chosen)
        stored: dict[int, list[_Stored]] = {key: [] for key in rows}
        taken = jobs.annotate(taken_at=Coalesce("started_at", "queued_at"))
        for *values, manifest, request in taken.values_list(*_COLUMNS, "manifest", "settings").iterator():
            backup_type = values[_COLUMNS.index("backup_type")]
            scope = Scope.of_backup(backup_type, manifest, request.get("exclude", ()))
            one = _Stored._make((*values, scope))
            if one.configuration_id in stored:
                stored[one.configuration_id].append(one)
        protections = _Protections()
    verdicts: list[Verdict] = []
    for key, configuration in rows.items():
        rules = (changed or {}).get(key, rules_of(configuration))
        verdicts += _of_configuration(configuration, rules, stored[key], protections, now)
    return verdicts


def _exceeding(rows: Mapping[int, BackupConfiguration], jobs: QuerySet[BackupJob], now: datetime) -> set[int]:
    """Return the configurations that have more backups, or older ones, than their rules allow."""
    taken = Coalesce("started_at", "queued_at")
    sums = jobs.order_by().values_list("configuration_id").annotate(count=Count("pk"), oldest=Min(taken))
    return {
        key
        for key, count, oldest in sums
        if key in rows and (count > rows[key].max_backups or now - oldest > timedelta(days=rows[key].retention_days))
    }


def trusted_now(*, now: datetime) -> datetime:
    """Return the time from which automatic removals compute ages: not later than the catalogue makes plausible.

    A clock that jumps ahead would make all backups too old at once. If no job ran for far longer than the schedules
    allow, as after such a jump or while the machine was off, ages are computed for half a day from the last job plus
    the time that the schedules allow.
    """
    shortest = schedule_shortest()
    before, after = jobs_around(now - _SETTLED, until=now)
    if shortest is None or before is None:
        return now
    allowed = max(_SILENCE, 2 * shortest)
    return before + allowed if (after or now) - before > allowed else now


def _of_configuration(
    configuration: BackupConfiguration, rules: Rules, stored: list[_Stored], protections: _Protections, now: datetime
) -> list[Verdict]:
    by_key = {str(one.uuid): one for one in stored}
    good = [one for one in stored if one.good]
    doubtful = [one for one in stored if not one.good]
    # A backup with a time in the future is not the last good one: the clock was wrong when it was made.
    last_good = max((one.taken_at for one in good if one.taken_at <= now), default=None)
    newer = last_good is None or any(last_good < one.taken_at <= now for one in doubtful)
    decisions = _decide_by_scope(good, rules, protections, now)
    decisions += [
        dataclasses.replace(decision, reasons=(*decision.reasons, _DOUBTFUL))
        for decision in _decide(doubtful, rules, protections, now, keep_latest=newer)
    ]
    return [_verdict(configuration, by_key[decision.candidate.key], decision) for decision in decisions]


def _decide_by_scope(good: list[_Stored], rules: Rules, protections: _Protections, now: datetime) -> list[Decision]:
    """Decide on each backup among those that hold at least as much as it does."""
    scopes = {one.scope for one in good}
    if len(scopes) <= 1:
        return _decide(good, rules, protections, now, keep_latest=True)
    by_key = {str(one.uuid): one for one in good}
    past = [one for one in good if one.taken_at <= now]
    last = max(past, key=_Stored.order, default=None)
    decisions: list[Decision] = []
    for scope in scopes:
        alike = [one for one in good if one.scope.covers(scope)]
        for decision in _decide(alike, rules, protections, now, keep_latest=True):
            one = by_key[decision.candidate.key]
            if one.scope == scope:
                decisions.append(decision if one is last else _explained(decision, one, past))
    return sorted(decisions, key=lambda one: by_key[one.candidate.key].order(), reverse=True)


def _explained(decision: Decision, one: _Stored, past: list[_Stored]) -> Decision:
    """Explain why the last backup of a scope stays: name what newer backups lack."""
    if MOST_RECENT not in decision.reasons:
        return decision
    newer = {other.scope for other in past if other.order() > one.order()}
    explained = f"{MOST_RECENT} of {one.scope.difference_from(newer)}"
    reasons = tuple(explained if reason == MOST_RECENT else reason for reason in decision.reasons)
    return dataclasses.replace(decision, reasons=reasons)


def _decide(
    stored: list[_Stored], rules: Rules, protections: _Protections, now: datetime, *, keep_latest: bool
) -> list[Decision]:
    candidates = [Candidate(str(one.uuid), with_offset(one.taken_at), protections.of(one)) for one in stored]
    return decide(candidates, rules, now=with_offset(now), zone=schedule_zone(), keep_latest=keep_latest)


class _Protections:
    """The backups that must stay regardless of the rules, as the catalogue has them when the object is made."""

    def __init__(self) -> None:
        running = RestoreJob.objects.using(ledger_alias()).filter(
            status__in=[RestoreStatus.PENDING, RestoreStatus.RUNNING], backup_job__isnull=False
        )
        self._needed = dict(running.values_list("backup_job__uuid", "uuid"))
        self._folders: dict[str, bool] = {}

    def of(self, one: _Stored) -> str:
        """Return why a backup must stay; "" if the rules decide."""
        if one.is_pinned:
            return f"pinned: {one.pin_reason}" if one.pin_reason else "pinned"
        if one.backup_file_path and not self._is_ours(one.backup_file_path):
            return "a file outside of the backup storage"
        restore = self._needed.get(one.uuid)
        return f"needed by the running restore {restore}" if restore else ""

    def _is_ours(self, package: str) -> bool:
        folder = os.path.dirname(package)  # noqa: PTH120  for a hundred thousand of them
        if folder not in self._folders:
            self._folders[folder] = is_package_folder(Path(folder))
        return self._folders[folder]


def _verdict(configuration: BackupConfiguration, one: _Stored, decision: Decision) -> Verdict:
    return Verdict(
        job=one.uuid,
        job_name=one.job_name,
        configuration=configuration.name,
        taken_at=one.taken_at,
        keep=decision.keep,
        reasons=decision.reasons,
    )
