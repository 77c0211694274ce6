"""Reads of configurations, alone and with figures of their jobs, and of sums over all jobs."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connections
from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum

from ..ledger import ledger_access, ledger_alias
from ..models import (
    BackupConfiguration,
    BackupJob,
    ConfigurationStatus,
    JobStatus,
    PruneRun,
    Trigger,
    Trust,
)
from ..policies.schedule import PERIODS
from .rows import FAILURES, HAS_BACKUP, SCHEDULED, SKEW, STORED_STATUSES, UNFINISHED, good, job_rows

EARLIER_TABLE = "backup_configurations"
"""The table of an earlier backup app."""
AD_HOC_AGE = timedelta(days=7)
"""The age from which the clean-up may remove an ad-hoc configuration."""


def configuration_by_name(name: str) -> BackupConfiguration | None:
    """Return the configuration, or None."""
    with ledger_access("looking for a configuration"):
        return BackupConfiguration.objects.using(ledger_alias()).filter(name=name).first()


def configuration_by_uuid(configuration: uuid.UUID) -> BackupConfiguration | None:
    """Return the configuration, or None."""
    with ledger_access("looking for a configuration"):
        return BackupConfiguration.objects.using(ledger_alias()).filter(uuid=configuration).first()


def configurations_matching(
    *, search: str = "", backup_type: str = "", frequency: str = "", is_enabled: bool | None = None
) -> QuerySet[BackupConfiguration]:
    """Return the configurations with a text in name or description, a type, a frequency, enabled or not.

    Arguments that are not given match all.
    """
    rows = configurations().select_related("created_by")
    if search:
        rows = rows.filter(Q(name__icontains=search) | Q(description__icontains=search))
    if backup_type:
        rows = rows.filter(backup_type=backup_type)
    if frequency:
        rows = rows.filter(frequency=frequency)
    return rows if is_enabled is None else rows.filter(is_enabled=is_enabled)


def configurations_recent(*, limit: int) -> list[BackupConfiguration]:
    """Return the configurations that were created or changed last."""
    with ledger_access("listing the configurations"):
        return list(configurations().select_related("created_by").order_by("-updated_at", "-pk")[:limit])


def configurations_active() -> int:
    """Return the number of configurations that are enabled and active; ON_DEMAND ones count, too."""
    with ledger_access("counting the configurations"):
        return configurations().filter(is_enabled=True, status=ConfigurationStatus.ACTIVE).count()


LATEST_COLUMNS = ("uuid", "job_name", "status", "trust", "queued_at", "started_at", "completed_at")
"""The columns that are read of the latest jobs."""


RUN_COLUMNS = (
    *LATEST_COLUMNS,
    *("configuration", "backup_type", "problems", "problem_count", "accepted_until", "error_message"),
    *("manifest", "settings", "backup_file_path", "stored_size", "trigger"),
)
"""The columns that the doctor reads of the latest jobs."""
_RAN = (*STORED_STATUSES, *FAILURES)
"""The statuses of jobs that ran to an end."""


@dataclasses.dataclass(frozen=True, slots=True)
class Latest:
    """The latest jobs of a configuration: the newest one that has ended, and the newest one with a good backup."""

    run: BackupJob | None = None
    good: BackupJob | None = None


def configurations_latest(
    rows: Collection[BackupConfiguration], *, absent: Q, now: datetime, of_runs: bool = False
) -> dict[int, Latest]:
    """Return the latest jobs of each configuration by its primary key, with two queries in all.

    Backups that meet the condition `absent` are missing from the storage and do not count. With `of_runs`, only jobs
    count that ran to an end, and their `RUN_COLUMNS` are read.
    """
    own = job_rows().filter(configuration=OuterRef("pk")).order_by("-queued_at", "-id").values("pk")
    whole = own.filter(good(now)).exclude(absent)
    ended = own.filter(status__in=_RAN) if of_runs else own.exclude(status__in=UNFINISHED)
    with ledger_access("looking for what came last"):
        found = (
            configurations()
            .filter(pk__in=[row.pk for row in rows])
            .annotate(run=Subquery(ended[:1]), good=Subquery(whole[:1]))
            .order_by()
            .values_list("pk", "run", "good")
        )
        keys = {pk: (run, last) for pk, run, last in found}
        jobs = job_rows().filter(pk__in={key for pair in keys.values() for key in pair if key is not None})
        known = {job.pk: job for job in jobs.only(*(RUN_COLUMNS if of_runs else LATEST_COLUMNS))}
    return {pk: Latest(known.get(run), known.get(last)) for pk, (run, last) in keys.items()}


def runs_latest(*, absent: Q, now: datetime) -> Latest:
    """Return the latest of all jobs that ran to an end, with any trigger except the safety backups of restores.

    Backups that meet the condition `absent` are missing from the storage and do not count.
    """
    with ledger_access("looking for the latest job"):
        rows = job_rows().exclude(trigger=Trigger.PRE_RESTORE).order_by("-queued_at", "-id").only(*RUN_COLUMNS)
        return Latest(rows.filter(status__in=_RAN).first(), rows.filter(good(now)).exclude(absent).first())


@dataclasses.dataclass(frozen=True, slots=True)
class ConfigurationState:
    """A configuration with figures of its jobs. The times of backups are those of their start."""

    configuration: BackupConfiguration
    jobs: int = 0
    backups: int = 0
    last_good: datetime | None = None
    last_verified: datetime | None = None
    last_proven: datetime | None = None
    missed: int = 0
    """The number of slots that were missed since `since`."""
    last_missed: datetime | None = None
    """The latest missed slot."""
    failed: int = 0
    last_failed: datetime | None = None
    """The time at which the latest failed job was queued."""
    running: int = 0
    waiting: int = 0


def configuration_states(*, since: datetime, now: datetime, absent: Q) -> list[ConfigurationState]:
    """Return every configuration with figures of its jobs, ordered by name, with two queries in all.

    Backups with a time in the future, from a wrong clock, do not count as fresh. Backups that meet the condition
    `absent` are missing from the storage and do not count.
    """
    present = ~absent
    whole = good(now) & present & Q(started_at__lte=now + SKEW)
    missed = Q(status=JobStatus.MISSED, slot__gte=since, slot__lte=now)
    failed = Q(status__in=FAILURES, queued_at__gte=since, queued_at__lte=now)
    with ledger_access("summing up the jobs"):
        sums = (
            job_rows()
            .filter(configuration__isnull=False)
            .order_by()
            .values("configuration_id")
            .annotate(
                jobs=Count("pk"),
                backups=Count("pk", filter=HAS_BACKUP & present),
                last_good=Max("started_at", filter=whole),
                last_verified=Max("started_at", filter=whole & Q(trust__in=[Trust.VERIFIED, Trust.PROVEN])),
                last_proven=Max("started_at", filter=whole & Q(trust=Trust.PROVEN)),
                missed=Count("pk", filter=missed),
                last_missed=Max("slot", filter=missed),
                failed=Count("pk", filter=failed),
                last_failed=Max("queued_at", filter=failed),
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


def daily_growth(*, since: datetime, now: datetime) -> int | None:
    """Return the growth of the storage since then in bytes a day: added by backups, less the space that was freed.

    None if there are no backups. The first backup of a configuration does not count: it holds data of all time before.
    """
    earlier = job_rows().filter(
        configuration=OuterRef("configuration"), status__in=STORED_STATUSES, started_at__lt=OuterRef("started_at")
    )
    packages = job_rows().exclude(backup_file_path="").filter(removed_at__gte=since)
    with ledger_access("summing up the growth"):
        made = job_rows().filter(status__in=STORED_STATUSES, started_at__gte=since, started_at__lte=now)
        sums = made.filter(Exists(earlier)).aggregate(added=Sum("stored_size"), first=Min("started_at"))
        if sums["added"] is None or sums["first"] is None:
            return None
        back = packages.aggregate(back=Sum("stored_size"))["back"] or 0
        runs = PruneRun.objects.using(ledger_alias()).filter(started_at__gte=since)
        back += runs.aggregate(back=Sum("freed_bytes"))["back"] or 0
    days = max((now - sums["first"]).total_seconds() / 86_400, 1.0)
    return max(0, int((sums["added"] - back) / days))


def next_backups_bytes() -> int:
    """Return the bytes that the next backups of all schedules will store, estimated from the latest ones."""
    stored = job_rows().filter(configuration=OuterRef("pk"), status__in=STORED_STATUSES, stored_size__isnull=False)
    latest = stored.order_by("-queued_at", "-id").values("stored_size")[:1]
    with ledger_access("summing up the next backups"):
        scheduled = configurations().filter(is_enabled=True).exclude(next_slot=None)
        return scheduled.annotate(size=Subquery(latest)).aggregate(sum=Sum("size"))["sum"] or 0


def job_counts() -> dict[str, int]:
    """Return the number of jobs by status."""
    with ledger_access("counting the jobs"):
        return dict(job_rows().order_by().values_list("status").annotate(Count("pk")))


def stored_bytes() -> tuple[int, int]:
    """Return the bytes that all stored backups have added to the storage, and the bytes that were read for them."""
    with ledger_access("summing up the sizes"):
        sums = job_rows().filter(HAS_BACKUP).order_by().aggregate(stored=Sum("stored_size"), logical=Sum("backup_size"))
        return sums["stored"] or 0, sums["logical"] or 0


def configurations() -> QuerySet[BackupConfiguration]:
    """Return all configurations."""
    return BackupConfiguration.objects.using(ledger_alias())


def schedule_shortest() -> timedelta | None:
    """Return the longest time between two slots of the most frequent schedule; None if no schedule runs."""
    with ledger_access("looking at the schedules"):
        found = configurations().filter(SCHEDULED).order_by().values_list("frequency", flat=True).distinct()
        return min((PERIODS[one] for one in found), default=None)


def configuration_names() -> list[str]:
    """Return the names of all configurations."""
    with ledger_access("listing the configurations"):
        return list(BackupConfiguration.objects.using(ledger_alias()).values_list("name", flat=True))


def storage_paths() -> list[str]:
    """Return the storage paths of all configurations, each once."""
    with ledger_access("listing the storage paths"):
        return sorted(set(BackupConfiguration.objects.using(ledger_alias()).values_list("storage_path", flat=True)))


def clean_up_candidates(*, now: datetime) -> list[BackupConfiguration]:
    """Return the ad-hoc configurations that are older than a week and have no jobs."""
    with ledger_access("looking for old ad-hoc configurations"):
        rows = BackupConfiguration.objects.using(ledger_alias())
        return list(rows.filter(is_ad_hoc=True, created_at__lt=now - AD_HOC_AGE, jobs=None))


def earlier_configurations() -> list[Mapping[str, object]]:
    """Return the rows of an earlier backup app's table in the catalogue's database; none if there is no such table."""
    connection = connections[ledger_alias()]
    with ledger_access("looking for an earlier installation"):
        if EARLIER_TABLE not in connection.introspection.table_names():
            return []
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(EARLIER_TABLE)} ORDER BY 1")  # noqa: S608  a constant
            columns = [column[0] for column in cursor.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
