"""The OpenAPI document of this API, and Swagger UI to try it out while debugging."""

from __future__ import annotations

from collections.abc import Callable

from django.urls import reverse
from drf_spectacular.views import SpectacularSwaggerView
from rest_framework.request import Request
from rest_framework.response import Response

from .base_views import BackupView, HasRight
from .openapi_document import document
from .openapi_operations import extend_schema


class DocumentView(BackupView):
    """The document, for whoever has any right here."""

    rights = {"GET": None}

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        return Response(document(server=request.path.removesuffix("schema/")))


class SwaggerView(SpectacularSwaggerView):
    """Only while debugging: the page runs scripts, which nothing else here does."""

    rights = {"GET": None}
    permission_classes = [HasRight]

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        self.url = reverse("backup-api:schema")
        shown: Callable[..., Response] = super().get
        return shown(request, *args, **kwargs)
