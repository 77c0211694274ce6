"""The addresses of the API; a host includes them at `/api/v1/backup/`."""

from django.apps import apps
from django.conf import settings
from django.urls import URLPattern, path, re_path

from .base_views import Nowhere
from .openapi_views import DocumentView, SwaggerView
from .routes import ADDRESSES

app_name = "backup-api"

_HAS_PAGE = settings.DEBUG and apps.is_installed("drf_spectacular")
"""The page of Swagger UI needs a template of that application."""

urlpatterns: list[URLPattern] = [
    *ADDRESSES,
    path("schema/", DocumentView.as_view(), name="schema"),
    *([path("docs/", SwaggerView.as_view(), name="docs")] if _HAS_PAGE else []),
    # Last: unknown addresses check the permissions first, like all others.
    re_path(r"", Nowhere.as_view(), name="nowhere"),
]
