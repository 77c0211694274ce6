"""The catalogue: configurations, jobs and their logs, restores, prunes, operations, executors and the audit trail.

The catalogue is the truth about work in progress, and a mirror of the repositories: job rows can be made again from the
repositories alone. Every constraint is in the database, in a form that SQLite, PostgreSQL and MariaDB all enforce.
There are no partial indexes: in their place is a column that is null while the rule does not apply.
"""

from .audit import Acknowledgement, AuditChain, AuditEvent, AuditOrigin
from .configurations import (
    BackupConfiguration,
    BackupType,
    ConfigurationStatus,
    ConfirmedPassphrase,
    Frequency,
    InstalledPolicy,
)
from .damage import DamageFinder, DamageKind, DoubtedBackup, RepositoryDamage
from .executors import Executor, ExecutorKind
from .jobs import BackupJob, JobEvent, JobStatus, RehearsalState, Trigger, Trust, WokenBy
from .operations import Operation, OperationKind, OperationStatus, Upload
from .repositories import KeyChange, PruneRun, PruneStatus, StoredRepository
from .restores import RestoreJob, RestoreStatus, RestoreType, RollbackState

__all__ = [
    "Acknowledgement",
    "AuditChain",
    "AuditEvent",
    "AuditOrigin",
    "BackupConfiguration",
    "BackupJob",
    "BackupType",
    "ConfigurationStatus",
    "ConfirmedPassphrase",
    "DamageFinder",
    "DamageKind",
    "DoubtedBackup",
    "Executor",
    "ExecutorKind",
    "Frequency",
    "InstalledPolicy",
    "JobEvent",
    "JobStatus",
    "KeyChange",
    "Operation",
    "OperationKind",
    "OperationStatus",
    "PruneRun",
    "PruneStatus",
    "RehearsalState",
    "RepositoryDamage",
    "RestoreJob",
    "RestoreStatus",
    "RestoreType",
    "RollbackState",
    "StoredRepository",
    "Trigger",
    "Trust",
    "Upload",
    "WokenBy",
]
