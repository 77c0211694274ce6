"""Serve the OpenAPI document, and Swagger UI in DEBUG mode."""

from __future__ import annotations

from collections.abc import Callable

from drf_spectacular.views import SpectacularSwaggerView
from rest_framework.request import Request
from rest_framework.response import Response

from ..doctor.addresses import address_of
from .base_views import BackupView, HasRight
from .openapi_document import document
from .openapi_operations import extend_schema


class DocumentView(BackupView):
    """The OpenAPI document, for users with any right of this API."""

    rights = {"GET": None}

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        return Response(document(server=request.path.removesuffix("schema/")))


class SwaggerView(SpectacularSwaggerView):
    """Swagger UI, only in DEBUG mode: it is the only page here that runs scripts."""

    rights = {"GET": None}
    permission_classes = [HasRight]

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        self.url = address_of("backup-api:schema")
        shown: Callable[..., Response] = super().get
        return shown(request, *args, **kwargs)
