"""Reads of the ledger."""

import dataclasses
import uuid
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet, Sum

from .errors import AmbiguousReference
from .ledger import ledger_access, ledger_alias
from .models import BackupConfiguration, BackupJob, BackupType, JobEvent, JobStatus, Trigger, Trust

STORED_STATUSES = (JobStatus.COMPLETED, JobStatus.INCOMPLETE)
FAILURES = (JobStatus.FAILED, JobStatus.TIMEOUT)
SHORTEST_PREFIX = 4
_MOST_PARENTS = 200
_MOST_SENT = 100
_BATCH = 500

HAS_BACKUP = (~Q(snapshot_id="") | ~Q(backup_file_path="")) & Q(removal_started_at=None)
"""Something is stored, and retention has not begun to remove it."""
_WHOLE_SYSTEM = (BackupType.FULL, BackupType.INCREMENTAL, BackupType.DIFFERENTIAL)


def job_by_uuid(job: uuid.UUID) -> BackupJob | None:
    """The job, or None."""
    with ledger_access("looking for a job"):
        return _jobs().filter(uuid=job).first()


def jobs_by_uuids(jobs: Iterable[uuid.UUID]) -> list[BackupJob]:
    """These jobs, in no particular order; those that are not there are left out."""
    wanted = list(jobs)
    with ledger_access("looking for jobs"):
        found: list[BackupJob] = []
        for start in range(0, len(wanted), _BATCH):
            found += _jobs().filter(uuid__in=wanted[start : start + _BATCH])
        return found


def jobs_newest(
    *,
    limit: int,
    statuses: Collection[str] | None = None,
    configuration: BackupConfiguration | None = None,
    backup_type: str = "",
) -> list[BackupJob]:
    """The newest jobs, of these states, this configuration and this type where they are given."""
    with ledger_access("listing the jobs"):
        rows = _jobs().order_by("-queued_at", "-id").defer("manifest", "problems")
        if statuses:
            rows = rows.filter(status__in=statuses)
        if configuration is not None:
            rows = rows.filter(configuration=configuration)
        if backup_type:
            rows = rows.filter(backup_type=backup_type)
        return list(rows[:limit])


def jobs_unfinished() -> list[BackupJob]:
    """Jobs that wait or run, oldest first; as many as anybody wants to read about."""
    with ledger_access("looking for unfinished jobs"):
        rows = _jobs().filter(status__in=[JobStatus.PENDING, JobStatus.RUNNING]).order_by("queued_at")
        return list(rows[:_MOST_SENT])


def daily_growth(*, since: datetime, now: datetime) -> int | None:
    """What the backups made since then have added to the storage, in bytes a day; None if there are none."""
    with ledger_access("summing up the growth"):
        sums = (
            _jobs()
            .filter(HAS_BACKUP, started_at__gte=since)
            .aggregate(added=Sum("stored_size"), first=Min("started_at"))
        )
    if sums["added"] is None or sums["first"] is None:
        return None
    days = max((now - sums["first"]).total_seconds() / 86_400, 1.0)
    return int(sums["added"] / days)


def job_log(job: BackupJob) -> list[dict[str, str]]:
    """The lines of a job's log, oldest first, with their times in UTC."""
    with ledger_access("reading a job's log"):
        lines = JobEvent.objects.using(ledger_alias()).filter(job=job).order_by("id")
        return [{"at": line.at.isoformat(timespec="seconds"), "text": line.text} for line in lines]


def job_latest() -> tuple[BackupJob | None, BackupJob | None]:
    """The newest job that stored a backup, and the newest job that ended without one since, if there is such.

    Backups of the state before a restore are not meant by "latest": they hold what was just given up.
    """
    with ledger_access("looking for the latest backup"):
        jobs = _jobs().exclude(trigger=Trigger.PRE_RESTORE)
        latest = jobs.filter(HAS_BACKUP, status__in=STORED_STATUSES).order_by("-started_at", "-id").first()
        failed = jobs.filter(status__in=[JobStatus.FAILED, JobStatus.TIMEOUT]).order_by("-queued_at", "-id").first()
        if latest is not None and failed is not None and failed.queued_at <= latest.queued_at:
            failed = None
        return latest, failed


