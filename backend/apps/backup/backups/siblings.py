"""Choose between several snapshots with the tag of one job.

A job stores one snapshot. It has two for an instant when it stores damaged content again or makes another pass, for
longer if it is killed just then, and after `strongroom repair snapshots`.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

from strongroom.checker import verify_snapshot
from strongroom.format.snapshot import Snapshot
from strongroom.repair.snapshots import is_repaired
from strongroom.repository import Repository

from .references import job_tag_of

LOST = "Lost files were left out of this backup by `strongroom repair snapshots`; their names are not known here."


def newest_first(snapshots: Collection[Snapshot]) -> list[Snapshot]:
    """Return the snapshots of one job, the newest first; those that lack lost files come after the complete ones."""
    return sorted(snapshots, key=lambda one: (not is_repaired(one), one.time_ns, one.id), reverse=True)


def choose_sibling(repository: Repository, snapshots: Sequence[Snapshot]) -> Snapshot:
    """Return the newest snapshot of one job that verifies; the newest of all if none does.

    Reads snapshots in full, but only if there are several. The caller holds a lock meanwhile.
    """
    ordered = newest_first(snapshots)
    if len(ordered) == 1:
        return ordered[0]
    return next((one for one in ordered if verify_snapshot(repository, one).good), ordered[0])


def snapshots_of(repository: Repository, jobs: Collection[uuid.UUID]) -> list[Snapshot]:
    """Return all readable snapshots of these jobs, the oldest first."""
    tags = {job_tag_of(job) for job in jobs}
    return [one for one in repository.readable_snapshots()[0] if not tags.isdisjoint(one.tags)]
