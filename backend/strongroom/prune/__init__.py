"""Forget snapshots, and free the space of blobs that no snapshot needs: plan, show, execute.

    with repository.lock(exclusive=True) as lock:
        plan = plan_prune(repository, without=going)      # only reads; refuses a damaged repository
        forget(repository, going, lock)
        result = execute_prune(repository, plan, lock)

A shared lock is enough to plan. `execute_prune` accepts only a plan that was made under the same exclusive lock. After
a crash at any point, every snapshot that was not forgotten can be restored, and the next prune removes the rest.
"""

from strongroom.prune.execute import PruneResult, execute_prune
from strongroom.prune.forget_snapshots import forget
from strongroom.prune.plan import PrunePlan, plan_prune
from strongroom.prune.progress import PruneProgress
from strongroom.prune.select_packs import Packs, PruneOptions

__all__ = [
    "Packs",
    "PruneOptions",
    "PrunePlan",
    "PruneProgress",
    "PruneResult",
    "execute_prune",
    "forget",
    "plan_prune",
]
