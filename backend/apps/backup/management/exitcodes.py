"""Exit codes of all commands: the engine's own, which are restic's, and what the states of a job mean."""

from strongroom.exit_codes import FAILED, INCOMPLETE, INTERRUPTED, NO_REPOSITORY, OK, USAGE
from strongroom.exit_codes import of_error as of_engine_error

from ..errors import ConfigurationNotFound, RequestRefused, StorageAbsent
from ..models import JobStatus

__all__ = ["FAILED", "INTERRUPTED", "OK", "of_error", "of_status"]


def of_error(error: BaseException) -> int:
    """The code for an error that ended a command."""
    if isinstance(error, StorageAbsent):
        return NO_REPOSITORY
    return USAGE if isinstance(error, RequestRefused | ConfigurationNotFound) else of_engine_error(error)


def of_status(status: str) -> int:
    """The code for a job that ended in that state."""
    codes: dict[str, int] = {
        JobStatus.COMPLETED: OK,
        JobStatus.INCOMPLETE: INCOMPLETE,
        JobStatus.CANCELLED: INTERRUPTED,
    }
    return codes.get(status, FAILED)
