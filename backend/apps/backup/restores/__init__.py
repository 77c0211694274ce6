"""Restores: a plan that touches nothing, staging beside the live system, verification, a swap that can be undone."""

from .access_models import access_models
from .errors import JournalUnwritable, RestoreFailed, RestoreRefused, RestoreUnfinished
from .execute import Restore, RestoreResult
from .folder import restore_to_folder
from .journal import folders as journal_folders
from .journal import interrupted, journals, mixed
from .opening import Opened, open_kept, plan_open_kept
from .origin import open_origin
from .plan import Choice, Plan
from .planning import plan_restore, plan_to_database, plan_to_folder
from .record import ledger_is_readable
from .rollback import (
    Consequences,
    plan_release,
    plan_rollback,
    recover_restores,
    release,
    rollback,
)
from .scratch import restore_to_database

__all__ = [
    "Choice",
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
    "interrupted",
    "journal_folders",
    "journals",
    "ledger_is_readable",
    "mixed",
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
