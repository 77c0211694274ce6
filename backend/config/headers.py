"""What browsers are told to keep to themselves, on every answer that does not say otherwise."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

FEATURES: Final = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
PERMISSIONS_POLICY: Final = ", ".join(f"{feature}=()" for feature in FEATURES)
ADMIN_POLICY: Final = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
"""Of Django's own administration, whose scripts and styles all come from files."""


class SecurityHeaders(MiddlewareMixin):
    """A middleware that sets `Permissions-Policy`, and on pages without one a `Content-Security-Policy`."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:  # noqa: ARG002
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        # Django's page about an error while debugging has its styles in itself.
        if not settings.DEBUG:
            response.headers.setdefault("Content-Security-Policy", ADMIN_POLICY)
        return response
