"""The base class of all views of the EDMS: permissions, errors, response headers. Access is denied by default."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NoReturn

from drf_spectacular.openapi import AutoSchema
from rest_framework import exceptions
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from edms_common import problems
from edms_common.problems import Problem, ProblemView

from .problems import TYPE, problem_of

_logger = logging.getLogger(__name__)
HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of every response, besides those of the project's middleware."""


class FieldProblemSerializer(problems.FieldProblemSerializer):
    """An error of one field; the field name is empty if the error concerns the whole request."""


class ProblemSerializer(problems.ProblemSerializer):
    """An error, as in RFC 9457."""

    help_texts = {
        "type": f"The kind of error: {TYPE}…",
        "detail": "A description of the error, with the next step.",
        "id": "The id of the error in the server's log.",
    }
    errors = FieldProblemSerializer(many=True)


class EdmsSchema(AutoSchema):
    """One operation of the OpenAPI document; each may respond with a problem."""

    def get_tags(self) -> list[str]:
        return [self.path.strip("/").split("/")[0]]

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        component = self.resolve_serializer(ProblemSerializer, "response")
        bodies["default"] = {"description": "A problem.", "content": {problems.MEDIA_TYPE: {"schema": component.ref}}}
        return bodies


class HasPermission(BasePermission):
    """Require the permission that the view names for the method. Other methods are not allowed."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        user = request.user
        if user is None or not user.is_authenticated:
            raise exceptions.NotAuthenticated
        needed: Mapping[str, str] = getattr(view, "permissions", {})
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method not in needed:
            raise exceptions.MethodNotAllowed(method)
        return user.has_perm(needed[method])


class EdmsView(ProblemView):
    """The base of all views. `permissions` names the Django permission that each method needs."""

    problem_prefix = TYPE
    usual_headers = HEADERS
    permissions: ClassVar[Mapping[str, str]] = {}
    permission_classes = [HasPermission]
    renderer_classes = [JSONRenderer]
    filter_backends = []
    metadata_class = None
    schema = EdmsSchema()

    @property
    def actor(self) -> str:
        """Return the user name, for the audit trail."""
        return str(self.request.user.get_username())

    def permission_denied(self, request: Request, message: str | None = None, code: str | None = None) -> NoReturn:
        raise exceptions.PermissionDenied("You do not have permission to do this.")

    def problem_of(self, error: Exception) -> Problem:
        return problem_of(error)

    def challenge(self) -> str:
        return 'Session realm="edms"'

    def log_problem(self, problem: Problem, error: Exception) -> None:
        level = logging.ERROR if problem.status >= 500 else logging.INFO
        # repr: a path may contain line ends, which would look like further log lines.
        facts = (self.request.method, self.request.path[:300], problem.status, problem.code, self.request_id)
        _logger.log(level, "%s %r: %d %s [%s]", *facts, exc_info=error if problem.status == 500 else None)
