"""Repair a damaged repository: plan, show, execute. Intact content is kept; lost content stays lost.

    with repository.lock(exclusive=True) as lock:
        repair_index(repository, plan_index(repository), lock)           # first: index all packs
        repair_packs(repository, plan_packs(repository), lock)           # second: remove damaged packs from the index
        repair_snapshots(repository, plan_snapshots(repository), lock, forget=True)   # last: drop the lost files

A plan only reads. A crash at any point loses nothing that could be restored before: new files are durable before old
ones are removed, and the next repair or prune removes the rest.
"""

from strongroom.repair.indexes import IndexPlan, IndexResult, plan_index, repair_index
from strongroom.repair.packs import PacksPlan, PacksResult, plan_packs, repair_packs
from strongroom.repair.snapshots import (
    DamagedSnapshot,
    SnapshotsPlan,
    SnapshotsResult,
    plan_snapshots,
    repair_snapshots,
)

__all__ = [
    "DamagedSnapshot",
    "IndexPlan",
    "IndexResult",
    "PacksPlan",
    "PacksResult",
    "SnapshotsPlan",
    "SnapshotsResult",
    "plan_index",
    "plan_packs",
    "plan_snapshots",
    "repair_index",
    "repair_packs",
    "repair_snapshots",
]
