"""Reads of repositories, and of the places of the snapshots and packages of jobs."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Exists, Max, OuterRef, Q
from django.db.models.functions import Coalesce

from ..ledger import ledger_access, ledger_alias
from ..models import KeyChange, StoredRepository
from .rows import HAS_BACKUP, job_rows


class StoredBackup(NamedTuple):
    """A stored backup in the catalogue: a snapshot in a repository, or a package."""

    pk: int
    repository: int | None
    snapshot_id: str
    package: str
    stored_size: int | None
    mark: str = ""


class SealedPackage(NamedTuple):
    """A sealed package, and the mark of the passphrase that opens it; empty if it is not known."""

    pk: int
    path: str
    mark: str


@dataclasses.dataclass(frozen=True, slots=True)
class Holding:
    """The number of backups that the catalogue has in a repository, and the time of the newest."""

    backups: int
    newest: datetime


def repositories_known() -> list[StoredRepository]:
    """Return every repository that has held backups, oldest first."""
    with ledger_access("listing the repositories"):
        return list(StoredRepository.objects.using(ledger_alias()).order_by("pk"))


def repository_holdings() -> dict[int, Holding]:
    """Return the backups that the catalogue has in each repository, by primary key; empty ones are left out."""
    with ledger_access("counting the stored backups"):
        rows = job_rows().filter(HAS_BACKUP, repository__isnull=False).order_by()
        found = rows.values_list("repository_id").annotate(
            backups=Count("pk"), newest=Max(Coalesce("started_at", "queued_at"))
        )
        return {int(key): Holding(count, newest) for key, count, newest in found if key is not None}


def repositories_unseen(*, since: datetime) -> list[StoredRepository]:
    """Return the repositories with backups whose packs were not compared with their index since then."""
    with ledger_access("looking for repositories that were not checked"):
        held = job_rows().filter(HAS_BACKUP, repository=OuterRef("pk")).order_by()
        late = Q(packs_seen_at__lt=since) | Q(packs_seen_at=None, first_seen_at__lt=since)
        return list(StoredRepository.objects.using(ledger_alias()).filter(late, Exists(held)).order_by("pk"))


def backups_stored(*, without: Collection[int] = ()) -> Iterator[StoredBackup]:
    """Yield every stored backup, except those in the repositories `without`."""
    with ledger_access("listing the stored backups"):
        rows = job_rows().filter(HAS_BACKUP).order_by()
        if without:
            rows = rows.filter(Q(repository=None) | ~Q(repository__in=list(without)))
        columns = ("pk", "repository_id", "snapshot_id", "backup_file_path", "stored_size", "sealed_with")
        # Without their times: parsing a date takes longer than all other columns of a row.
        yield from map(StoredBackup._make, rows.values_list(*columns).iterator())


def snapshots_without_repository() -> dict[int, tuple[str, bool]]:
    """Return storage path and encryption of the snapshots without a repository in the catalogue, by primary key."""
    with ledger_access("listing the stored backups"):
        rows = job_rows().filter(HAS_BACKUP, repository=None).exclude(snapshot_id="").order_by()
        return {
            key: (str(settings.get("storage_path", "")), bool(settings.get("encryption", True)))
            for key, settings in rows.values_list("pk", "settings").iterator()
        }


def package_marks() -> list[str]:
    """Return the marks of the passphrases of all sealed packages, each once."""
    with ledger_access("looking for sealed packages"):
        rows = job_rows().filter(HAS_BACKUP).exclude(sealed_with="").order_by()
        return list(rows.values_list("sealed_with", flat=True).distinct())


def newest_of(condition: Q) -> datetime | None:
    """Return the time of the newest stored backup that meets a condition, or None."""
    with ledger_access("looking for the newest backup"):
        rows = job_rows().filter(HAS_BACKUP, condition).order_by()
        found: datetime | None = rows.aggregate(newest=Max(Coalesce("started_at", "queued_at")))["newest"]
        return found


def job_names(keys: Collection[int], *, limit: int) -> list[tuple[str, str, datetime]]:
    """Return uuid, name and time of the newest of these jobs."""
    with ledger_access("naming the jobs"):
        rows = job_rows().filter(pk__in=keys).annotate(taken_at=Coalesce("started_at", "queued_at"))
        found = rows.order_by("-taken_at", "-pk").values_list("uuid", "job_name", "taken_at")[:limit]
        return [(str(key), name, at) for key, name, at in found]


def key_changes_open() -> list[KeyChange]:
    """Return the changes of keys that are not released yet, oldest first."""
    with ledger_access("looking for changes of keys"):
        return list(KeyChange.objects.using(ledger_alias()).filter(released_at=None))
