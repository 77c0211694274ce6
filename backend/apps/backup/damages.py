"""Known damage, as rows of the ledger. A backup does not count damaged copies as stored.

`services.damages` finds out what the damage means for the backups.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

from django.db import transaction
from django.db.models import Q, QuerySet

from strongroom.ids import StorageId
from strongroom.repository import Repository
from strongroom.repository.damage import Damage
from strongroom.repository.damage import DamageKind as StoredKind

from .ledger import ledger_access, ledger_alias
from .models import (
    BackupJob,
    DamageFinder,
    DamageKind,
    DoubtedBackup,
    Operation,
    OperationKind,
    OperationStatus,
    RepositoryDamage,
    Trust,
)
from .selectors import HAS_BACKUP, STORED_STATUSES
from .selectors.rows import job_rows

FILES = (DamageKind.INDEX, DamageKind.SNAPSHOT)
"""Kinds of damage that are read past, and lose nothing as long as the packs are whole."""

_Rows: TypeAlias = list[tuple[str, str, str, str, str]]
"""File, blob, its kind, what is wrong, and the reason."""


def damage_rows() -> QuerySet[RepositoryDamage]:
    """All damage, healed or not."""
    return RepositoryDamage.objects.using(ledger_alias())


def damage_note(
    repository: Repository, damages: Iterable[Damage], *, found_by: DamageFinder, now: datetime
) -> list[RepositoryDamage]:
    """Write damage down; the rows that are new, or that count again after they were healed."""
    rows: _Rows = [(one.pack, one.blob, one.blob_kind, str(one.kind), one.reason) for one in damages]
    return _note(repository, rows, found_by, now)


def damaged_files_note(
    repository: Repository, kind: DamageKind, faults: Mapping[StorageId, str], *, found_by: DamageFinder, now: datetime
) -> list[RepositoryDamage]:
    """Write down index or snapshot files that cannot be read."""
    return _note(repository, [(name, "", "", str(kind), reason) for name, reason in faults.items()], found_by, now)


def _note(repository: Repository, rows: _Rows, found_by: DamageFinder, now: datetime) -> list[RepositoryDamage]:
    new: list[RepositoryDamage] = []
    with ledger_access("writing down damage"):
        for file, blob, blob_kind, kind, reason in sorted(set(rows)):
            found = {"kind": kind, "reason": reason, "found_at": now, "found_by": found_by}
            with transaction.atomic(using=ledger_alias()):
                row, is_new = damage_rows().get_or_create(
                    repository_id=repository.id,
                    file_id=file,
                    blob_id=blob,
                    blob_kind=blob_kind,
                    defaults={**found, "location": repository.location[:1000]},
                )
                if not is_new and row.dropped_at is not None:
                    # It was gone, and is there again: a copy of the storage was put back.
                    cleared = {"healed_at": None, "dropped_at": None, "is_needed": None}
                    is_new = bool(damage_rows().filter(pk=row.pk).update(**found, **cleared))
                    row.refresh_from_db(using=ledger_alias())
            if is_new:
                new.append(row)
    return new


def damage_known(repository: Repository) -> list[RepositoryDamage]:
    """The damaged packs and blobs that an index still names, or that are lost."""
    with ledger_access("looking for known damage"):
        return list(damage_rows().filter(repository_id=repository.id, dropped_at=None).exclude(kind__in=FILES))


def damage_is_open(repository: Repository | None = None) -> bool:
    """Whether any damage is known that is still there, of this repository or of any."""
    with ledger_access("looking for known damage"):
        rows = damage_rows().filter(dropped_at=None)
        return (rows if repository is None else rows.filter(repository_id=repository.id)).exists()


def verification_queue(job: BackupJob, *, now: datetime) -> None:
    """Have an executor verify a backup soon, in the name of the system, unless that is asked for already."""
    with ledger_access("asking for a verification"), transaction.atomic(using=ledger_alias()):
        rows = Operation.objects.using(ledger_alias())
        unfinished = [OperationStatus.AWAITING_APPROVAL, OperationStatus.PENDING, OperationStatus.RUNNING]
        if not rows.filter(kind=OperationKind.VERIFY, job=job, status__in=unfinished).exists():
            rows.create(
                kind=OperationKind.VERIFY,
                status=OperationStatus.PENDING,
                job=job,
                subject=job.job_name[:300],
                arguments={"backup": str(job.uuid)},
                requested_by_name="the system",
                queued_at=now,
            )


def damages_open() -> list[RepositoryDamage]:
    """All damage that is still there, newest first."""
    with ledger_access("looking for known damage"):
        return list(damage_rows().filter(dropped_at=None))


def doubts_count() -> int:
    """How many backups that are still stored are DAMAGED because of it."""
    with ledger_access("counting doubted backups"):
        doubts = DoubtedBackup.objects.using(ledger_alias())
        return doubts.filter(job__trust=Trust.DAMAGED, job__removal_started_at=None).count()


def damaged_otherwise(*, absent: Q) -> list[str]:
    """Return the names of backups that are DAMAGED by no known damage of a repository, newest first; mostly packages.

    One that meets the condition `absent` is not there, which is told apart.
    """
    with ledger_access("looking for damaged backups"):
        rows = job_rows().filter(HAS_BACKUP, status__in=STORED_STATUSES, trust=Trust.DAMAGED, doubt=None)
        return list(rows.exclude(absent).order_by("-queued_at", "-pk").values_list("job_name", flat=True))


def as_damage(row: RepositoryDamage) -> Damage:
    """The engine's record of a damaged pack or blob."""
    return Damage(StorageId(row.file_id), StoredKind(row.kind), row.blob_id, row.blob_kind, row.reason)
