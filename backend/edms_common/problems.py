"""Answer errors as problem details (RFC 9457): one form for all, with errors by field and an id that is in the log.

{"type": "urn:edms:problem:invalid", "title": …, "status": 400, "detail": …, "instance": "/api/v1/…", "id": "…",
 "errors": [{"field": "title", "message": "…"}]}
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, ClassVar, Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext, gettext_noop
from rest_framework import exceptions, generics, serializers
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from .languages import language_of

MEDIA_TYPE: Final = "application/problem+json"


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """The answer for an error. `retry_after` is in seconds, for errors that may pass by themselves.

    The texts are English, as in the log; only the body is in the language of the request.
    """

    status: int
    code: str
    detail: str
    errors: tuple[tuple[str, str], ...] = ()
    retry_after: int | None = None
    unexpected: bool = False

    def body(self, *, prefix: str, instance: str, request_id: str) -> dict[str, object]:
        """Return the body of the answer. `prefix` is the namespace of the API's problem types."""
        return {
            "type": f"{prefix}{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": _translated(self.detail),
            "instance": instance,
            "id": request_id,
            "errors": [{"field": field, "message": _translated(message)} for field, message in self.errors],
        }


UNEXPECTED: Final = Problem(
    500,
    "unexpected",
    gettext_noop("An unexpected error occurred. The server's log has the details under this id."),
    unexpected=True,
)
"""The answer for an unexpected error. Its details are only in the log."""


def framework_problem(error: Exception) -> Problem | None:
    """Return the problem for an error of Django REST framework; None for any other error."""
    if isinstance(error, exceptions.ValidationError):
        return Problem(400, "invalid", gettext_noop("The request is not valid."), tuple(_field_errors(error.detail)))
    if not isinstance(error, exceptions.APIException):
        return None
    wait: float | None = getattr(error, "wait", None) if isinstance(error, exceptions.Throttled) else None
    detail = error.detail if isinstance(error.detail, str) else error.default_detail
    code = str(error.default_code).replace("_", "-")
    return Problem(error.status_code, code, str(detail), retry_after=None if wait is None else int(wait) + 1)


def listed_problem(error: Exception, known: Iterable[tuple[type[Exception], int, str, str]]) -> Problem | None:
    """Return the problem of the first listed class that the error belongs to; None if there is no such class.

    Each entry names the class, the status, the code and the detail. Subclasses stand before their bases.
    """
    for kind, status, code, detail in known:
        if isinstance(error, kind):
            return Problem(status, code, detail)
    return None


def _translated(text: str) -> str:
    # The translation of an empty text is the header of the catalogue.
    return gettext(text) if text else text


def _field_errors(detail: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            own = "" if name == api_settings.NON_FIELD_ERRORS_KEY else str(name)
            yield from _field_errors(inner, f"{path}.{own}".strip("."))
    elif isinstance(detail, list | tuple):
        for number, inner in enumerate(detail):
            nested = isinstance(inner, Mapping | list | tuple)
            yield from _field_errors(inner, f"{path}.{number}".strip(".") if nested and inner else path)
    else:
        yield path, str(detail)


class FieldProblemSerializer(serializers.Serializer[Any]):
    """An error of one field, for the OpenAPI document."""

    field = serializers.CharField(allow_blank=True)
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """The body of a problem, for the OpenAPI document. `help_texts` describes fields in the words of the API."""

    help_texts: ClassVar[Mapping[str, str]] = {}

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    id = serializers.CharField()
    # The framework has a property with this name, which a declared field does not change.
    errors = FieldProblemSerializer(many=True)  # type: ignore[assignment]

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        for name, text in self.help_texts.items():
            fields[name].help_text = text
        return fields


class ProblemRenderer(JSONRenderer):
    """Render JSON with the media type of problems."""

    media_type = MEDIA_TYPE


class ProblemView(generics.GenericAPIView[Any]):
    """The base of all views: each request has an id, each error is answered as a problem.

    A subclass says which problem an error is, what is logged of it, and what a client has to do to authenticate.
    """

    problem_prefix: ClassVar[str]
    """The namespace of the problem types."""
    problem_renderer: ClassVar[type[BaseRenderer]] = ProblemRenderer
    usual_headers: ClassVar[Mapping[str, str]] = {}
    """Headers of every answer that does not set them itself."""
    request_id = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.request_id = uuid.uuid4().hex
        with translation.override(language_of(request)):
            response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def problem_of(self, error: Exception) -> Problem:
        """Return the problem for an error."""
        return framework_problem(error) or UNEXPECTED

    def log_problem(self, problem: Problem, error: Exception) -> None:
        """Write the problem to the log, with the id of the request."""
        raise NotImplementedError

    def challenge(self) -> str:
        """Return the header `WWW-Authenticate` of answers with the status 401."""
        raise NotImplementedError

    def asked(self) -> dict[str, Any]:
        """Return the request body, checked by the serializer of the view. Raises ValidationError."""
        asked = self.get_serializer(data=self.request.data)
        asked.is_valid(raise_exception=True)
        return dict(asked.validated_data)

    def handle_exception(self, exc: Exception) -> Response:
        problem = self.problem_of(exc)
        self.log_problem(problem, exc)
        body = problem.body(prefix=self.problem_prefix, instance=self.request.path, request_id=self.request_id)
        response = Response(body, status=problem.status)
        response.exception = True
        if problem.status == 401:
            response["WWW-Authenticate"] = self.challenge()
        if problem.retry_after is not None:
            response["Retry-After"] = str(problem.retry_after)
        return response

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        final = super().finalize_response(request, response, *args, **kwargs)
        if isinstance(response, Response) and response.exception:
            response.accepted_renderer = self.problem_renderer()
            response.accepted_media_type = MEDIA_TYPE
        for name, value in self.usual_headers.items():
            final.headers.setdefault(name, value)
        return final
