"""Sums over the jobs of some days, computed by the database per hour or per minute.

The caller, which knows the time zone, adds them up to days.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Count, Func, IntegerField, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import TruncHour, TruncMinute
from django.db.models.sql.compiler import SQLCompiler

from ..ledger import ledger_access, ledger_alias
from ..models import BackupConfiguration, BackupJob, JobStatus, Trust
from .rows import RESTORABLE, SKEW, STORED_STATUSES, good, job_rows

if TYPE_CHECKING:
    from django.db.models.sql.compiler import _AsSqlType

_MOST_NAMED = 500
"""The most configurations that one query names; for more, the jobs of all are read."""


def backups_verified(wanted: Mapping[str, Q], *, absent: Q, now: datetime, since: datetime | None = None) -> set[str]:
    """Return the names of the conditions that a good, verified backup meets; one query if one backup meets all.

    Backups that meet the condition `absent` are missing from the storage and do not count, nor do those that were
    begun before `since`.
    """
    rows = job_rows().filter(good(now), trust__in=[Trust.VERIFIED, Trust.PROVEN]).exclude(absent)
    if since is not None:
        rows = rows.filter(started_at__gte=since)
    with ledger_access("looking for verified backups"):
        if rows.filter(*wanted.values()).exists():
            return set(wanted)
        return {name for name, condition in wanted.items() if rows.filter(condition).exists()}


def good_backups(
    configurations: Collection[int], *, since: datetime, now: datetime, absent: Q
) -> Iterator[tuple[int, datetime, datetime]]:
    """Yield configuration, start and end of each good backup of these configurations, by start.

    Backups that were removed since count, too; those that meet the condition `absent` were lost and do not.
    """
    rows = job_rows().filter(
        Q(status=JobStatus.COMPLETED) | Q(status=JobStatus.INCOMPLETE, accepted_until__gt=now),
        started_at__gte=since,
        started_at__lte=now + SKEW,
        completed_at__isnull=False,
    )
    if len(configurations) < _MOST_NAMED:
        rows = rows.filter(configuration__in=configurations)
    wanted = set(configurations)
    with ledger_access("looking for good backups"):
        for key, started, completed in (
            rows.filter(RESTORABLE)
            .exclude(absent)
            .order_by("started_at")
            .values_list("configuration_id", "started_at", "completed_at")
            .iterator()
        ):
            if key in wanted and started is not None and completed is not None:
                yield key, started, completed


@dataclasses.dataclass(frozen=True, slots=True)
class Sums:
    """Sums over the jobs of one hour or minute and one status. `at` is the start of that time; sizes are bytes."""

    at: datetime
    status: str
    jobs: int
    stored: int
    logical: int
    seconds: int
    new_files: int
    changed_files: int


def sums_by_time(
    *, since: datetime, until: datetime, minutes: bool, configuration: uuid.UUID | None = None
) -> list[Sums]:
    """Return the sums over the jobs that were queued in this time, by hour or by minute, and by status.

    With `configuration`, only over the jobs of that one.
    """
    with ledger_access("summing up the jobs"):
        rows = _queued_by_time(since, until, minutes, configuration).values("at", "status")
        sums = rows.annotate(
            jobs=Count("pk"),
            stored=Sum("stored_size"),
            logical=Sum("backup_size"),
            seconds=Sum(_TOOK),
            new=Sum("new_files"),
            changed=Sum("changed_files"),
        )
        return [
            Sums(
                row["at"],
                row["status"],
                row["jobs"],
                *(int(row[name] or 0) for name in ("stored", "logical", "seconds", "new", "changed")),
            )
            for row in sums
        ]


def durations_by_time(
    *, since: datetime, until: datetime, minutes: bool, configuration: uuid.UUID | None = None
) -> list[tuple[datetime, int, int]]:
    """Return the durations of jobs that stored a backup: hour or minute, seconds, and the number of such jobs.

    With `configuration`, only those of its jobs.
    """
    with ledger_access("looking at how long jobs took"):
        rows = _queued_by_time(since, until, minutes, configuration).filter(
            status__in=STORED_STATUSES, started_at__isnull=False, completed_at__isnull=False
        )
        counted = rows.annotate(seconds=_TOOK).values("at", "seconds")
        return [(row["at"], int(row["seconds"]), row["jobs"]) for row in counted.annotate(jobs=Count("pk"))]


@dataclasses.dataclass(frozen=True, slots=True)
class ConfigurationSums:
    """Sums over the jobs of a configuration with one status; `configuration` is None for jobs without one."""

    configuration: uuid.UUID | None
    name: str
    status: str
    last_queued_at: datetime
    jobs: int
    stored: int
    logical: int
    seconds: int


def sums_by_configuration(
    *, since: datetime, until: datetime, configuration: uuid.UUID | None = None
) -> list[ConfigurationSums]:
    """Return the sums over the jobs that were queued in this time, by configuration and status."""
    with ledger_access("summing up the jobs of each configuration"):
        # The names are added afterwards: a join would run for every job.
        rows = BackupConfiguration.objects.using(ledger_alias()).order_by()
        names: dict[int | None, tuple[uuid.UUID | None, str]] = {None: (None, "")}
        names |= {key: (one, name) for key, one, name in rows.values_list("pk", "uuid", "name")}
        sums = (
            _queued(since, until, configuration)
            .values("configuration_id", "status")
            .annotate(
                jobs=Count("pk"),
                stored=Sum("stored_size"),
                logical=Sum("backup_size"),
                seconds=Sum(_TOOK),
                last=Max("queued_at"),
            )
        )
        return [
            ConfigurationSums(
                *names[row["configuration_id"]],
                row["status"],
                row["last"],
                row["jobs"],
                *(int(row[name] or 0) for name in ("stored", "logical", "seconds")),
            )
            for row in sums
            # A configuration that was created in between is left out this time.
            if row["configuration_id"] in names
        ]


def results_by_time(
    configurations: Collection[uuid.UUID], *, since: datetime, until: datetime, minutes: bool
) -> list[tuple[uuid.UUID, datetime, str, int]]:
    """Return the number of jobs of these configurations by hour or by minute, and by status."""
    keys = BackupConfiguration.objects.using(ledger_alias()).filter(uuid__in=configurations)
    with ledger_access("looking at the results of each configuration"):
        names = dict(keys.order_by().values_list("pk", "uuid"))
        rows = _queued_by_time(since, until, minutes).filter(configuration__in=list(names))
        counted = rows.values("configuration_id", "at", "status").annotate(jobs=Count("pk"))
        return [(names[row["configuration_id"]], row["at"], row["status"], row["jobs"]) for row in counted]


@dataclasses.dataclass(frozen=True, slots=True)
class StoredSums:
    """Sums over the snapshots of one place, which is named as in the jobs' requests."""

    storage_path: str
    encrypted: bool
    snapshots: int
    logical: int
    stored: int
    first_backup: datetime | None
    last_backup: datetime | None
    last_verified: datetime | None


