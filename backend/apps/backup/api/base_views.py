"""What every view of the API has: who may, what is written down, how errors and answers look. Denied by default."""

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
from rest_framework import exceptions, generics, serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.pagination import BasePagination
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder
from rest_framework.views import APIView

from ..core.permissions import Right
from ..core.timezones import as_text
from ..models import AuditOrigin
from ..services.actor import SYSTEM, Actor, acting, become
from .client_address import client_address
from .openapi_operations import ApiSchema
from .pagination import PARAMETERS
from .parsers import BoundedJSONParser
from .problems import MEDIA_TYPE, Problem, problem_of
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
"""On every answer that does not say otherwise."""


class ApiEncoder(JSONEncoder):
    """Times as everywhere in the API."""

    def default(self, obj: Any) -> Any:
        return as_text(obj) if isinstance(obj, datetime) else super().default(obj)


class ApiRenderer(JSONRenderer):
    """JSON as the host's other APIs have it, but for the times."""

    encoder_class = ApiEncoder


class ProblemRenderer(ApiRenderer):
    """JSON under the media type of problems."""

    media_type = MEDIA_TYPE


class _OneForm(BaseContentNegotiation):
    """JSON, whatever the client would rather have: an error of the negotiation would come before those of rights."""

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
    """The user has the one right that the view names for the method; any right for a method that the view has not."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        user = request.user
        if user is None or not user.is_authenticated:
            raise exceptions.NotAuthenticated
        rights: Mapping[str, Right | None] = getattr(view, "rights", {})
        method = "GET" if request.method == "HEAD" else str(request.method)
        right = rights.get(method)
        return bool(rights_of(user)) if right is None else user.has_perm(right.permission)


def rights_of(user: Any) -> list[Right]:
    """What somebody may do here."""
    return [right for right in Right if user.has_perm(right.permission)]


class BackupView(generics.GenericAPIView[Any]):
    """The base of all views. `rights` names the right that each method takes, None for any of them.

    Authentication is the host's; permissions, parsers, renderers, throttles, paging, version and the forms of times are
    ours whatever the host's defaults are. No transaction is opened around the request: the services have their own.
    """

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
    """Statuses of errors that the document names besides those that every view has."""
    lookup_field = "uuid"
    queryset = None
    request_id = ""

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        # A project with ATOMIC_REQUESTS would send work to the executors before they can see it.
        return non_atomic_requests(super().as_view(**initkwargs))

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.request_id = uuid.uuid4().hex
        with acting(SYSTEM):
            response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
            return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        become(self.actor())

    def actor(self) -> Actor:
        """Who asks, for the audit trail."""
        return Actor(
            name=str(self.user.get_username()),
            key=str(self.user.pk),
            origin=AuditOrigin.API,
            address=client_address(self.request.META),
            request_id=self.request_id,
        )

    @property
    def user(self) -> AbstractBaseUser:
        """Who asks; somebody does, or the request had not come so far."""
        user = self.request.user
        if not isinstance(user, AbstractBaseUser):
            raise exceptions.NotAuthenticated
        return user

    def uuid(self, name: str = "uuid") -> uuid.UUID:
        """The uuid in the address. Raises NotFound for what is none: it names nothing."""
        try:
            return uuid.UUID(str(self.kwargs[name]))
        except ValueError:
            raise exceptions.NotFound(f"There is nothing of the uuid {str(self.kwargs[name])[:40]!r}.") from None

    def filters(self) -> dict[str, Any]:
        """What the address asks for after its question mark, checked by `filter_serializer`.

        Raises ValidationError, also for a name that is not known or given twice: too much or too little would be shown.
        """
        paging = set() if self.pagination_class is None else PARAMETERS
        asked = StrictSerializer() if self.filter_serializer is None else self.filter_serializer()
        given: dict[str, Any] = {}
        for name, values in self.request.query_params.lists():
            if name not in paging:
                several = isinstance(asked.fields.get(name), serializers.MultipleChoiceField)
                if name in asked.fields and len(values) > 1 and not several:
                    raise exceptions.ValidationError({name: "It can be given once only."})
                given[name] = values if several else values[-1]
        checked = type(asked)(data=given)
        checked.is_valid(raise_exception=True)
        return dict(checked.validated_data)

    def asked(self) -> dict[str, Any]:
        """What the body asks for, checked by the view's serializer. Raises ValidationError."""
        asked = self.get_serializer(data=self.request.data)
        asked.is_valid(raise_exception=True)
        return dict(asked.validated_data)

    def page(self, rows: QuerySet[Any]) -> Response:
        """One page of a list."""
        found = self.paginate_queryset(rows)
        return self.get_paginated_response(self.get_serializer(found, many=True).data)

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        """Nothing but `Allow`; what can be done is in the document."""
        return Response(status=204)

    def permission_denied(self, request: Request, message: str | None = None, code: str | None = None) -> NoReturn:
        raise exceptions.PermissionDenied("You have no right to do this.")

    def handle_exception(self, exc: Exception) -> Response:
        problem = problem_of(exc)
        self._log_problem(problem, exc)
        response = Response(problem.body(instance=self.request.path, request_id=self.request_id), status=problem.status)
        response.exception = True
        if problem.status == 401:
            response["WWW-Authenticate"] = self._challenge()
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
        final.headers["X-Request-ID"] = self.request_id
        return final

    def _challenge(self) -> str:
        """How to authenticate: what the first of the host's classes says that says anything."""
        said = (one.authenticate_header(self.request) for one in self.get_authenticators())
        return next((text for text in said if text), 'Session realm="backup"')

    def _log_problem(self, problem: Problem, error: Exception) -> None:
        level = logging.ERROR if problem.status >= 500 else logging.WARNING if problem.status != 401 else logging.INFO
        # repr: a path may hold line ends, which would look like lines of their own.
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
    """Every address below the API's that is none: 401 and 403 as everywhere, then 404."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise exceptions.NotFound("There is no such address in this API.")
