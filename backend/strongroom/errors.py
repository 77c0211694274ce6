"""Every error of the engine; no other exception type leaves it.

StrongroomError
├── BackendError                    a storage place did not do what it was asked to
│   ├── FileMissing                 … there is no such file
│   ├── FileExists                  … there is one already; nothing is ever overwritten
│   ├── StorageFull                 … no space, quota or file-size limit left
│   └── StorageDenied               … no right to read or write there
├── RepositoryError
│   ├── NoRepository                nothing is there
│   ├── RepositoryExists            something is there
│   ├── UnsupportedRepository       another version, or a feature that we do not know
│   ├── WrongPassphrase             no key opens with it
│   ├── KeyNotFound                 no key, or several, of that name
│   ├── KeyProtected                the last key, or the one in use, is not removed
│   ├── RepositoryLocked            somebody else is at work in it
│   ├── LockLost                    our lock is gone: others may believe that we are dead
│   ├── SnapshotNotFound            no snapshot, or several, of that name
│   ├── SnapshotProtected           its writer has marked it to be kept
│   ├── AppendOnly                  nothing may be removed from it
│   └── PlanOutdated                it is not as it was when the plan was made
├── PassphraseError                 no passphrase was given, or its source does not give one
├── Damaged                         stored data is not what was stored
├── PackageRefused                  a package cannot be written there, or may not be taken in
│   ├── PackageDamaged              … it is not what was written
│   └── PackageLocked               … wrong passphrase, or damaged where the passphrase is tried
├── SourceError                     a stream that was to be archived failed
└── RestoreError
    ├── TargetNotEmpty              we only restore into an empty folder
    ├── NoSpace                     the target cannot hold it
    ├── TargetDenied                no right to write there
    └── UnsafeName                  a name in the snapshot would leave the target
"""

from __future__ import annotations

import errno
from typing import Final

OUT_OF_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says where no space, quota or file-size limit is left."""


class StrongroomError(Exception):
    """What happened, to which thing, and what to do next, in one sentence.

    `retryable` says whether the same call may succeed later without anybody's help.
    """

    retryable = False


class BackendError(StrongroomError):
    """A storage place did not do what it was asked to."""

    retryable = True


class FileMissing(BackendError):
    """There is no such file in the storage."""

    retryable = False


class FileExists(BackendError):
    """A file of that name is stored already; nothing is overwritten."""

    retryable = False


class StorageFull(BackendError):
    """No space, quota or allowed file size is left."""

    retryable = False


class StorageDenied(BackendError):
    """The storage refuses us."""

    retryable = False


class RepositoryError(StrongroomError):
    """A repository cannot be used as asked."""


class NoRepository(RepositoryError):
    """There is no repository at that place."""


class RepositoryExists(RepositoryError):
    """There is a repository, or the rest of one, at that place."""


class UnsupportedRepository(RepositoryError):
    """The repository is of a version or kind that this engine does not write or read."""


class WrongPassphrase(RepositoryError):
    """No key of the repository opens with this passphrase."""


class KeyNotFound(RepositoryError):
    """No key, or more than one, answers to that name."""


class KeyProtected(RepositoryError):
    """Removing this key would lock everybody out, or ourselves."""


class RepositoryLocked(RepositoryError):
    """Another process holds a lock that excludes ours."""

    retryable = True


class LockLost(RepositoryError):
    """Our lock could not be kept alive; the repository must not be touched any more."""

    retryable = True


class SnapshotNotFound(RepositoryError):
    """No snapshot, or more than one, answers to that name."""


class SnapshotProtected(RepositoryError):
    """The snapshot is marked to be kept, for some time or for ever."""


class AppendOnly(RepositoryError):
    """The repository's config says that nothing is ever removed from it."""


class PlanOutdated(RepositoryError):
    """A plan was not made under the lock that is held now, or the repository has changed since."""

    retryable = True


class PassphraseError(StrongroomError):
    """There is no passphrase, or the place it should come from does not give one."""


class Damaged(StrongroomError):
    """Stored data fails its authentication, its hash or its format."""


class PackageRefused(StrongroomError):
    """The package cannot be written there, or may not be taken in."""


class PackageDamaged(PackageRefused):
    """The package is not what was written."""


class PackageLocked(PackageRefused):
    """Wrong passphrase, or a package that is damaged where the passphrase is tried: the two look the same."""


class SourceError(StrongroomError):
    """A stream that was to be archived failed before its end."""

    retryable = True


class RestoreError(StrongroomError):
    """Something cannot be restored there."""


class TargetNotEmpty(RestoreError):
    """The folder to restore into holds something already."""


class NoSpace(RestoreError):
    """The file system of the target cannot hold what is to be restored."""


class TargetDenied(RestoreError):
    """The target, or something in it, may not be written."""


class UnsafeName(RestoreError):
    """A name in the snapshot is empty, `.`, `..`, or holds a slash or NUL."""
