"""Put a damaged repository in order: plan, show, execute. Whole content is kept; lost content stays lost.

    with repository.lock(exclusive=True) as lock:
        repair_index(repository, plan_index(repository), lock)                    # first, so that all packs are known
        repair_packs(repository, plan_packs(repository), lock)                    # then, so that no index names damage
        repair_snapshots(repository, plan_snapshots(repository), lock, forget=True)   # last, what is lost left out

A plan only reads. Whatever moment a crash chooses, what could be restored before can be restored after it: new files
are durable before old ones go, and the next repair or prune takes up what is left.
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
