"""Write known damage of repositories into the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

from django.db import transaction

from strongroom.ids import StorageId
from strongroom.repository import Repository
from strongroom.repository.damage import Damage

from ..ledger import ledger_access, ledger_alias
from ..models import BackupJob, DamageFinder, DamageKind, Operation, OperationKind, OperationStatus, RepositoryDamage
from ..selectors.damages import damage_rows

_Rows: TypeAlias = list[tuple[str, str, str, str, str]]
"""Rows of damage: the file, the blob, the blob's kind, the kind of damage, and the reason."""


def damage_note(
    repository: Repository, damages: Iterable[Damage], *, found_by: DamageFinder, now: datetime
) -> list[RepositoryDamage]:
    """Write damage into the catalogue; return the rows that are new, or that are open again after they were healed."""
    rows: _Rows = [(one.pack, one.blob, one.blob_kind, str(one.kind), one.reason) for one in damages]
    return _note(repository, rows, found_by, now)


def damaged_files_note(
    repository: Repository, kind: DamageKind, faults: Mapping[StorageId, str], *, found_by: DamageFinder, now: datetime
) -> list[RepositoryDamage]:
    """Write index or snapshot files that cannot be read into the catalogue; return the new rows."""
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
                    # The damage was gone and is back, for example in a copy of the storage that was put back.
                    cleared = {"healed_at": None, "dropped_at": None, "is_needed": None}
                    is_new = bool(damage_rows().filter(pk=row.pk).update(**found, **cleared))
                    row.refresh_from_db(using=ledger_alias())
            if is_new:
                new.append(row)
    return new


def verification_queue(job: BackupJob, *, now: datetime) -> None:
    """Request the verification of a backup in the name of the system, unless one is requested already."""
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
