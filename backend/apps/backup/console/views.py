"""Serve the page of the console, which is the same for all of its addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from ..doctor.addresses import LOGIN_HINT, address_of, log_in_obstacle
from .assets import NotBuilt, assets_of

_APP: Final = __package__.removesuffix(".console")
# Scripts write the styles of single elements, so inline styles are allowed. Scripts come only from files.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:;"
    " font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@require_safe
@ensure_csrf_cookie
def console(request: HttpRequest, path: str = "") -> HttpResponse:
    """Serve the console to signed-in users; the API checks what they may see."""
    if not hasattr(request, "user"):
        return _unready(
            "The console's page signs in with a session. Add django.contrib.sessions to INSTALLED_APPS, and"
            " SessionMiddleware and AuthenticationMiddleware to MIDDLEWARE. In a project with tokens only, embed the"
            " console in a React page: docs/reference/console.md."
        )
    if not request.user.is_authenticated:
        obstacle = log_in_obstacle()
        return _unready(f"{obstacle} {LOGIN_HINT}") if obstacle else redirect_to_login(request.get_full_path())
    try:
        api = address_of("backup-api:configurations").removesuffix("/configurations/")
    except NoReverseMatch:
        return _unready(
            "The console needs the API, which has no address in this project. Add"
            f' path("api/v1/backup/", include("{_APP}.api.urls")) to urlpatterns.'
        )
    base = request.path[: len(request.path) - len(path)] if path else request.path
    place = {
        "place": "backup-console",
        "title": "Backup management",
        "data": {"api-url": api, "base-path": base.rstrip("/") or "/"},
    }
    return page(request, "src/console.tsx", place)


def page(request: HttpRequest, entry: str, place: Mapping[str, object]) -> HttpResponse:
    """Return the page of an entry of the build, or 503 with the reason if it is not built."""
    try:
        assets = assets_of(entry)
    except NotBuilt as error:
        return _unready(str(error))
    answer = render(request, "backup/page.html", {"assets": assets, **place})
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _unready(reason: str) -> HttpResponse:
    return HttpResponse(reason, status=503, content_type="text/plain; charset=utf-8")
