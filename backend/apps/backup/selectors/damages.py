"""Known damage, as rows of the ledger. A backup does not count damaged copies as stored.

`services.damages` finds out what the damage means for the backups.
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
"""Kinds of damage that are read past, and lose nothing as long as the packs are whole."""


def damage_rows() -> QuerySet[RepositoryDamage]:
    """All damage, healed or not."""
    return RepositoryDamage.objects.using(ledger_alias())


def damage_known(repository: Repository) -> list[RepositoryDamage]:
    """The damaged packs and blobs that an index still names, or that are lost."""
    with ledger_access("looking for known damage"):
        return list(damage_rows().filter(repository_id=repository.id, dropped_at=None).exclude(kind__in=FILES))


def damage_is_open(repository: Repository | None = None) -> bool:
    """Whether any damage is known that is still there, of this repository or of any."""
    with ledger_access("looking for known damage"):
        rows = damage_rows().filter(dropped_at=None)
        return (rows if repository is None else rows.filter(repository_id=repository.id)).exists()


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
