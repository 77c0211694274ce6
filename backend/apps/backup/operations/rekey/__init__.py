"""The change of the passphrase of repositories and packages, or of whole repositories with a new master key."""

from .new_repository import complete_exchanges
from .plan import RekeyPlan, plan_rekey
from .release import ReleaseResult, plan_release_keys, release_keys
from .run import RekeyResult, rekey

__all__ = [
    "RekeyPlan",
    "RekeyResult",
    "ReleaseResult",
    "complete_exchanges",
    "plan_rekey",
    "plan_release_keys",
    "rekey",
    "release_keys",
]