def job_of_package(path: str) -> BackupJob | None:
    """The job that wrote this package, or None."""
    with ledger_access("looking for the job of a package"):
        return _jobs().filter(backup_file_path=path).order_by("-started_at", "-id").first()


def job_matching(text: str) -> BackupJob | None:
    """The one job that a uuid, an unambiguous prefix of its uuid or snapshot id, or its name stands for, or None.

    Raises `AmbiguousReference` that lists the candidates.
    """
    with ledger_access("looking for a job"):
        exact = _jobs().filter(job_name=text)[:2]
        matches = list(exact) or list(_by_prefix(text))
    if len(matches) > 1:
        shown = ", ".join(f"{job.uuid} ({job.job_name})" for job in matches)
        raise AmbiguousReference(f"Several jobs answer to {text!r}: {shown}; give more of the uuid.")
    return matches[0] if matches else None


def job_parent_candidates(job: BackupJob) -> list[BackupJob]:
    """Good backups of the same configuration that an INCREMENTAL or DIFFERENTIAL job may build on, newest first.

    An ad-hoc job builds on ad-hoc jobs; whether they lie in the same repository is for the caller to see.
    """
    types = {BackupType.INCREMENTAL: _WHOLE_SYSTEM, BackupType.DIFFERENTIAL: (BackupType.FULL,)}.get(
        BackupType(job.backup_type), ()
    )
    with ledger_access("looking for an earlier backup"):
        return list(
            _jobs()
            .filter(
                configuration_id=job.configuration_id,
                configuration_name=job.configuration_name,
                backup_type__in=types,
                status=JobStatus.COMPLETED,
                trust__in=[Trust.VERIFIED, Trust.PROVEN],
                removal_started_at=None,
            )
            .exclude(snapshot_id="")
            .order_by("-started_at", "-id")[:_MOST_PARENTS]
        )


def jobs_runnable(*, now: datetime, limit: int, exclude: Collection[uuid.UUID] = ()) -> list[BackupJob]:
    """PENDING jobs that wait for an executor and may be started now, oldest first.

    What a command has just written and is about to run itself is not among them; nor is a job whose configuration has
    a running one.
    """
    with ledger_access("looking for jobs to run"):
        rows = _waiting(now).exclude(uuid__in=exclude)
        running = _jobs().filter(status=JobStatus.RUNNING, configuration=OuterRef("configuration"))
        return list(rows.filter(~Exists(running)).order_by("queued_at", "id")[:limit])


def jobs_to_send(*, now: datetime, patience: timedelta) -> list[uuid.UUID]:
    """PENDING jobs for the workers whose message was never sent, or so long ago that it must be lost."""
    with ledger_access("looking for jobs whose message is lost"):
        never = Q(dispatched_at=None, trigger=Trigger.SCHEDULED)
        rows = _waiting(now).filter(never | Q(dispatched_at__lt=now - patience))
        return list(rows.order_by("queued_at", "id").values_list("uuid", flat=True)[:_MOST_SENT])


def _waiting(now: datetime) -> QuerySet[BackupJob]:
    return _jobs().filter(
        Q(trigger=Trigger.SCHEDULED) | Q(dispatched_at__isnull=False),
        Q(not_before=None) | Q(not_before__lte=now),
        status=JobStatus.PENDING,
    )


def configuration_by_name(name: str) -> BackupConfiguration | None:
    """The configuration, or None."""
    with ledger_access("looking for a configuration"):
        return BackupConfiguration.objects.using(ledger_alias()).filter(name=name).first()


def configuration_by_uuid(configuration: uuid.UUID) -> BackupConfiguration | None:
    """The configuration, or None."""
    with ledger_access("looking for a configuration"):
        return BackupConfiguration.objects.using(ledger_alias()).filter(uuid=configuration).first()


