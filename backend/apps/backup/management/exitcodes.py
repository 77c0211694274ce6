"""Exit codes of all commands, in one place; those from 10 on are restic's."""

from strongroom.errors import NoRepository, RepositoryLocked, WrongPassphrase

from ..errors import RequestRefused
from ..models import JobStatus

OK = 0
FAILED = 1
USAGE = 2
INCOMPLETE = 3
NO_REPOSITORY = 10
LOCKED = 11
WRONG_PASSPHRASE = 12
INTERRUPTED = 130

_OF_ERRORS: tuple[tuple[type[BaseException], int], ...] = (
    (RequestRefused, USAGE),
    (NoRepository, NO_REPOSITORY),
    (RepositoryLocked, LOCKED),
    (WrongPassphrase, WRONG_PASSPHRASE),
)


def of_error(error: BaseException) -> int:
    """The code for an error that ended a command."""
    return next((code for kind, code in _OF_ERRORS if isinstance(error, kind)), FAILED)


def of_status(status: str) -> int:
    """The code for a job that ended in that state."""
    codes: dict[str, int] = {
        JobStatus.COMPLETED: OK,
        JobStatus.INCOMPLETE: INCOMPLETE,
        JobStatus.CANCELLED: INTERRUPTED,
    }
    return codes.get(status, FAILED)
