"""Drop damaged packs from the index as soon as each blob that is needed of them is stored again.

Our own reader finds the undamaged copy of a blob. The stock restic takes any copy that the index names.
"""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from strongroom.affected_snapshots import find_affected
from strongroom.errors import RepositoryLocked, StrongroomError
from strongroom.ids import StorageId
from strongroom.repair import PacksPlan, plan_packs, repair_packs
from strongroom.repository import Repository
from strongroom.repository.damage import Damage, DamageKind

from ..errors import BackupError
from ..models import BackupJob, DamageFinder
from ..selectors import STORED_STATUSES
from ..selectors.damages import damage_is_open, damage_known
from ..services.damages import damage_found, damage_settle
from ..services.removals import job_warn
from ..storage.locations import RepositoryPlace
from .references import job_ref


def drop_healed_packs_after(job: BackupJob) -> None:
    """Drop damaged packs that no snapshot needs any more from the repository of a job.

    A failure becomes a warning of the job; the next job tries again.
    """
    if job.status not in STORED_STATUSES or not job.snapshot_id:
        return
    try:
        place = job_ref(job).place
        if place is not None and damage_is_open():
            drop_healed_packs(place, now=timezone.now())
    except RepositoryLocked:
        return  # other processes use the repository: the next job tries again
    except (BackupError, StrongroomError, OSError) as error:
        job_warn(job.uuid, f"Damaged packs could not be dropped from the index: {error}", now=timezone.now())


def drop_healed_packs(place: RepositoryPlace, *, now: datetime) -> list[StorageId]:
    """Copy the undamaged blobs out of packs whose damage is healed, drop these packs, and return their names.

    Raises `RepositoryLocked`, and the error that keeps the repository from being read or written.
    """
    repository = place.open()
    packs = _healed(repository)
    if not packs or repository.config.append_only:
        return []
    with repository.lock(exclusive=True) as lock:
        plan = plan_packs(repository, packs)
        if _loses_something(repository, plan):
            return []
        repair_packs(repository, plan, lock)
        damage_settle(repository, found_by=DamageFinder.BACKUP, now=now)
    return list(plan.packs)


def _healed(repository: Repository) -> list[StorageId]:
    """Return the packs with known damage of which no damaged blob is needed."""
    rows = [row for row in damage_known(repository) if row.file_id]
    needed = {row.file_id for row in rows if row.healed_at is None}
    return sorted(StorageId(pack) for pack in {row.file_id for row in rows} - needed)


def _loses_something(repository: Repository, plan: PacksPlan) -> bool:
    """Record damage that was not known yet and that a snapshot needs; return whether there is any: the pack stays."""
    if not plan.lost:
        return False
    index = repository.load_index()
    need = find_affected(repository, index, repository.readable_snapshots()[0], plan.lost)
    found = [
        Damage(pack, DamageKind.BLOB, blob.hex(), kind.name.lower(), "Found when the pack was to be dropped.")
        for kind, blob in need.blobs
        for pack, _ in index.find(kind, blob)
        if pack in plan.packs
    ]
    if found:
        damage_found(repository, found, found_by=DamageFinder.BACKUP, now=timezone.now())
    return bool(found)
