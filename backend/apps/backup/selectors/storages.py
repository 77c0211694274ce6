"""What the ledger says lies where: repositories, and the snapshots and packages of jobs."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Max, Q, QuerySet
from django.db.models.functions import Coalesce

from ..ledger import ledger_access, ledger_alias
from ..models import BackupJob, StoredRepository
from .rows import HAS_BACKUP, job_rows


class StoredBackup(NamedTuple):
    """A backup as the ledger has it: a snapshot in a repository, or a package."""

    pk: int
    repository: int | None
    snapshot_id: str
    package: str
    stored_size: int | None


class SealedPackage(NamedTuple):
    """A sealed package, and the mark of the passphrase that opens it; empty where none is known."""

    pk: int
    path: str
    mark: str


@dataclasses.dataclass(frozen=True, slots=True)
class Holding:
    """How many backups the ledger has in a repository, and when the newest was taken."""

    backups: int
    newest: datetime


def repositories_known() -> list[StoredRepository]:
    """Every repository that backups were stored in, oldest first."""
    with ledger_access("listing the repositories"):
        return list(StoredRepository.objects.using(ledger_alias()).order_by("pk"))


def repository_holdings() -> dict[int, Holding]:
    """What the ledger has in each repository, by primary key; those with nothing are left out."""
    with ledger_access("counting the stored backups"):
        rows = job_rows().filter(HAS_BACKUP, repository__isnull=False).order_by()
        found = rows.values_list("repository_id").annotate(
            backups=Count("pk"), newest=Max(Coalesce("started_at", "queued_at"))
        )
        return {int(key): Holding(count, newest) for key, count, newest in found if key is not None}


def backups_stored(*, without: Collection[int] = ()) -> Iterator[StoredBackup]:
    """Every stored backup, except those in the repositories `without`."""
    with ledger_access("listing the stored backups"):
        rows = job_rows().filter(HAS_BACKUP).order_by()
        if without:
            rows = rows.filter(Q(repository=None) | ~Q(repository__in=list(without)))
        columns = ("pk", "repository_id", "snapshot_id", "backup_file_path", "stored_size")
        # Without their times: to read a date takes longer than all the rest of a row.
        yield from map(StoredBackup._make, rows.values_list(*columns).iterator())


def snapshots_without_repository() -> dict[int, tuple[str, bool]]:
    """Storage path and encryption of the snapshots of which the ledger does not name the repository, by primary key."""
    with ledger_access("listing the stored backups"):
        rows = job_rows().filter(HAS_BACKUP, repository=None).exclude(snapshot_id="").order_by()
        return {
            key: (str(settings.get("storage_path", "")), bool(settings.get("encryption", True)))
            for key, settings in rows.values_list("pk", "settings").iterator()
        }


def package_marks() -> list[str]:
    """The marks of the passphrases of all sealed packages, each once; nothing where there is no such package."""
    with ledger_access("looking for sealed packages"):
        return list(_sealed().order_by().values_list("sealed_with", flat=True).distinct())


def packages_sealed_otherwise(marks: Collection[str]) -> list[SealedPackage]:
    """The sealed packages that have none of these marks, the newest first."""
    with ledger_access("looking for sealed packages"):
        rows = _sealed().exclude(sealed_with__in=marks).order_by("-queued_at", "-pk")
        return [SealedPackage._make(row) for row in rows.values_list("pk", "backup_file_path", "sealed_with")]


def package_newest_sealed() -> int | None:
    """The primary key of the job of the newest sealed package."""
    with ledger_access("looking for sealed packages"):
        return _sealed().order_by("-queued_at", "-pk").values_list("pk", flat=True).first()


def _sealed() -> QuerySet[BackupJob]:
    return job_rows().filter(HAS_BACKUP, backup_file_path__endswith=".gpg")


def newest_of(condition: Q) -> datetime | None:
    """When the newest stored backup that meets a condition was taken."""
    with ledger_access("looking for the newest backup"):
        rows = job_rows().filter(HAS_BACKUP, condition).order_by()
        found: datetime | None = rows.aggregate(newest=Max(Coalesce("started_at", "queued_at")))["newest"]
        return found


def job_names(keys: Collection[int], *, limit: int) -> list[tuple[str, str, datetime]]:
    """Uuid, name and time of the newest of these jobs."""
    with ledger_access("naming the jobs"):
        rows = job_rows().filter(pk__in=keys).annotate(taken_at=Coalesce("started_at", "queued_at"))
        found = rows.order_by("-taken_at", "-pk").values_list("uuid", "job_name", "taken_at")[:limit]
        return [(str(key), name, at) for key, name, at in found]
