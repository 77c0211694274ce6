"""Reads of removed backups and prune runs."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import OuterRef, QuerySet, Subquery

from ..ledger import ledger_access, ledger_alias
from ..models import BackupJob, PruneRun, PruneStatus


def removals_unfinished(*, among: Collection[BackupJob] | None = None) -> list[BackupJob]:
    """Return the backups that are marked and may still be in the storage; with `among` only those of its jobs."""
    with ledger_access("looking for unfinished removals"):
        rows = _jobs().filter(removal_started_at__isnull=False, removed_at=None)
        if among is None:
            return list(rows)
        wanted = {job.pk for job in among}
        return [job for job in rows if job.pk in wanted]


def prune_latest(repository: str) -> PruneRun | None:
    """Return the newest completed prune of a repository, or None."""
    with ledger_access("looking for the latest prune"):
        rows = PruneRun.objects.using(ledger_alias())
        return rows.filter(repository=repository, status=PruneStatus.COMPLETED).first()


def prunes_latest() -> list[PruneRun]:
    """Return the newest prune of each repository."""
    with ledger_access("looking for the latest prunes"):
        rows = PruneRun.objects.using(ledger_alias())
        newest = rows.filter(repository=OuterRef("repository")).order_by("-started_at", "-id").values("pk")[:1]
        return list(rows.filter(pk=Subquery(newest)))


def removed_since(moment: datetime | None) -> bool:
    """Return whether any backup was removed since then; with None, whether any was ever removed."""
    with ledger_access("looking for removed backups"):
        rows = _jobs().filter(removed_at__isnull=False)
        return (rows if moment is None else rows.filter(removed_at__gte=moment)).exists()


def _jobs() -> QuerySet[BackupJob]:
    return BackupJob.objects.using(ledger_alias())