def stored_sums() -> list[StoredSums]:
    """Return the sums over the stored snapshots of each place, without removed ones."""
    verified = Q(status=JobStatus.COMPLETED, trust__in=[Trust.VERIFIED, Trust.PROVEN])
    with ledger_access("summing up what is stored where"):
        rows = job_rows().filter(removal_started_at=None).exclude(snapshot_id="").order_by()
        sums = rows.values("settings__storage_path", "settings__encryption").annotate(
            snapshots=Count("pk"),
            logical=Sum("backup_size"),
            stored=Sum("stored_size"),
            first=Min("started_at"),
            last=Max("started_at"),
            verified=Max("started_at", filter=verified),
        )
        return [
            StoredSums(
                storage_path=str(row["settings__storage_path"] or ""),
                encrypted=row["settings__encryption"] is None or bool(row["settings__encryption"]),
                snapshots=row["snapshots"],
                logical=int(row["logical"] or 0),
                stored=int(row["stored"] or 0),
                first_backup=row["first"],
                last_backup=row["last"],
                last_verified=row["verified"],
            )
            for row in sums
        ]


def configured_places() -> list[tuple[str, bool]]:
    """Return the storage paths of all configurations with their encryption, each pair once."""
    with ledger_access("listing the storage paths"):
        rows = BackupConfiguration.objects.using(ledger_alias()).order_by()
        return sorted(set(rows.values_list("storage_path", "encryption_enabled").distinct()))


class _Seconds(Func):
    """The whole seconds between a later time and an earlier one; null if one of them is null.

    It uses a function of each database, because Django's own difference calls Python for every row on SQLite.
    """

    output_field = IntegerField()
    arity = 2

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> _AsSqlType:  # noqa: ANN401
        template = "CAST(ROUND((julianday(%(expressions)s)) * 86400) AS INTEGER)"
        return self.as_sql(compiler, connection, template=template, arg_joiner=") - julianday(", **extra)

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> _AsSqlType:  # noqa: ANN401
        template = "CAST(EXTRACT(EPOCH FROM (%(expressions)s)) AS BIGINT)"
        return self.as_sql(compiler, connection, template=template, arg_joiner=" - ", **extra)

    def as_mysql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> _AsSqlType:  # noqa: ANN401
        return self.as_sql(compiler, connection, template="-TIMESTAMPDIFF(SECOND, %(expressions)s)", **extra)


_TOOK = _Seconds("completed_at", "started_at")


class _Hour(TruncHour):
    """The hour of a timestamp.

    On SQLite a timestamp is text, whose end is cut off. Django's own function calls Python for every row.
    """

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> _AsSqlType:  # noqa: ANN401, ARG002
        text, parameters = compiler.compile(self.lhs)
        return f"(SUBSTR({text}, 1, 13) || ':00')", parameters


class _Minute(TruncMinute):
    """The minute of a timestamp, in the same way."""

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> _AsSqlType:  # noqa: ANN401, ARG002
        text, parameters = compiler.compile(self.lhs)
        return f"SUBSTR({text}, 1, 16)", parameters


def _queued(since: datetime, until: datetime, configuration: uuid.UUID | None = None) -> QuerySet[BackupJob]:
    rows = job_rows().filter(queued_at__gte=since, queued_at__lt=until).order_by()
    return rows if configuration is None else rows.filter(configuration__uuid=configuration)


def _queued_by_time(
    since: datetime, until: datetime, minutes: bool, configuration: uuid.UUID | None = None
) -> QuerySet[Any]:
    """Return the jobs with `at`, the hour or minute in which they were queued.

    It is in the database's own time zone: for a conversion MariaDB needs tables that are rarely installed.
    """
    expression = _Minute if minutes else _Hour
    rows = _queued(since, until, configuration)
    return rows.annotate(at=expression("queued_at", tzinfo=connections[ledger_alias()].timezone))