@dataclasses.dataclass(frozen=True, slots=True)
class ConfigurationState:
    """A configuration with what its jobs say. Times are when the backup was begun."""

    configuration: BackupConfiguration
    jobs: int = 0
    backups: int = 0
    last_good: datetime | None = None
    last_verified: datetime | None = None
    last_proven: datetime | None = None
    missed: int = 0
    """Slots that were missed since `since`."""
    failed: int = 0
    running: int = 0
    waiting: int = 0


def configuration_states(*, since: datetime) -> list[ConfigurationState]:
    """Every configuration with what its jobs say, by name; two queries however many there are."""
    good = Q(status=JobStatus.COMPLETED) & ~Q(trust=Trust.DAMAGED) & HAS_BACKUP
    with ledger_access("summing up the jobs"):
        sums = (
            _jobs()
            .filter(configuration__isnull=False)
            .order_by()
            .values("configuration_id")
            .annotate(
                jobs=Count("pk"),
                backups=Count("pk", filter=HAS_BACKUP),
                last_good=Max("started_at", filter=good),
                last_verified=Max("started_at", filter=good & Q(trust__in=[Trust.VERIFIED, Trust.PROVEN])),
                last_proven=Max("started_at", filter=good & Q(trust=Trust.PROVEN)),
                missed=Count("pk", filter=Q(status=JobStatus.MISSED, slot__gte=since)),
                failed=Count("pk", filter=Q(status__in=FAILURES, queued_at__gte=since)),
                running=Count("pk", filter=Q(status=JobStatus.RUNNING)),
                waiting=Count("pk", filter=Q(status=JobStatus.PENDING)),
            )
        )
        found: dict[int, dict[str, Any]] = {int(row["configuration_id"] or 0): dict(row) for row in sums}
        states = []
        for configuration in configurations():
            values = found.get(configuration.pk, {})
            values.pop("configuration_id", None)
            states.append(ConfigurationState(configuration, **values))
        return states


def job_counts() -> dict[str, int]:
    """How many jobs there are in each state."""
    with ledger_access("counting the jobs"):
        return dict(_jobs().order_by().values_list("status").annotate(Count("pk")))


def stored_bytes() -> tuple[int, int]:
    """What the backups that are there have added to the storage, and what was read for them, in bytes."""
    with ledger_access("summing up the sizes"):
        sums = _jobs().filter(HAS_BACKUP).order_by().aggregate(stored=Sum("stored_size"), logical=Sum("backup_size"))
        return sums["stored"] or 0, sums["logical"] or 0


def configurations() -> QuerySet[BackupConfiguration]:
    """All configurations."""
    return BackupConfiguration.objects.using(ledger_alias())


def configuration_names() -> list[str]:
    """The names of all configurations."""
    with ledger_access("listing the configurations"):
        return list(BackupConfiguration.objects.using(ledger_alias()).values_list("name", flat=True))


def storage_paths() -> list[str]:
    """Every storage path that a configuration has."""
    with ledger_access("listing the storage paths"):
        return sorted(set(BackupConfiguration.objects.using(ledger_alias()).values_list("storage_path", flat=True)))


def uuid_prefix(text: str) -> str | None:
    """The text as the beginning of a uuid in lower case with its dashes, or None if it cannot be one."""
    digits = text.replace("-", "").lower()
    if not SHORTEST_PREFIX <= len(digits) <= 32 or set(digits) - set("0123456789abcdef"):
        return None
    parts = [digits[start:end] for start, end in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))]
    return "-".join(part for part in parts if part)


def _jobs() -> QuerySet[BackupJob]:
    return BackupJob.objects.using(ledger_alias())


def _by_prefix(text: str) -> QuerySet[BackupJob]:
    condition = Q(pk__in=[])
    prefix = uuid_prefix(text)
    if prefix is not None:
        full = len(prefix) == 36
        condition |= Q(uuid=uuid.UUID(prefix)) if full else Q(uuid__startswith=prefix)
    if SHORTEST_PREFIX <= len(text) <= 64:
        condition |= Q(snapshot_id__startswith=text.lower())
    return _jobs().filter(condition)[:5]
