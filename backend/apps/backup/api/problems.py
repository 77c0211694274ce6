"""Turn errors into problems (RFC 9457): one form for all, with errors by field and an id that is in the log.

{"type": "urn:edms-backup:problem:invalid", "title": …, "status": 400, "detail": …, "instance": "/api/v1/…",
 "id": "…", "errors": [{"field": "schedule_days", "message": "…"}]}
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Final

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions
from rest_framework.settings import api_settings

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
from ..restores import RestoreRefused

TYPE: Final = "urn:edms-backup:problem:"
MEDIA_TYPE: Final = "application/problem+json"
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


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """The answer for an error. `retry_after` is in seconds, for errors that may pass by themselves."""

    status: int
    code: str
    detail: str
    errors: tuple[tuple[str, str], ...] = ()
    retry_after: int | None = None
    unexpected: bool = False

    def body(self, *, instance: str, request_id: str) -> dict[str, object]:
        """Return the body of the answer."""
        return {
            "type": f"{TYPE}{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "id": request_id,
            "errors": [{"field": field, "message": message} for field, message in self.errors],
        }


# In both tables the first matching class counts, so subclasses stand before their bases.
_DJANGOS: Final[tuple[tuple[type[Exception], int, str, str], ...]] = (
    (Http404, 404, "not-found", "The object does not exist."),
    (PermissionDenied, 403, "forbidden", "You do not have the permission to do this."),
    (UnreadablePostError, 400, "cut-off", "The request broke off before its end."),
    (RequestDataTooBig, 413, "too-large", "The request is too large."),
    (SuspiciousOperation, 400, "invalid", "The request is not valid."),
    (OperationalError, 503, "unavailable", "The database does not answer; try again."),
    (InterfaceError, 503, "unavailable", "The database does not answer; try again."),
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
    if isinstance(error, exceptions.ValidationError):
        return Problem(400, "invalid", "The request is not valid.", tuple(_fields(error.detail)))
    if isinstance(error, exceptions.APIException):
        return _of_framework(error)
    for kind, status, code, text in _DJANGOS:
        if isinstance(error, kind):
            return Problem(status, code, text)
    for kind, status, code in _OURS:
        if isinstance(error, kind):
            fields = error.fields if isinstance(error, errors.RequestRefused) else ()
            if isinstance(error, errors.StorageRefused):
                fields = (("storage_path", str(error)),)
            retry = _RETRY_SECONDS if getattr(error, "retryable", False) else None
            return Problem(status, code, str(error), fields, retry)
    return Problem(
        500,
        "unexpected",
        "An unexpected error occurred. The server's log has the details under this id.",
        unexpected=True,
    )


def _of_framework(error: exceptions.APIException) -> Problem:
    code = str(error.default_code).replace("_", "-")
    retry = None
    if isinstance(error, exceptions.Throttled):
        wait: float | None = getattr(error, "wait", None)
        retry = None if wait is None else int(wait) + 1
    detail = error.detail if isinstance(error.detail, str) else error.default_detail
    return Problem(error.status_code, code, str(detail), retry_after=retry)


def _fields(detail: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            own = "" if name == api_settings.NON_FIELD_ERRORS_KEY else str(name)
            yield from _fields(inner, f"{path}.{own}".strip("."))
    elif isinstance(detail, list | tuple):
        for number, inner in enumerate(detail):
            nested = isinstance(inner, Mapping | list | tuple)
            yield from _fields(inner, f"{path}.{number}".strip(".") if nested and inner else path)
    else:
        yield path, str(detail)
