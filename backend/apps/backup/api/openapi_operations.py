"""Describe one operation in the OpenAPI document: its request, its answers and its errors.

The errors that all views share are added here, so that no view can forget them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal, TypeVar

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiExample
from drf_spectacular.utils import extend_schema as _extend_schema

from edms_common import problems

from ..core.permissions import Right
from .openapi_examples import EXAMPLES
from .problems import TYPE

_Method = TypeVar("_Method", bound=Callable[..., Any])

_SAID: Final[Mapping[int, str]] = {
    400: "The request is not valid. `errors` names each field and the reason.",
    401: "The request is not authenticated.",
    403: "The permission or the CSRF token is missing.",
    404: "The object does not exist.",
    409: "The state of the object does not allow this.",
    410: "The object existed, and was removed.",
    412: "The client uses another version of the protocol.",
    413: "The request is too large.",
    415: "The media type is not supported.",
    416: "The range is outside of the content.",
    423: "Another request is changing this object.",
    429: "Too many requests. Retry-After gives the time to wait.",
    503: "A required service is unavailable or busy. Retry-After gives the time to wait.",
    507: "There is not enough space in the storage.",
}


class FieldProblemSerializer(problems.FieldProblemSerializer):
    """The error of one field; the name is empty if the error is about several fields together."""


class ProblemSerializer(problems.ProblemSerializer):
    """An error, as in RFC 9457."""

    help_texts = {
        "type": f"The kind of error: {TYPE}…",
        "detail": "The error, the object that it concerns, and what to do next.",
        "id": "The id of this error in the server's log.",
    }
    errors = FieldProblemSerializer(many=True)


class ApiSchema(AutoSchema):
    """One operation of the document."""

    def get_operation(self, *place: Any, **more: Any) -> dict[str, Any] | None:
        build: Callable[..., dict[str, Any] | None] = super().get_operation
        operation = build(*place, **more)
        if operation is not None:
            rights: Mapping[str, Right | None] = getattr(self.view, "rights")  # noqa: B009  the framework knows no rights
            right = rights[self.method]
            said = getattr(self.view, "right_in_words", "any")
            operation["x-right"] = said if right is None else right.permission
        return operation

    def get_examples(self) -> list[OpenApiExample]:
        own: Callable[[], list[OpenApiExample]] = super().get_examples
        return [*own(), *EXAMPLES.get(self.get_operation_id(), ())]

    def get_tags(self) -> list[str]:
        return [self.path.strip("/").split("/")[0]]

    def _resolve_path_parameters(self, variables: list[str]) -> list[dict[str, Any]]:
        resolve: Callable[[list[str]], list[dict[str, Any]]] = super()._resolve_path_parameters
        found = resolve(variables)
        for parameter in found:
            if parameter["name"] == "uuid":
                parameter["schema"] = {"type": "string", "format": "uuid"}
        return found

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        component = self.resolve_serializer(ProblemSerializer, "response")
        for code in sorted(set(self._problems())):
            if str(code) not in bodies:
                bodies[str(code)] = _problem(component, code)
        return bodies

    def _problems(self) -> Iterator[int]:
        yield from (400, 401, 403, 429, 503)
        if "{" in self.path:
            yield 404
        if self.method not in {"GET", "HEAD"}:
            yield 409
        if self.method in {"POST", "PUT", "PATCH"}:
            yield from (413, 415)
        yield from getattr(self.view, "further_problems", ())


def extend_schema(**described: Any) -> Callable[[_Method], _Method]:
    """Wrap drf-spectacular's decorator, which would use the default schema class of the host instead of ours."""

    def describe(method: _Method) -> _Method:
        method.kwargs = {"schema": ApiSchema}  # type: ignore[attr-defined]
        return _extend_schema(**described)(method)

    return describe


def _problem(component: ResolvedComponent, code: int) -> dict[str, Any]:
    example = {
        "type": f"{TYPE}…",
        "title": _SAID[code],
        "status": code,
        "detail": _SAID[code],
        "instance": "/api/v1/backup/…",
        "id": "0f3c…",
        "errors": [{"field": "retention_days", "message": "It must be at least 1."}] if code == 400 else [],
    }
    return {
        "description": _SAID[code],
        "content": {problems.MEDIA_TYPE: {"schema": component.ref, "examples": {"problem": {"value": example}}}},
    }
