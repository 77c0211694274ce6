"""Forecast the space that a removal would free, before anything is removed."""

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
    """The forecast for one repository, in bytes: the total before, the freed part, and the part that is too young."""

    place: RepositoryPlace
    snapshots: int
    total_bytes: int
    freed_bytes: int
    young_bytes: int
    young_until: datetime | None
    worth_it: bool


def forecast(going: Iterable[BackupJob]) -> list[PlaceForecast]:
    """Return the space that would be freed if the backups of these jobs were removed and each repository was pruned.

    Only reads, under a shared lock.
    """
    places: dict[RepositoryPlace, set[StorageId]] = {place: set() for place in known_places()}
    for job in going:
        ref = job_ref(job)
        if ref.place is not None and ref.place.exists():
            places.setdefault(ref.place, set()).add(StorageId(ref.snapshot_id))
    found = []
    for place, snapshots in sorted(places.items()):
        repository = place.open()
        with repository.lock(optional=True):
            present = {snapshot.id for snapshot in repository.readable_snapshots()[0]}
            plan = plan_prune(repository, without=snapshots & present or snapshots_removed_before(place, present))
        found.append(_forecast(place, len(snapshots & present), plan))
    return found


def snapshots_removed_before(place: RepositoryPlace, present: Collection[StorageId]) -> list[StorageId]:
    """Return the removed snapshots of a repository that holds none any more, if all were removed on purpose.

    Returns none if a snapshot of the catalogue was not removed: it is then lost, and a prune must not free its content.
    """
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
    """Return the time from which a prune can free the part that is too young now; None if the storage has no times."""
    return None if plan.young_until is None else datetime.fromtimestamp(plan.young_until, UTC)
