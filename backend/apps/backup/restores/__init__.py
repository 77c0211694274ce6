"""Restores: a plan that changes nothing, staging beside the live system, verification, a swap that can be undone."""

from ..errors import JournalUnwritable, RestoreFailed, RestoreRefused, RestoreUnfinished
from .access.models import access_models
from .backup_source import open_origin
from .execute import Restore, RestoreResult
from .journal import folders as journal_folders
from .journal import interrupted_restores, journals, mixed_restores
from .ledger.record import ledger_is_readable
from .look_at_kept import Opened, open_kept, plan_open_kept
from .partial.to_database import restore_to_database
from .partial.to_folder import restore_to_folder
from .planning.live import plan_restore, plan_to_database, plan_to_folder
from .planning.plan import Plan
from .rollback import Consequences, plan_release, plan_rollback, recover_restores, release, rollback

__all__ = [
    "Consequences",
    "JournalUnwritable",
    "Opened",
    "Plan",
    "Restore",
    "RestoreFailed",
    "RestoreRefused",
    "RestoreResult",
    "RestoreUnfinished",
    "access_models",
    "interrupted_restores",
    "journal_folders",
    "journals",
    "ledger_is_readable",
    "mixed_restores",
    "open_kept",
    "open_origin",
    "plan_open_kept",
    "plan_release",
    "plan_restore",
    "plan_rollback",
    "plan_to_database",
    "plan_to_folder",
    "recover_restores",
    "release",
    "restore_to_database",
    "restore_to_folder",
    "rollback",
]
