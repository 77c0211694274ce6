"""Security headers for every response that does not set its own."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

_BEAT: Final = "django_celery_beat_"
FEATURES: Final = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
PERMISSIONS_POLICY: Final = ", ".join(f"{feature}=()" for feature in FEATURES)
ADMIN_POLICY: Final = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
"""The policy of Django's admin, whose scripts and styles are all in files."""
BEAT_POLICY: Final = f"{ADMIN_POLICY}; script-src 'self' 'unsafe-inline'"
"""The policy of the forms of django-celery-beat, which have an inline script."""


class SecurityHeaders(MiddlewareMixin):
    """A middleware that sets `Permissions-Policy` and `Content-Security-Policy` on responses without them."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        # Django's debug error page has inline styles.
        if not settings.DEBUG:
            is_of_beat = request.resolver_match is not None and str(request.resolver_match.url_name).startswith(_BEAT)
            response.headers.setdefault("Content-Security-Policy", BEAT_POLICY if is_of_beat else ADMIN_POLICY)
        return response
