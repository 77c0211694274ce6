"""Exit codes of errors. The codes are restic's."""

from strongroom.errors import NoRepository, PackageLocked, RepositoryLocked, WrongPassphrase

OK = 0
FAILED = 1
USAGE = 2
INCOMPLETE = 3
NO_REPOSITORY = 10
LOCKED = 11
WRONG_PASSPHRASE = 12
INTERRUPTED = 130
NO_READER = 141
"""As a shell reports a process that SIGPIPE ended: the output is incomplete, because its reader has gone."""

_OF_ERRORS: tuple[tuple[type[BaseException], int], ...] = (
    (NoRepository, NO_REPOSITORY),
    (RepositoryLocked, LOCKED),
    (WrongPassphrase, WRONG_PASSPHRASE),
    (PackageLocked, WRONG_PASSPHRASE),
)


def of_error(error: BaseException) -> int:
    """Return the exit code of an error that ended a command."""
    return next((code for kind, code in _OF_ERRORS if isinstance(error, kind)), FAILED)
