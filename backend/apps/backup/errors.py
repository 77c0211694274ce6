"""The errors of the backup system, apart from the engine's own.

BackupError                      what failed, for which thing, what to do next
├── SettingsInvalid              a setting is missing or wrong
├── StorageRefused               a storage path leaves its roots, or is not usable
├── StorageAbsent                a repository with backups of the catalogue is missing
│   └── StorageExchanged         … and another one is in its place
├── ConfigurationNotFound        there is no such configuration
├── LedgerError
│   ├── LedgerUnavailable        the database of the catalogue cannot be read or written
│   │   └── LedgerMissing        … and will not come back by itself
│   ├── JobNotFound              no such job
│   ├── OperationNotFound        no such operation
│   ├── RestoreNotFound          no such restore
│   ├── AcknowledgementNotFound  no such acknowledgement
│   ├── UploadNotFound           no such upload of this user
│   ├── IllegalTransition        the job is not in a state that allows this
│   ├── SlotTaken                the configuration has a job for that slot already
│   ├── AlreadyRunning           the configuration has a running job already
│   └── LeaseLost                another process decided about this job; nothing may be published
├── StorageBusy                  another process holds a file lock of the storage for too long
├── StorageFull                  there is no room for what is to be stored
├── UploadConflict               the request continues an upload at a wrong offset
│   └── UploadBusy               another request adds to the upload
├── BrokerUnavailable            the message broker does not take messages
├── ReferenceFailed
│   ├── BackupNotFound           no backup matches the reference
│   ├── BackupRemoved            it was removed, by retention or by a user
│   └── AmbiguousReference       several backups match the reference
├── ApprovalRefused              a second person must decide
├── RequestRefused               the job cannot be run as asked
├── RestoreRefused               the restore is not possible as requested; nothing was changed
├── RestoreFailed                a restore did not succeed
│   └── RestoreUnfinished        … and recovery must complete it
├── JournalUnwritable            the journal of a restore cannot be written
├── RekeyFailed                  a change of keys is not done, or not done yet
└── JobFailed                    the job ended without a usable backup
    └── JobKilled                the process of the job is gone
"""

import uuid
from collections.abc import Sequence


class BackupError(Exception):
    """An error that names what failed, for which thing, and what to do next, in one or two sentences.

    `retryable` says whether the same job may succeed later by itself.
    """

    retryable = False


class SettingsInvalid(BackupError):
    """A setting is missing or wrong."""


class StorageRefused(BackupError):
    """A storage path leaves the allowed roots, or cannot be used."""


class StorageAbsent(BackupError):
    """A repository or package with backups of the catalogue is missing: it is not mounted, or lost."""

    retryable = True


class StorageExchanged(StorageAbsent):
    """Another repository lies in the place of one with backups of the catalogue."""

    retryable = False


class ConfigurationNotFound(BackupError):
    """There is no configuration of that name or uuid."""


class LedgerError(BackupError):
    """The catalogue refuses, or cannot be reached."""


class LedgerUnavailable(LedgerError):
    """The database that holds the catalogue cannot be read or written."""

    retryable = True


class LedgerMissing(LedgerUnavailable):
    """The file of the catalogue's database does not exist."""

    retryable = False


class JobNotFound(LedgerError):
    """The catalogue has no such job."""


class OperationNotFound(LedgerError):
    """The catalogue has no such operation."""


class RestoreNotFound(LedgerError):
    """The catalogue has no such restore."""


class AcknowledgementNotFound(LedgerError):
    """There is no such acknowledgement."""


class UploadNotFound(LedgerError):
    """The user has no such upload."""


class IllegalTransition(LedgerError):
    """The row is not in a state that allows this step."""


class SlotTaken(LedgerError):
    """The configuration has a job for that slot already."""


class AlreadyRunning(LedgerError):
    """The configuration has a running job already; `job` is its uuid, where it is known."""

    retryable = True

    def __init__(self, text: str, job: uuid.UUID | None = None) -> None:
        super().__init__(text)
        self.job = job


class TooManyOpen(LedgerError):
    """The user has reached the limit of unfinished operations."""


class LeaseLost(LedgerError):
    """Another process decided about this job; this one may publish nothing more."""


class StorageBusy(BackupError):
    """Another process holds a file lock of the storage for too long; it may be stopped."""

    retryable = True


class StorageFull(BackupError):
    """There is no room for what is to be stored."""


class UploadConflict(BackupError):
    """The request continues an upload at a wrong offset."""


class UploadBusy(UploadConflict):
    """Another request is adding to the upload."""

    retryable = True


class BrokerUnavailable(BackupError):
    """The message broker does not take messages."""

    retryable = True


class ReferenceFailed(BackupError):
    """A reference to a backup cannot be resolved."""


class BackupNotFound(ReferenceFailed):
    """No backup matches the reference."""


class BackupRemoved(ReferenceFailed):
    """The backup has been removed or is being removed."""


class AmbiguousReference(ReferenceFailed):
    """Several backups match the reference."""


class ApprovalRefused(BackupError):
    """A second person must decide: the caller is the first one, or this kind of request has no approval."""


class RequestRefused(BackupError):
    """The request cannot be carried out as it is. `fields` holds pairs of a field and its error, if they are known."""

    def __init__(self, text: str, fields: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(text)
        self.fields = tuple(fields)


class JobFailed(BackupError):
    """The job ended without a usable backup; the catalogue says why."""


class JobKilled(JobFailed):
    """The process of the job is gone."""


class RestoreFailed(BackupError):
    """The restore, or the rehearsal of one, did not succeed; the text says what is live now."""


class RekeyFailed(BackupError):
    """A change of keys is not possible, or did not complete; the text says which key is in use."""


class RestoreRefused(BackupError):
    """The restore is not possible or not allowed as requested; nothing was changed."""


class RestoreUnfinished(RestoreFailed):
    """The restore is neither done nor undone. Its journal has the steps, and recovery completes it."""


class JournalUnwritable(BackupError):
    """The journal of a restore cannot be written, so the restore takes no further step."""
