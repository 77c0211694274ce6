"""The exit codes of all commands: those of the engine, which are restic's, and the codes for the states of a job."""

from strongroom.exit_codes import FAILED, INCOMPLETE, INTERRUPTED, NO_REPOSITORY, OK, USAGE
from strongroom.exit_codes import of_error as of_engine_error

from ..errors import RequestRefused, StorageAbsent
from ..models import JobStatus

__all__ = ["FAILED", "INTERRUPTED", "OK", "of_error", "of_status"]


def of_error(error: BaseException) -> int:
    """Return the exit code for an error that ended a command.

    An unknown name is FAILED, as in restic: the command line itself is right, and the same line works once the thing
    exists. USAGE is for a line that can never work.
    """
    if isinstance(error, StorageAbsent):
        return NO_REPOSITORY
    return USAGE if isinstance(error, RequestRefused) else of_engine_error(error)


def of_status(status: str) -> int:
    """Return the exit code for a job that ended with this status."""
    codes: dict[str, int] = {
        JobStatus.COMPLETED: OK,
        JobStatus.INCOMPLETE: INCOMPLETE,
        JobStatus.CANCELLED: INTERRUPTED,
    }
    return codes.get(status, FAILED)
