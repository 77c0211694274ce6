"""Which problem (RFC 9457) each error is in this API."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from django.utils.translation import gettext_noop
from rest_framework import exceptions

from edms_common.problems import UNEXPECTED, Problem, framework_problem, listed_problem
from strongroom.errors import (
    BackendError,
    PackageRefused,
    PassphraseError,
    RepositoryError,
    RepositoryLocked,
    SnapshotNotFound,
    StrongroomError,
)

from .. import errors
from ..core.manifest import ManifestInvalid
from ..core.titled_files import TitlesInvalid
from ..restores import RestoreRefused

TYPE: Final = "urn:edms-backup:problem:"
_RETRY_SECONDS: Final = 5


class Gone(exceptions.APIException):
    """The object was removed and will not come back."""

    status_code = HTTPStatus.GONE
    default_code = "gone"


class PayloadTooLarge(exceptions.APIException):
    """The request is too large."""

    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_code = "too-large"


class PreconditionFailed(exceptions.APIException):
    """The client uses another version of the protocol."""

    status_code = HTTPStatus.PRECONDITION_FAILED
    default_code = "precondition-failed"


class Conflict(exceptions.APIException):
    """The state of the object does not allow this."""

    status_code = HTTPStatus.CONFLICT
    default_code = "conflict"


# In both tables the first matching class counts, so subclasses stand before their bases.
_DJANGOS: Final[tuple[tuple[type[Exception], int, str, str], ...]] = (
    (Http404, 404, "not-found", gettext_noop("The object does not exist.")),
    (PermissionDenied, 403, "forbidden", gettext_noop("You do not have the permission to do this.")),
    (UnreadablePostError, 400, "cut-off", gettext_noop("The request broke off before its end.")),
    (RequestDataTooBig, 413, "too-large", gettext_noop("The request is too large.")),
    (SuspiciousOperation, 400, "invalid", gettext_noop("The request is not valid.")),
    (OperationalError, 503, "unavailable", gettext_noop("The database does not answer; try again.")),
    (InterfaceError, 503, "unavailable", gettext_noop("The database does not answer; try again.")),
)
_OURS: Final[tuple[tuple[type[Exception], int, str], ...]] = (
    (errors.ConfigurationNotFound, 404, "not-found"),
    (errors.AcknowledgementNotFound, 404, "not-found"),
    (errors.JobNotFound, 404, "not-found"),
    (errors.OperationNotFound, 404, "not-found"),
    (errors.RestoreNotFound, 404, "not-found"),
    (errors.UploadNotFound, 404, "not-found"),
    (errors.BackupNotFound, 404, "not-found"),
    (errors.BackupRemoved, 410, "gone"),
    (errors.LedgerUnavailable, 503, "unavailable"),
    (errors.BrokerUnavailable, 503, "unavailable"),
    (errors.SettingsInvalid, 503, "not-configured"),
    (errors.LedgerError, 409, "conflict"),
    (errors.ApprovalRefused, 403, "forbidden"),
    (errors.StorageFull, 507, "no-room"),
    (errors.UploadBusy, 423, "busy"),
    (errors.StorageBusy, 503, "locked"),
    (errors.UploadConflict, 409, "conflict"),
    (RestoreRefused, 409, "refused"),
    (ManifestInvalid, 409, "refused"),
    (TitlesInvalid, 409, "refused"),
    (errors.BackupError, 400, "refused"),
    (RepositoryLocked, 503, "locked"),
    (SnapshotNotFound, 410, "gone"),
    (PackageRefused, 409, "refused"),
    (PassphraseError, 503, "not-configured"),
    (RepositoryError, 503, "unavailable"),
    (BackendError, 503, "unavailable"),
    (StrongroomError, 500, "damaged"),
)


def problem_of(error: Exception) -> Problem:
    """Return the problem for an error. Details of unexpected errors are only in the log."""
    return framework_problem(error) or listed_problem(error, _DJANGOS) or _our_problem(error) or UNEXPECTED


def _our_problem(error: Exception) -> Problem | None:
    for kind, status, code in _OURS:
        if isinstance(error, kind):
            fields = error.fields if isinstance(error, errors.RequestRefused) else ()
            if isinstance(error, errors.StorageRefused):
                fields = (("storage_path", str(error)),)
            retry = _RETRY_SECONDS if getattr(error, "retryable", False) else None
            return Problem(status, code, str(error), fields, retry)
    return None
