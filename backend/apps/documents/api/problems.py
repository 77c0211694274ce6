"""Errors as problem details (RFC 9457), with field errors and an id that is in the log."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Final

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions

from ..models import Document

TYPE: Final = "urn:edms:problem:"
MEDIA_TYPE: Final = "application/problem+json"


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """The public description of an error. `retry_after` is in seconds, set if a later attempt may succeed."""

    status: int
    code: str
    detail: str
    errors: tuple[tuple[str, str], ...] = ()
    retry_after: int | None = None

    def body(self, *, instance: str, request_id: str) -> dict[str, object]:
        """Return the body of the response."""
        return {
            "type": f"{TYPE}{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "id": request_id,
            "errors": [{"field": field, "message": message} for field, message in self.errors],
        }


# The most specific class first: the first match decides.
_KNOWN: Final[tuple[tuple[type[Exception], int, str, str], ...]] = (
    (Document.DoesNotExist, 404, "not-found", "The document does not exist any more."),
    (Http404, 404, "not-found", "There is no object with this name."),
    (PermissionDenied, 403, "forbidden", "You do not have permission to do this."),
    (UnreadablePostError, 400, "cut-off", "The request was interrupted before its end."),
    (SuspiciousOperation, 400, "invalid", "The request is not valid."),
    (OperationalError, 503, "unavailable", "The database does not answer; try again."),
    (InterfaceError, 503, "unavailable", "The database does not answer; try again."),
)


def problem_of(error: Exception) -> Problem:
    """Return the public description of an error. For an unexpected error it only refers to the log."""
    if isinstance(error, exceptions.ValidationError):
        return Problem(400, "invalid", "The request is not valid.", tuple(_fields(error.detail)))
    if isinstance(error, exceptions.APIException):
        wait: float | None = getattr(error, "wait", None)
        detail = error.detail if isinstance(error.detail, str) else error.default_detail
        code = str(error.default_code).replace("_", "-")
        return Problem(error.status_code, code, str(detail), retry_after=None if wait is None else int(wait) + 1)
    for kind, status, code, text in _KNOWN:
        if isinstance(error, kind):
            return Problem(status, code, text)
    return Problem(500, "unexpected", "An unexpected error occurred. The server's log has the details under this id.")


def _fields(detail: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            own = "" if name == "non_field_errors" else str(name)
            yield from _fields(inner, f"{path}.{own}".strip("."))
    elif isinstance(detail, list | tuple):
        for inner in detail:
            yield from _fields(inner, path)
    else:
        yield path, str(detail)
