"""What space would come back, before anything is removed."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from strongroom.ids import StorageId
from strongroom.prune import PrunePlan, plan_prune

from ..backups.references import job_ref
from ..models import BackupJob
from ..selectors import jobs_with_snapshots
from ..storage.locations import RepositoryPlace, known_places


@dataclasses.dataclass(frozen=True, slots=True)
class PlaceForecast:
    """What a tidying would give back in one repository, in bytes; the total before, and what is too young to go yet."""

    place: RepositoryPlace
    snapshots: int
    total_bytes: int
    freed_bytes: int
    young_bytes: int
    young_until: datetime | None
    worth_it: bool


def forecast(going: Iterable[BackupJob]) -> list[PlaceForecast]:
    """What would come back if these were removed and every repository pruned. Reads only, under a shared lock."""
    places: dict[RepositoryPlace, set[StorageId]] = {place: set() for place in known_places()}
    for job in going:
        ref = job_ref(job)
        if ref.place is not None and ref.place.exists():
            places.setdefault(ref.place, set()).add(StorageId(ref.snapshot_id))
    found = []
    for place, snapshots in sorted(places.items()):
        repository = place.open()
        with repository.lock(optional=True):
            there = {snapshot.id for snapshot in repository.readable_snapshots()[0]}
            plan = plan_prune(repository, without=snapshots & there or emptied(place, there))
        found.append(_forecast(place, len(snapshots & there), plan))
    return found


def emptied(place: RepositoryPlace, present: Collection[StorageId]) -> list[StorageId]:
    """What was removed here, if that is why the repository holds no snapshot; otherwise they are lost."""
    if present:
        return []
    known = [job for job in jobs_with_snapshots() if job_ref(job).place == place]
    if any(job.removed_at is None for job in known):
        return []
    return [StorageId(job.snapshot_id) for job in known]


def _forecast(place: RepositoryPlace, snapshots: int, plan: PrunePlan) -> PlaceForecast:
    return PlaceForecast(
        place=place,
        snapshots=snapshots,
        total_bytes=plan.total_bytes,
        freed_bytes=plan.freed_bytes,
        young_bytes=plan.young_unused,
        young_until=young_until(plan),
        worth_it=plan.worth_it,
    )


def young_until(plan: PrunePlan) -> datetime | None:
    """When everything that a prune had to leave alone for its age can go; None where the storage tells no times."""
    return None if plan.young_until is None else datetime.fromtimestamp(plan.young_until, UTC)
