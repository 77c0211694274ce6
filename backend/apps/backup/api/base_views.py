"""The base of all API views: permissions, audit actor, and the form of answers and errors. Denied by default."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, NoReturn

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.db.transaction import non_atomic_requests
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext, gettext_noop
from rest_framework import exceptions, serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.pagination import BasePagination
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder
from rest_framework.views import APIView

from edms_common import problems
from edms_common.paging import PARAMETERS
from edms_common.problems import Problem, ProblemView

from ..core.permissions import Right
from ..core.timezones import as_text
from ..models import AuditOrigin
from ..services.actor import SYSTEM, Actor, acting, become
from .client_address import client_address
from .openapi_operations import ApiSchema
from .parsers import BoundedJSONParser
from .problems import TYPE, problem_of
from .serializer_fields import StrictSerializer
from .throttles import UserThrottle

_logger = logging.getLogger(__name__)
_SAFE = frozenset({"GET", "HEAD"})
HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Headers of every answer that does not set them itself."""


class ApiEncoder(JSONEncoder):
    """Encode times as everywhere in the API."""

    def default(self, obj: Any) -> Any:
        return as_text(obj) if isinstance(obj, datetime) else super().default(obj)


class ApiRenderer(JSONRenderer):
    """Render JSON as the other APIs of the host do, except for times."""

    encoder_class = ApiEncoder


class ProblemRenderer(problems.ProblemRenderer):
    """Render problems with the times of the API."""

    encoder_class = ApiEncoder


class _OneForm(BaseContentNegotiation):
    """Always choose JSON: an error of content negotiation would come before the check of permissions."""

    def select_parser(self, request: Request, parsers: Any) -> BaseParser | None:
        media = request.content_type.partition(";")[0].strip().lower()
        found: list[BaseParser] = [one for one in parsers if media == one.media_type]
        return found[0] if found else None

    def select_renderer(
        self,
        request: Request,
        renderers: Any,
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class HasRight(BasePermission):
    """Require the right that the view names for the method, or any right if the view does not have the method."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        user = request.user
        if user is None or not user.is_authenticated:
            raise exceptions.NotAuthenticated
        rights: Mapping[str, Right | None] = getattr(view, "rights", {})
        method = "GET" if request.method == "HEAD" else str(request.method)
        right = rights.get(method)
        return bool(rights_of(user)) if right is None else user.has_perm(right.permission)


def rights_of(user: Any) -> list[Right]:
    """Return the rights of a user in this API."""
    return [right for right in Right if user.has_perm(right.permission)]


class BackupView(ProblemView):
    """The base of all views. `rights` names the right that each method requires, None for any right.

    Authentication is the host's. Permissions, parsers, renderers, throttles, paging, version and the format of times
    are ours, whatever the defaults of the host. No transaction is open around a request: the services open their own.
    """

    problem_prefix = TYPE
    problem_renderer = ProblemRenderer
    usual_headers = HEADERS
    rights: ClassVar[Mapping[str, Right | None]] = {}
    permission_classes = [HasRight]
    parser_classes = [BoundedJSONParser]
    renderer_classes = [ApiRenderer]
    throttle_classes = [UserThrottle]
    content_negotiation_class = _OneForm
    versioning_class = None
    pagination_class: type[BasePagination] | None = None
    filter_backends = []
    metadata_class = None
    filter_serializer: type[StrictSerializer] | None = None
    schema = ApiSchema()
    further_problems: ClassVar[tuple[int, ...]] = ()
    """Statuses of errors in the OpenAPI document, besides those of every view."""
    lookup_field = "uuid"
    queryset = None

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        # With ATOMIC_REQUESTS, executors would get jobs before the commit makes these visible.
        return non_atomic_requests(super().as_view(**initkwargs))

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with acting(SYSTEM):
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        become(self.actor())

    def actor(self) -> Actor:
        """Return the actor of the request, for the audit trail."""
        return Actor(
            name=str(self.user.get_username()),
            key=str(self.user.pk),
            origin=AuditOrigin.API,
            address=client_address(self.request.META),
            request_id=self.request_id,
        )

    @property
    def user(self) -> AbstractBaseUser:
        """Return the user of the request, who has passed the permission check."""
        user = self.request.user
        if not isinstance(user, AbstractBaseUser):
            raise exceptions.NotAuthenticated
        return user

    def uuid(self, name: str = "uuid") -> uuid.UUID:
        """Return the uuid in the address. Raises NotFound if it is not a uuid."""
        try:
            return uuid.UUID(str(self.kwargs[name]))
        except ValueError:
            raise exceptions.NotFound(f"There is no object with the uuid {str(self.kwargs[name])[:40]!r}.") from None

    def filters(self) -> dict[str, Any]:
        """Return the query parameters, checked by `filter_serializer`.

        Raises ValidationError, also for an unknown or repeated name: ignoring it would show too much or too little.
        """
        paging = set() if self.pagination_class is None else PARAMETERS
        asked = StrictSerializer() if self.filter_serializer is None else self.filter_serializer()
        given: dict[str, Any] = {}
        for name, values in self.request.query_params.lists():
            if name not in paging:
                several = isinstance(asked.fields.get(name), serializers.MultipleChoiceField)
                if name in asked.fields and len(values) > 1 and not several:
                    raise exceptions.ValidationError({name: gettext("This parameter can be given only once.")})
                given[name] = values if several else values[-1]
        checked = type(asked)(data=given)
        checked.is_valid(raise_exception=True)
        return dict(checked.validated_data)

    def page(self, rows: QuerySet[Any]) -> Response:
        """Return one page of a list."""
        found = self.paginate_queryset(rows)
        return self.get_paginated_response(self.get_serializer(found, many=True).data)

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        """Answer with `Allow` only; the OpenAPI document describes the methods."""
        return Response(status=204)

    def permission_denied(self, request: Request, message: str | None = None, code: str | None = None) -> NoReturn:
        raise exceptions.PermissionDenied(gettext_noop("You do not have the permission to do this."))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        final = super().finalize_response(request, response, *args, **kwargs)
        final.headers["X-Request-ID"] = self.request_id
        return final

    def problem_of(self, error: Exception) -> Problem:
        return problem_of(error)

    def challenge(self) -> str:
        """Return the challenge of the host's first authentication class that has one."""
        said = (one.authenticate_header(self.request) for one in self.get_authenticators())
        return next((text for text in said if text), 'Session realm="backup"')

    def log_problem(self, problem: Problem, error: Exception) -> None:
        level = logging.ERROR if problem.status >= 500 else logging.WARNING if problem.status != 401 else logging.INFO
        # repr, because line ends in a path would look like separate log lines.
        _logger.log(
            level,
            "%s %r: %d %s [%s] %r",
            self.request.method,
            self.request.path[:300],
            problem.status,
            problem.code,
            self.request_id,
            problem.detail[:500],
            exc_info=error if problem.unexpected or problem.status == 500 else None,
        )


class Nowhere(BackupView):
    """Any unknown address below the API: 401 and 403 as everywhere, then 404."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise exceptions.NotFound(gettext_noop("There is no such address in this API."))
