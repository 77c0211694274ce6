"""Reads of jobs: by uuid, name, prefix or state, for lists, and by their backups."""

import uuid
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from django.db import connections
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from ..core.database_traits import orders_uuids_as_text
from ..core.timezones import in_utc
from ..errors import AmbiguousReference
from ..ledger import ledger_access, ledger_alias
from ..models import BackupConfiguration, BackupJob, BackupType, JobEvent, Trigger
from .rows import FAILURES, HAS_BACKUP, STORED_STATUSES, holds_database, job_rows

SHORTEST_PREFIX = 4
_BATCH = 500


def job_by_uuid(job: uuid.UUID) -> BackupJob | None:
    """Return the job, or None."""
    with ledger_access("looking for a job"):
        return job_rows().filter(uuid=job).first()


def jobs_by_uuids(jobs: Iterable[uuid.UUID]) -> list[BackupJob]:
    """Return these jobs, in no particular order; unknown uuids are left out."""
    wanted = list(jobs)
    with ledger_access("looking for jobs"):
        found: list[BackupJob] = []
        for start in range(0, len(wanted), _BATCH):
            found += job_rows().filter(uuid__in=wanted[start : start + _BATCH])
        return found


def jobs_newest(
    *,
    limit: int,
    statuses: Collection[str] | None = None,
    configuration: BackupConfiguration | None = None,
    backup_type: str = "",
) -> list[BackupJob]:
    """Return the newest jobs, optionally of these statuses, this configuration and this type."""
    with ledger_access("listing the jobs"):
        rows = job_rows().order_by("-queued_at", "-id").defer("manifest", "problems")
        if statuses:
            rows = rows.filter(status__in=statuses)
        if configuration is not None:
            rows = rows.filter(configuration=configuration)
        if backup_type:
            rows = rows.filter(backup_type=backup_type)
        return list(rows[:limit])


def _for_lists() -> QuerySet[BackupJob]:
    """Return all jobs with the columns of lists; large columns that only the page of one job shows are not read."""
    large = ("manifest", "problems", "settings")
    return job_rows().select_related("configuration", "triggered_by").defer(*large)


def jobs_matching(
    *,
    status: Collection[str] = (),
    backup_type: str = "",
    configuration: uuid.UUID | None = None,
    trigger: str = "",
    trust: str = "",
    is_pinned: bool | None = None,
    has_backup: bool | None = None,
    queued_after: datetime | None = None,
    queued_before: datetime | None = None,
    search: str = "",
) -> QuerySet[BackupJob]:
    """Return the jobs that match all given arguments.

    The annotations `began_at`, `read_bytes` and `kept_bytes` are for ordering: they are never null.
    """
    conditions = Q()
    if status:
        conditions &= Q(status__in=status)
    if configuration is not None:
        # A subquery instead of a join, so that the index of its jobs is used with every order.
        own = BackupConfiguration.objects.using(ledger_alias()).filter(uuid=configuration)
        conditions &= Q(configuration__in=own.values("pk"))
    for name, value in (("backup_type", backup_type), ("trigger", trigger), ("trust", trust)):
        if value:
            conditions &= Q(**{name: value})
    if is_pinned is not None:
        conditions &= Q(is_pinned=is_pinned)
    if has_backup is not None:
        conditions &= HAS_BACKUP if has_backup else ~HAS_BACKUP
    if queued_after is not None:
        conditions &= Q(queued_at__gte=queued_after)
    if queued_before is not None:
        conditions &= Q(queued_at__lt=queued_before)
    if search:
        conditions &= _searched(search)
    return (
        _for_lists()
        .filter(conditions)
        .annotate(
            began_at=Coalesce("started_at", "queued_at"),
            read_bytes=Coalesce("backup_size", 0),
            kept_bytes=Coalesce("stored_size", 0),
        )
    )


def jobs_recent(*, limit: int, statuses: Collection[str] = ()) -> list[BackupJob]:
    """Return the newest jobs, optionally of these statuses, with the columns of lists."""
    with ledger_access("listing the jobs"):
        rows = _for_lists().filter(status__in=statuses) if statuses else _for_lists()
        return list(rows.order_by("-queued_at", "-id")[:limit])


def _searched(text: str) -> Q:
    # A job's name begins with the name of its configuration at that time.
    named = Q(job_name__icontains=text)
    return named if uuid_prefix(text) is None else named | _has_prefix(text)


def job_with_all(job: uuid.UUID) -> BackupJob | None:
    """Return the job with all its columns, its configuration and its user, or None."""
    with ledger_access("looking for a job"):
        return job_rows().select_related("configuration", "triggered_by").filter(uuid=job).first()


def jobs_with_snapshots() -> list[BackupJob]:
    """Return every job that has stored a snapshot, also a removed one; only the columns about its place are read."""
    with ledger_access("looking for snapshots"):
        rows = job_rows().exclude(snapshot_id="")
        return list(
            rows.only(
                "uuid",
                "backup_type",
                "settings",
                "snapshot_id",
                "backup_file_path",
                "removed_at",
                "started_at",
                "queued_at",
                "configuration_name",
            )
        )


