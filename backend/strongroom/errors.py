"""All errors of the engine. No other exception type leaves it.

StrongroomError
├── BackendError                    the storage failed
│   ├── FileMissing                 … the file does not exist
│   ├── FileExists                  … the file exists; nothing is ever overwritten
│   ├── StorageFull                 … no space, quota or file-size limit left
│   ├── StorageDenied               … no permission to read or write there
│   └── UnsupportedAddress          … no backend for this kind of address
├── RepositoryError
│   ├── NoRepository                no repository there
│   ├── RepositoryExists            a repository exists there
│   ├── UnsupportedRepository       unknown version or feature
│   ├── WrongPassphrase             no key opens with this passphrase
│   ├── KeyNotFound                 no key, or several keys, with that name
│   ├── KeyProtected                the last key and the key in use cannot be removed
│   ├── RepositoryLocked            another process holds a lock
│   ├── LockLost                    our lock has expired or was removed
│   ├── SnapshotNotFound            no snapshot, or several snapshots, with that id
│   ├── SnapshotProtected           the snapshot is protected against removal
│   ├── AppendOnly                  nothing may be removed from the repository
│   └── PlanOutdated                the repository has changed since the plan was made
├── PassphraseError                 no passphrase was given, or its source fails
├── Damaged                         stored data is not what was stored
├── PackageRefused                  a package cannot be written there, or is not accepted
│   ├── PackageDamaged              … it is not what was written
│   └── PackageLocked               … wrong passphrase, or damaged where the passphrase is checked
├── SourceError                     a stream failed while it was archived
└── RestoreError
    ├── TargetNotEmpty              a restore needs an empty folder
    ├── NoSpace                     the target has too little space
    ├── TargetDenied                no permission to write there
    └── UnsafeName                  a name in the snapshot would leave the target
"""

from __future__ import annotations

import errno
from typing import Final

OUT_OF_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Error numbers of the system for no space, no quota, and a file beyond the size limit."""


class StrongroomError(Exception):
    """Base of all errors. The text says what failed, for which thing, why, and what to do next.

    `retryable` is True if the same call may succeed later without a change by a person.
    """

    retryable = False


class BackendError(StrongroomError):
    """The storage failed."""

    retryable = True


class FileMissing(BackendError):
    """The file does not exist in the storage."""

    retryable = False


class FileExists(BackendError):
    """A file of that name is stored already. Nothing is ever overwritten."""

    retryable = False


class StorageFull(BackendError):
    """The storage has no space, quota or allowed file size left."""

    retryable = False


class StorageDenied(BackendError):
    """The storage denies access to this user."""

    retryable = False


class UnsupportedAddress(BackendError):
    """No backend exists for this kind of storage address."""

    retryable = False


class RepositoryError(StrongroomError):
    """The repository cannot be used in this way."""


class NoRepository(RepositoryError):
    """There is no repository at that place."""


class RepositoryExists(RepositoryError):
    """There is a repository, or a part of one, at that place."""


class UnsupportedRepository(RepositoryError):
    """The engine does not read or write repositories of this version or kind."""


class WrongPassphrase(RepositoryError):
    """No key of the repository opens with this passphrase."""


class KeyNotFound(RepositoryError):
    """No key, or more than one, has that name."""


class KeyProtected(RepositoryError):
    """The key is the last one, or the one that opened the repository."""


class RepositoryLocked(RepositoryError):
    """Another process holds a lock that excludes ours."""

    retryable = True


class LockLost(RepositoryError):
    """The lock could not be renewed. The repository must not be used any more."""

    retryable = True


class SnapshotNotFound(RepositoryError):
    """No snapshot, or more than one, has that id."""


class SnapshotProtected(RepositoryError):
    """The snapshot is protected against removal, until a time or for ever."""


class AppendOnly(RepositoryError):
    """The config of the repository forbids to remove anything."""


class PlanOutdated(RepositoryError):
    """The plan was not made under the lock that is held now, or the repository has changed since."""

    retryable = True


class PassphraseError(StrongroomError):
    """There is no passphrase, or its source fails."""


class Damaged(StrongroomError):
    """Stored data fails authentication, has the wrong hash, or cannot be decoded."""


class PackageRefused(StrongroomError):
    """The package cannot be written there, or is not accepted."""


class PackageDamaged(PackageRefused):
    """The package is not what was written."""


class PackageLocked(PackageRefused):
    """The passphrase is wrong, or the package is damaged where the passphrase is checked. Both look the same."""


class SourceError(StrongroomError):
    """A stream failed before its end while it was archived."""

    retryable = True


class RestoreError(StrongroomError):
    """The restore cannot write to its target."""


class TargetNotEmpty(RestoreError):
    """The folder to restore into is not empty."""


class NoSpace(RestoreError):
    """The file system of the target has too little space."""


class TargetDenied(RestoreError):
    """The target, or an entry in it, cannot be written by this user."""


class UnsafeName(RestoreError):
    """A name in the snapshot is empty, `.`, `..`, or holds a slash or NUL."""
