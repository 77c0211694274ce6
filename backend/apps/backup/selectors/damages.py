"""Reads of known damage. A backup does not use damaged copies of content as stored ones.

`services.damages` assesses the effect of the damage on backups.
"""

from __future__ import annotations

from django.db.models import Q, QuerySet

from strongroom.ids import StorageId
from strongroom.repository import Repository
from strongroom.repository.damage import Damage
from strongroom.repository.damage import DamageKind as StoredKind

from ..ledger import ledger_access, ledger_alias
from ..models import DamageKind, DoubtedBackup, RepositoryDamage, Trust
from . import HAS_BACKUP, STORED_STATUSES
from .rows import job_rows

FILES = (DamageKind.INDEX, DamageKind.SNAPSHOT)
"""Kinds of damage that readers skip; nothing is lost while the packs are whole."""


def damage_rows() -> QuerySet[RepositoryDamage]:
    """Return all damage, healed or not."""
    return RepositoryDamage.objects.using(ledger_alias())


def damage_known(repository: Repository) -> list[RepositoryDamage]:
    """Return the damaged packs and blobs that an index still names, or that are lost."""
    with ledger_access("looking for known damage"):
        return list(damage_rows().filter(repository_id=repository.id, dropped_at=None).exclude(kind__in=FILES))


def damage_is_open(repository: Repository | None = None) -> bool:
    """Return whether damage that still exists is known, in this repository or in any."""
    with ledger_access("looking for known damage"):
        rows = damage_rows().filter(dropped_at=None)
        return (rows if repository is None else rows.filter(repository_id=repository.id)).exists()


def damages_open() -> list[RepositoryDamage]:
    """Return all damage that still exists, newest first."""
    with ledger_access("looking for known damage"):
        return list(damage_rows().filter(dropped_at=None))


def doubts_count() -> int:
    """Return the number of stored backups that are DAMAGED because of damage in a repository."""
    with ledger_access("counting doubted backups"):
        doubts = DoubtedBackup.objects.using(ledger_alias())
        return doubts.filter(job__trust=Trust.DAMAGED, job__removal_started_at=None).count()


def damaged_otherwise(*, absent: Q) -> list[str]:
    """Return the names of DAMAGED backups without known damage in a repository, newest first; mostly packages.

    Backups that meet the condition `absent` are missing from the storage, which another finding reports.
    """
    with ledger_access("looking for damaged backups"):
        rows = job_rows().filter(HAS_BACKUP, status__in=STORED_STATUSES, trust=Trust.DAMAGED, doubt=None)
        return list(rows.exclude(absent).order_by("-queued_at", "-pk").values_list("job_name", flat=True))


def as_damage(row: RepositoryDamage) -> Damage:
    """Return the engine's record of a damaged pack or blob."""
    return Damage(StorageId(row.file_id), StoredKind(row.kind), row.blob_id, row.blob_kind, row.reason)