def job_log(job: BackupJob) -> list[dict[str, str]]:
    """Return the lines of a job's log, oldest first, with their times in UTC."""
    with ledger_access("reading a job's log"):
        lines = JobEvent.objects.using(ledger_alias()).filter(job=job).order_by("id")
        return [{"at": in_utc(line.at).isoformat(timespec="seconds"), "text": line.text} for line in lines]


def jobs_with_dump(aliases: Iterable[str]) -> dict[str, BackupJob]:
    """Return for each database the newest job whose backup holds a dump of it; databases without one are left out."""
    rows = job_rows().filter(HAS_BACKUP, status__in=STORED_STATUSES).exclude(backup_type=BackupType.EXPORT)
    newest = rows.order_by("-started_at", "-id").only("uuid", "job_name", "rehearsal")
    with ledger_access("looking for the newest backups"):
        found = {alias: newest.filter(holds_database(alias)).first() for alias in aliases}
    return {alias: job for alias, job in found.items() if job is not None}


def job_with_rows_newest() -> BackupJob | None:
    """Return the newest backup of a database, complete or not, or None. Safety backups of restores do not count."""
    rows = job_rows().filter(HAS_BACKUP, status__in=STORED_STATUSES).exclude(backup_type=BackupType.FILES)
    with ledger_access("looking for the newest backup"):
        newest = rows.exclude(trigger=Trigger.PRE_RESTORE).order_by("-started_at", "-id")
        return newest.only("uuid", "job_name", "manifest").first()


def jobs_stored_newest(*, with_failures: bool = False) -> Iterator[BackupJob]:
    """Yield the jobs with a stored backup, newest first; with failures also those that failed after their start.

    Safety backups of restores are left out: they hold data that was replaced on purpose.
    """
    with ledger_access("looking for the latest backup"):
        wanted = Q(HAS_BACKUP, status__in=STORED_STATUSES)
        if with_failures:
            wanted |= Q(status__in=FAILURES, removal_started_at=None, started_at__isnull=False)
        rows = job_rows().exclude(trigger=Trigger.PRE_RESTORE).filter(wanted).defer("problems", "rehearsal")
        # The order of an index, so that the database finds the first ones without sorting all.
        yield from rows.order_by("-started_at", "-queued_at", "-id").iterator(chunk_size=100)


def job_of_package(path: str) -> BackupJob | None:
    """Return the job that wrote this package, or None."""
    with ledger_access("looking for the job of a package"):
        return job_rows().filter(backup_file_path=path).order_by("-started_at", "-id").first()


def packages_sealed(*, since: datetime | None = None) -> list[str]:
    """Return the paths of the sealed packages in the catalogue, also outside of the storage; optionally since then."""
    with ledger_access("listing the packages"):
        rows = job_rows().filter(HAS_BACKUP, backup_file_path__endswith=".gpg").order_by("backup_file_path")
        rows = rows if since is None else rows.filter(completed_at__gte=since)
        return list(rows.values_list("backup_file_path", flat=True))


def job_matching(text: str) -> BackupJob | None:
    """Return the job of a uuid, an unambiguous prefix of its uuid or snapshot id, or a name; None if there is none.

    Raises `AmbiguousReference`, which lists the candidates.
    """
    with ledger_access("looking for a job"):
        exact = job_rows().filter(job_name=text)[:2]
        matches = list(exact) or list(_by_prefix(text))
    if len(matches) > 1:
        shown = ", ".join(f"{job.uuid} ({job.job_name})" for job in matches)
        raise AmbiguousReference(f"Several jobs match {text!r}: {shown}; give more of the uuid.")
    return matches[0] if matches else None


def uuid_prefix(text: str) -> str | None:
    """Return the text as the beginning of a uuid in lower case with dashes, or None if it cannot be one."""
    digits = text.replace("-", "").lower()
    if not SHORTEST_PREFIX <= len(digits) <= 32 or set(digits) - set("0123456789abcdef"):
        return None
    parts = [digits[start:end] for start, end in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))]
    return "-".join(part for part in parts if part)


def _by_prefix(text: str) -> QuerySet[BackupJob]:
    return job_rows().filter(_has_prefix(text))[:5]


def _has_prefix(text: str) -> Q:
    """Return a condition: the uuid or the snapshot id begins with the text."""
    condition = Q(pk__in=[])
    prefix = uuid_prefix(text)
    if prefix is not None:
        digits = prefix.replace("-", "")
        if len(digits) == 32:
            condition |= Q(uuid=uuid.UUID(prefix))
        elif orders_uuids_as_text(connections[ledger_alias()]):
            # A range, because an index answers it.
            condition |= Q(uuid__range=(uuid.UUID(digits.ljust(32, "0")), uuid.UUID(digits.ljust(32, "f"))))
        else:
            condition |= Q(uuid__startswith=prefix)
    if SHORTEST_PREFIX <= len(text) <= 64 and not set(text.lower()) - set("0123456789abcdef"):
        condition |= Q(snapshot_id__gte=text.lower(), snapshot_id__lt=text.lower() + "g")
    return condition
