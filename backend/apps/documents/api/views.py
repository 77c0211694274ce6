"""The base class of all views of the EDMS: permissions, errors, response headers. Access is denied by default."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, NoReturn

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.openapi import AutoSchema
from rest_framework import exceptions, generics, serializers
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .problems import MEDIA_TYPE, TYPE, problem_of

_logger = logging.getLogger("apps.documents.api")
HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of every response, besides those of the project's middleware."""


class FieldProblemSerializer(serializers.Serializer[Any]):
    """An error of one field; the field name is empty if the error concerns the whole request."""

    field = serializers.CharField(allow_blank=True)
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """An error, as in RFC 9457."""

    type = serializers.CharField(help_text=f"The kind of error: {TYPE}…")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="A description of the error, with the next step.")
    instance = serializers.CharField()
    id = serializers.CharField(help_text="The id of the error in the server's log.")
    # The framework has a property of that name; a declared field does not change it.
    errors = FieldProblemSerializer(many=True)  # type: ignore[assignment]


class EdmsSchema(AutoSchema):
    """One operation of the OpenAPI document; each may respond with a problem."""

    def get_tags(self) -> list[str]:
        return [self.path.strip("/").split("/")[0]]

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        component = self.resolve_serializer(ProblemSerializer, "response")
        bodies["default"] = {"description": "A problem.", "content": {MEDIA_TYPE: {"schema": component.ref}}}
        return bodies


class ProblemRenderer(JSONRenderer):
    """JSON with the media type of problem details."""

    media_type = MEDIA_TYPE


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


class EdmsView(generics.GenericAPIView[Any]):
    """The base of all views. `permissions` names the Django permission that each method needs."""

    permissions: ClassVar[Mapping[str, str]] = {}
    permission_classes = [HasPermission]
    renderer_classes = [JSONRenderer]
    filter_backends = []
    metadata_class = None
    schema = EdmsSchema()
    request_id = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.request_id = uuid.uuid4().hex
        answer: Callable[..., HttpResponseBase] = super().dispatch
        return answer(request, *args, **kwargs)

    def checked(self) -> dict[str, Any]:
        """Return the data of the request, validated by the serializer of the view. Raises ValidationError."""
        given = self.get_serializer(data=self.request.data)
        given.is_valid(raise_exception=True)
        return dict(given.validated_data)

    @property
    def actor(self) -> str:
        """Return the user name, for the audit trail."""
        return str(self.request.user.get_username())

    def permission_denied(self, request: Request, message: str | None = None, code: str | None = None) -> NoReturn:
        raise exceptions.PermissionDenied("You do not have permission to do this.")

    def handle_exception(self, exc: Exception) -> Response:
        problem = problem_of(exc)
        level = logging.ERROR if problem.status >= 500 else logging.INFO
        # repr: a path may contain line ends, which would look like further log lines.
        facts = (self.request.method, self.request.path[:300], problem.status, problem.code, self.request_id)
        unexpected = exc if problem.status == 500 else None
        _logger.log(level, "%s %r: %d %s [%s]", *facts, exc_info=unexpected)
        body = problem.body(instance=self.request.path, request_id=self.request_id)
        response = Response(body, status=problem.status)
        response.exception = True
        if problem.status == 401:
            response["WWW-Authenticate"] = 'Session realm="edms"'
        if problem.retry_after is not None:
            response["Retry-After"] = str(problem.retry_after)
        return response

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        final = super().finalize_response(request, response, *args, **kwargs)
        if isinstance(response, Response) and response.exception:
            response.accepted_renderer = ProblemRenderer()
            response.accepted_media_type = MEDIA_TYPE
        for name, value in HEADERS.items():
            final.headers.setdefault(name, value)
        return final
