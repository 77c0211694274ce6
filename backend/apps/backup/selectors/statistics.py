"""Sums over the jobs of some days, added up by the database: by hours, or by minutes, of which days are made by
whoever knows the time zone."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Count, Func, IntegerField, Max, Q, QuerySet, Sum, TextField
from django.db.models.functions import Cast, Left, TruncHour, TruncMinute
from django.db.models.sql.compiler import SQLCompiler

from ..ledger import ledger_access, ledger_alias
from ..models import BackupConfiguration, BackupJob, JobStatus, Trust
from .rows import RESTORABLE, SKEW, STORED_STATUSES, good, job_rows

if TYPE_CHECKING:
    from django.db.models.sql.compiler import _AsSqlType

_MOST_NAMED = 500
"""Configurations that one query names; of more all are read."""


def backups_verified(wanted: Mapping[str, Q], *, absent: Q, now: datetime, since: datetime | None = None) -> set[str]:
    """The names of the conditions that a good backup meets which was read back; one query if a single one meets all.

    A backup that meets the condition `absent` is not there. One that was begun before `since` is too old.
    """
    rows = job_rows().filter(good(now), trust__in=[Trust.VERIFIED, Trust.PROVEN]).exclude(absent)
    if since is not None:
        rows = rows.filter(started_at__gte=since)
    with ledger_access("looking for backups that were read back"):
        if rows.filter(*wanted.values()).exists():
            return set(wanted)
        return {name for name, condition in wanted.items() if rows.filter(condition).exists()}


def good_backups(
    configurations: Collection[int], *, since: datetime, now: datetime, absent: Q
) -> Iterator[tuple[int, datetime, datetime]]:
    """When each good backup of these was begun and completed, in order, also of those that were removed since.

    A backup that meets the condition `absent` was lost.
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
    """What jobs come to. `at` is the moment in which their hour begins, or their minute; sizes are bytes."""

    at: datetime
    status: str
    jobs: int
    stored: int
    logical: int
    seconds: int
    new_files: int
    changed_files: int


def sums_by_time(*, since: datetime, until: datetime, minutes: bool) -> list[Sums]:
    """The jobs that were asked for in this time, by hour, or by minute, and status."""
    with ledger_access("summing up the jobs"):
        rows = _timed(since, until, minutes).values("at", "status")
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
                _moment(row["at"]),
                row["status"],
                row["jobs"],
                *(int(row[name] or 0) for name in ("stored", "logical", "seconds", "new", "changed")),
            )
            for row in sums
        ]


def durations_by_time(*, since: datetime, until: datetime, minutes: bool) -> list[tuple[datetime, int, int]]:
    """How many of the jobs that stored a backup took how many seconds, by hour or by minute."""
    with ledger_access("looking at how long jobs took"):
        rows = _timed(since, until, minutes).filter(
            status__in=STORED_STATUSES, started_at__isnull=False, completed_at__isnull=False
        )
        counted = rows.annotate(seconds=_TOOK).values("at", "seconds")
        return [(_moment(row["at"]), int(row["seconds"]), row["jobs"]) for row in counted.annotate(jobs=Count("pk"))]


@dataclasses.dataclass(frozen=True, slots=True)
class ConfigurationSums:
    """What the jobs of a configuration come to, by status; without one the jobs that have none."""

    configuration: uuid.UUID | None
    name: str
    status: str
    last_queued_at: datetime
    jobs: int
    stored: int
    logical: int
    seconds: int


def sums_by_configuration(*, since: datetime, until: datetime) -> list[ConfigurationSums]:
    """The jobs that were asked for in this time."""
    with ledger_access("summing up the jobs of each configuration"):
        # Named afterwards: a join would be made for every job.
        rows = BackupConfiguration.objects.using(ledger_alias()).order_by()
        names: dict[int | None, tuple[uuid.UUID | None, str]] = {None: (None, "")}
        names |= {key: (one, name) for key, one, name in rows.values_list("pk", "uuid", "name")}
        sums = (
            _asked_for(since, until)
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
            # One that was made in between is told of the next time.
            if row["configuration_id"] in names
        ]


def results_by_time(
    configurations: Collection[uuid.UUID], *, since: datetime, until: datetime, minutes: bool
) -> list[tuple[uuid.UUID, datetime, str, int]]:
    """How many jobs of these configurations came to which result, by hour or by minute."""
    keys = BackupConfiguration.objects.using(ledger_alias()).filter(uuid__in=configurations)
    with ledger_access("looking at the results of each configuration"):
        names = dict(keys.order_by().values_list("pk", "uuid"))
        rows = _timed(since, until, minutes).filter(configuration__in=list(names))
        counted = rows.values("configuration_id", "at", "status").annotate(jobs=Count("pk"))
        return [(names[row["configuration_id"]], _moment(row["at"]), row["status"], row["jobs"]) for row in counted]


@dataclasses.dataclass(frozen=True, slots=True)
class StoredSums:
    """What the ledger knows of one place where snapshots are stored, as the jobs' requests name it."""

    storage_path: str
    encrypted: bool
    snapshots: int
    logical: int
    stored: int
    last_backup: datetime | None
    last_verified: datetime | None


def stored_sums() -> list[StoredSums]:
    """What is stored where, without packages and without what was removed."""
    verified = Q(status=JobStatus.COMPLETED, trust__in=[Trust.VERIFIED, Trust.PROVEN])
    with ledger_access("summing up what is stored where"):
        rows = job_rows().filter(removal_started_at=None).exclude(snapshot_id="").order_by()
        sums = rows.values("settings__storage_path", "settings__encryption").annotate(
            snapshots=Count("pk"),
            logical=Sum("backup_size"),
            stored=Sum("stored_size"),
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
                last_backup=row["last"],
                last_verified=row["verified"],
            )
            for row in sums
        ]


def configured_places() -> list[tuple[str, bool]]:
    """The storage paths of configurations, and whether what they store there is encrypted."""
    with ledger_access("listing the storage paths"):
        rows = BackupConfiguration.objects.using(ledger_alias()).order_by()
        return sorted(set(rows.values_list("storage_path", "encryption_enabled").distinct()))


class _Seconds(Func):
    """Whole seconds, of the later time and the earlier one; null if one of them is. By what each database has for it:
    Django's own difference calls back into Python for every row on SQLite."""

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


def _asked_for(since: datetime, until: datetime) -> QuerySet[BackupJob]:
    return job_rows().filter(queued_at__gte=since, queued_at__lt=until).order_by()


def _timed(since: datetime, until: datetime, minutes: bool) -> QuerySet[Any]:
    """With `at`, the hour or minute in which they were asked for.

    In the database's own time zone: to convert it, MariaDB would need tables that are rarely there.
    """
    rows = _asked_for(since, until)
    connection = connections[ledger_alias()]
    if connection.vendor == "sqlite":
        # Times are text there, which is cut off far faster than a function in Python is called for every row.
        return rows.annotate(at=Left(Cast("queued_at", TextField()), 16 if minutes else 13))
    trunc = TruncMinute if minutes else TruncHour
    return rows.annotate(at=trunc("queued_at", tzinfo=connection.timezone))


def _moment(value: datetime | str) -> datetime:
    if isinstance(value, datetime):
        return value
    text = value if ":" in value else f"{value}:00"
    return datetime.fromisoformat(text).replace(tzinfo=connections[ledger_alias()].timezone)
