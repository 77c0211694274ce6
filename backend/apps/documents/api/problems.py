"""Which problem (RFC 9457) each error is in this API."""

from __future__ import annotations

from typing import Final

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError

from edms_common.problems import UNEXPECTED, Problem, framework_problem, listed_problem

from ..models import Document

TYPE: Final = "urn:edms:problem:"


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
    """Return the problem for an error. For an unexpected error it only refers to the log."""
    return framework_problem(error) or listed_problem(error, _KNOWN) or UNEXPECTED
