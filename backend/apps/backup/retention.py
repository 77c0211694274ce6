"""Which backups retention removes, and why: a plan, made from the ledger alone, that changes nothing.

By age and by number, whichever hits first, for each configuration by itself; the periods that are kept besides are
exceptions to both. Only good backups count: what failed, is incomplete or damaged pushes nothing out, and goes by age
or number of its own kind. The last good backup of a configuration, pinned ones, and those that a running restore needs
always stay, and so does a package that somebody had written outside of the backup storage. Backups without a
configuration (ad-hoc ones, those made before a restore, those of a deleted configuration) have no policy, and stay
until somebody removes them.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from strongroom.retention import Candidate, Decision, Rules, decide

from .ledger import ledger_access, ledger_alias
from .models import BackupConfiguration, BackupJob, JobStatus, RestoreJob, RestoreStatus, Trust
from .selectors import HAS_BACKUP
from .services.slots import schedule_zone
from .storage import is_stored_package

_ENDED = (JobStatus.COMPLETED, JobStatus.INCOMPLETE, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.TIMEOUT)
_DOUBTFUL = "not a good backup"


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one backup, and why."""

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


@dataclasses.dataclass(frozen=True, slots=True)
class _Stored:
    """A stored backup as the ledger has it."""

    uuid: uuid.UUID
    configuration_id: int
    job_name: str
    started_at: datetime | None
    queued_at: datetime
    status: str
    trust: str
    is_pinned: bool
    pin_reason: str
    backup_file_path: str

    @property
    def good(self) -> bool:
        return self.status == JobStatus.COMPLETED and self.trust != Trust.DAMAGED

    @property
    def taken_at(self) -> datetime:
        return self.started_at or self.queued_at


_COLUMNS = tuple(field.name for field in dataclasses.fields(_Stored))


def rules_of(configuration: BackupConfiguration) -> Rules:
    """The rules that a configuration sets."""
    return Rules(
        max_age=timedelta(days=configuration.retention_days),
        max_count=configuration.max_backups,
        keep_daily=configuration.keep_daily,
        keep_weekly=configuration.keep_weekly,
        keep_monthly=configuration.keep_monthly,
        keep_yearly=configuration.keep_yearly,
    )


def plan_retention(*, now: datetime, only: Iterable[int] | None = None) -> list[Verdict]:
    """What becomes of every stored backup that has a configuration; of some configurations alone with `only`, their
    primary keys. The same number of queries however many there are."""
    with ledger_access("planning the retention"):
        configurations = BackupConfiguration.objects.using(ledger_alias())
        jobs = BackupJob.objects.using(ledger_alias()).filter(HAS_BACKUP, status__in=_ENDED)
        if only is not None:
            chosen = list(only)
            configurations = configurations.filter(pk__in=chosen)
            jobs = jobs.filter(configuration__in=chosen)
        stored: dict[int, list[_Stored]] = {row.pk: [] for row in configurations}
        for values in jobs.filter(configuration__isnull=False).values_list(*_COLUMNS).iterator():
            one = _Stored(*values)
            stored.setdefault(one.configuration_id, []).append(one)
        needed = _needed_by_restores()
    verdicts: list[Verdict] = []
    for configuration in configurations:
        verdicts += _of_configuration(configuration, stored[configuration.pk], needed, now)
    return verdicts


def _of_configuration(
    configuration: BackupConfiguration, stored: list[_Stored], needed: Mapping[uuid.UUID, uuid.UUID], now: datetime
) -> list[Verdict]:
    rules, by_key = rules_of(configuration), {str(one.uuid): one for one in stored}
    good = [one for one in stored if one.good]
    doubtful = [one for one in stored if not one.good]
    decisions = _decide(good, rules, needed, now)
    newest = max(good, key=lambda one: (one.taken_at, str(one.uuid)), default=None)
    if newest is None:
        decisions += _decide(doubtful, rules, needed, now)
    elif doubtful:
        # The good one takes the place of the one that always stays, and is not counted: hence one more.
        wider = dataclasses.replace(rules, max_count=(rules.max_count or 0) + 1)
        older = [one for one in doubtful if one.taken_at <= newest.taken_at]
        younger = [one for one in doubtful if one.taken_at > newest.taken_at]
        decisions += [
            dataclasses.replace(decision, reasons=(*decision.reasons, _DOUBTFUL))
            for decision in _decide([*older, newest, *younger], wider, needed, now)
            if decision.candidate.key != str(newest.uuid)
        ]
    return [_verdict(configuration, by_key[decision.candidate.key], decision) for decision in decisions]


def _decide(
    stored: list[_Stored], rules: Rules, needed: Mapping[uuid.UUID, uuid.UUID], now: datetime
) -> list[Decision]:
    candidates = [Candidate(str(one.uuid), one.taken_at, _protection(one, needed)) for one in stored]
    return decide(candidates, rules, now=now, zone=schedule_zone())


def _protection(one: _Stored, needed: Mapping[uuid.UUID, uuid.UUID]) -> str:
    if one.is_pinned:
        return f"pinned: {one.pin_reason}" if one.pin_reason else "pinned"
    if one.backup_file_path and not is_stored_package(Path(one.backup_file_path)):
        return "a file outside of the backup storage"
    restore = needed.get(one.uuid)
    return f"needed by the running restore {restore}" if restore else ""


def _needed_by_restores() -> dict[uuid.UUID, uuid.UUID]:
    running = RestoreJob.objects.using(ledger_alias()).filter(
        status__in=[RestoreStatus.PENDING, RestoreStatus.RUNNING], backup_job__isnull=False
    )
    return dict(running.values_list("backup_job__uuid", "uuid"))


def _verdict(configuration: BackupConfiguration, one: _Stored, decision: Decision) -> Verdict:
    return Verdict(
        job=one.uuid,
        job_name=one.job_name,
        configuration=configuration.name,
        taken_at=one.taken_at,
        keep=decision.keep,
        reasons=decision.reasons,
    )
