"""The repository of a job: the one in which the catalogue has its backups; another one only if a user allows it.

A storage that is not mounted is an empty folder. A new repository there would hide that all earlier backups are
missing, and fill the disk below the mount point.
"""

from __future__ import annotations

import shlex
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from strongroom.repository import Repository

from ..errors import StorageAbsent, StorageExchanged
from ..ledger import ledger_access, ledger_alias
from ..models import BackupJob, StoredRepository
from ..selectors import HAS_BACKUP, Holding, repositories_known, repository_holdings
from ..storage.locations import RepositoryPlace
from ..storage.repository_files import Fault, config_digest, repository_files


class OpenedRepository(NamedTuple):
    """An opened repository and its row."""

    repository: Repository
    row: StoredRepository


def repository_for_job(job: BackupJob, place: RepositoryPlace, *, may_begin: bool, now: datetime) -> OpenedRepository:
    """Open or create the repository at a place for a job, and enter it into the catalogue.

    Unless `may_begin`, raises `StorageAbsent` if the catalogue has backups there and the repository is missing, and
    `StorageExchanged` if another one is in its place. Also raises the errors of opening it.
    """
    rows = _rows_at(place)
    held = [] if may_begin else _holdings_of(rows)
    if held and not place.exists():
        raise StorageAbsent(_absent_message(job, place, held))
    repository = place.open_or_init()
    row = _row_of(repository, place, rows)
    if row is None and held:
        raise StorageExchanged(_exchanged_message(job, place, repository, held))
    return OpenedRepository(repository, _enter(repository, place, row, now=now))


def open_for_plan(job: BackupJob, place: RepositoryPlace, *, may_begin: bool) -> Repository | None:
    """Open the repository of a job for its plan; None if the job would create it. Raises as `repository_for_job`."""
    rows = _rows_at(place)
    held = [] if may_begin else _holdings_of(rows)
    if not place.exists():
        if held:
            raise StorageAbsent(_absent_message(job, place, held))
        return None
    repository = place.open()
    if held and _row_of(repository, place, rows) is None:
        raise StorageExchanged(_exchanged_message(job, place, repository, held))
    return repository


def repository_enter(repository: Repository, place: RepositoryPlace, *, now: datetime) -> StoredRepository:
    """Return the row of a repository that was opened at a place; create it if there is none."""
    return _enter(repository, place, _row_of(repository, place, _rows_at(place)), now=now)


def packs_seen(row: StoredRepository, *, listing: str, seconds: float, now: datetime) -> None:
    """Record that the packs of a repository were compared with its indexes, and the duration."""
    with ledger_access("noting a look at the packs"):
        rows = StoredRepository.objects.using(ledger_alias()).filter(pk=row.pk)
        rows.update(packs_listing=listing, packs_seen_at=now, packs_seconds=seconds)


def require_repository(job: BackupJob, repository: Repository) -> None:
    """Refuse to work on the backup of a job in another repository than its own. Raises `StorageExchanged`."""
    with ledger_access("looking at the repository of a job"):
        row = job.repository
    if row is not None and row.repository_id not in {"", repository.id}:
        raise StorageExchanged(
            f"The backup of {job.job_name} is in the repository {row.repository_id[:8]}, but another repository"
            f" ({repository.id[:8]}) is in its place; put the right one back."
        )


def _rows_at(place: RepositoryPlace) -> list[StoredRepository]:
    return [row for row in repositories_known() if place.holds(row.storage_path, encrypted=row.encrypted)]


def _holdings_of(rows: list[StoredRepository]) -> list[Holding]:
    keys = {row.pk for row in rows}
    return [held for key, held in repository_holdings().items() if key in keys] if keys else []


def _row_of(repository: Repository, place: RepositoryPlace, rows: list[StoredRepository]) -> StoredRepository | None:
    """Return the row of this repository: by its id, or if the row has no id yet, by its snapshots."""
    for row in rows:
        if row.repository_id == repository.id:
            return row
    names = repository_files(place).snapshots
    for row in rows:
        if not row.repository_id and _holds_one_of(row, names):
            return row
    return None


def _holds_one_of(row: StoredRepository, names: frozenset[str]) -> bool:
    with ledger_access("looking for the snapshots of a repository"):
        jobs = BackupJob.objects.using(ledger_alias()).filter(HAS_BACKUP, repository=row)
        return any(one in names for one in jobs.values_list("snapshot_id", flat=True).iterator())


def _enter(
    repository: Repository, place: RepositoryPlace, row: StoredRepository | None, *, now: datetime
) -> StoredRepository:
    digest = config_digest(place)
    with ledger_access("entering a repository"), transaction.atomic(using=ledger_alias()):
        if row is None:
            row = StoredRepository(storage_path=place.storage_path, encrypted=place.encrypted, first_seen_at=now)
        row.repository_id, row.config_digest, row.last_seen_at = repository.id, digest, now
        row.save(using=ledger_alias())
    return row


def _absent_message(job: BackupJob, place: RepositoryPlace, held: list[Holding]) -> str:
    fault = repository_files(place).fault or Fault("", "")
    return (
        f"There is no repository in {str(place.path)!r}, and {_held_text(held)} there. {fault.reason} {fault.remedy}"
        f" Then run the job again. {_new_repository_hint(job)}"
    )


def _exchanged_message(job: BackupJob, place: RepositoryPlace, repository: Repository, held: list[Holding]) -> str:
    return (
        f"The repository in {str(place.path)!r} ({repository.id[:8]}) is not the one that the catalogue knows, and"
        f" {_held_text(held)} there that it does not hold. Put the right repository back, and run the job again."
        f" {_new_repository_hint(job)}"
    )


def _held_text(held: list[Holding]) -> str:
    backups, newest = sum(one.backups for one in held), max(one.newest for one in held)
    return f"the catalogue has {backups} backups (the newest of {newest:%Y-%m-%d %H:%M})"


def _new_repository_hint(job: BackupJob) -> str:
    what = f"--config {shlex.quote(job.configuration_name)}" if job.configuration_name else f"--type {job.backup_type}"
    return (
        "If the old backups are lost for good, move what is left of them away, and begin a new one:"
        f" `manage.py trigger_backup {what} --new-repository`."
    )
