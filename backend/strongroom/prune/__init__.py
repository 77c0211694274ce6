"""Snapshots forgotten, and the space that nothing needs any more taken back: plan, show, execute.

    with repository.lock(exclusive=True) as lock:
        plan = plan_prune(repository, without=going)      # reads only; refuses a repository that is not whole
        forget(repository, going, lock)
        result = execute_prune(repository, plan, lock)

A plan alone needs no more than a shared lock; executed is only one that was made while the same exclusive lock was held
that is held now. Whatever moment a crash chooses, every snapshot that was not forgotten can be restored, and the next
prune takes up what is left.
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
