"""Changes of keys in the catalogue: their entry and release, and the rows that follow a replaced repository."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from strongroom.ids import StorageId

from ..ledger import ledger_access, ledger_alias
from ..models import BackupJob, KeyChange, RepositoryDamage, StoredRepository
from .audit import AuditObject, audit_record


def key_change_enter(
    storage_path: str, repository_id: str, *, old_key: str, new_key: str, replaced: str = "", now: datetime
) -> KeyChange:
    """Enter a change before it is carried out. A repeated call finds and updates the same row."""
    rows = KeyChange.objects.using(ledger_alias())
    with ledger_access("entering a change of the key"), transaction.atomic(using=ledger_alias()):
        row = rows.filter(repository_id=repository_id, new_key=new_key, released_at=None).first()
        if row is None:
            row = KeyChange(storage_path=storage_path, repository_id=repository_id, new_key=new_key, changed_at=now)
        row.old_key, row.replaced = old_key, replaced or row.replaced
        row.save(using=ledger_alias())
        audit_record(
            "key.change",
            AuditObject("repository", key=repository_id, name=storage_path),
            details={"old_key": old_key, "new_key": new_key, "replaced": row.replaced},
        )
    return row


def key_change_settle(change: KeyChange, *, now: datetime) -> None:
    """Note that the old key is removed. If no old repository is kept, the change is released."""
    with ledger_access("releasing a change of the key"), transaction.atomic(using=ledger_alias()):
        change.old_key = ""
        change.released_at = None if change.replaced else now
        change.save(using=ledger_alias())
        audit_record("key.release", AuditObject("repository", key=change.repository_id, name=change.storage_path))


def key_change_forget_replaced(change: KeyChange) -> None:
    """Note that the old repository is deleted."""
    with ledger_access("releasing a change of the key"):
        change.replaced = ""
        change.save(using=ledger_alias())


def snapshots_repoint(
    copies: Mapping[StorageId, StorageId], repository: StoredRepository, *, replaced: str, now: datetime
) -> int:
    """Make jobs name the copies of their snapshots, given by old id; return their number. A repetition is harmless.

    The damage of the replaced repository is closed.
    """
    count = 0
    with ledger_access("following snapshots into a new repository"), transaction.atomic(using=ledger_alias()):
        jobs = BackupJob.objects.using(ledger_alias()).exclude(snapshot_id="")
        of_old = StoredRepository.objects.using(ledger_alias()).filter(
            storage_path=repository.storage_path, encrypted=repository.encrypted
        )
        for old, new in copies.items():
            rows = jobs.filter(snapshot_id=old, repository__in=of_old) | jobs.filter(snapshot_id=old, repository=None)
            count += jobs.filter(pk__in=list(rows.values_list("pk", flat=True))).update(
                snapshot_id=new, repository=repository
            )
        others = set(of_old.exclude(pk=repository.pk).values_list("repository_id", flat=True))
        damages = RepositoryDamage.objects.using(ledger_alias()).filter(repository_id__in=others, dropped_at=None)
        damages.update(dropped_at=now)
        audit_record(
            "repository.exchange",
            AuditObject("repository", key=repository.repository_id, name=repository.storage_path),
            details={"snapshots": count, "replaced": replaced},
        )
    return count


def package_update(job: uuid.UUID, *, size: int, sha256: str, mark: str) -> None:
    """Write the size, the hash and the mark of the passphrase of a package that was encrypted again."""
    with ledger_access("entering a package that was encrypted anew"):
        BackupJob.objects.using(ledger_alias()).filter(uuid=job).update(
            stored_size=size, checksum=sha256, sealed_with=mark
        )
