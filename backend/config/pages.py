"""The page of the EDMS: the same for all its URLs and all users, since it also shows the sign-in form."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from apps.backup.console.views import page


@require_safe
@ensure_csrf_cookie
def edms(request: HttpRequest, path: str = "") -> HttpResponse:  # noqa: ARG001  the scripts of the page read the URL
    """Return the page. The APIs check the permissions for its content."""
    data = {
        "base-path": reverse("edms", args=[""]).rstrip("/"),
        "api-url": reverse("session").removesuffix("/session/"),
        "admin-url": reverse("admin:index"),
    }
    return page(request, "src/edms.tsx", {"place": "edms", "title": "EDMS", "data": data})
