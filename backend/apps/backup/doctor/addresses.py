"""Where the addresses of the API, the console and its log-in lead in this project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, Resolver404, ResolverMatch, get_script_prefix, resolve, reverse

from .findings import Finding, warning

_APP: Final = __package__.removesuffix(".doctor")
_API: Final = "backup-api:configurations"
_CONSOLE: Final = "backup-console:console"
_ELSEWHERE: Final = "edms-backup-looks-where-unknown-addresses-lead/"
LOGIN_HINT: Final = (
    'Set LOGIN_URL to a page that signs in with a session, such as "admin:login", or show the console in a page of'
    " React that sends a token: docs/reference/console.md."
)
_NO_COOKIES: Final = frozenset(
    {
        "rest_framework.authentication.BasicAuthentication",
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework_simplejwt.authentication.JWTAuthentication",
        "rest_framework_simplejwt.authentication.JWTStatelessUserAuthentication",
        "knox.auth.TokenAuthentication",
        "oauth2_provider.contrib.rest_framework.authentication.OAuth2Authentication",
    }
)
"""Classes that know no session, and so not who is signed in on a page of Django."""


def address_findings() -> Iterator[Finding]:
    """W048: an address of ours leads elsewhere, or the console leads to a log-in that is not there."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return
    api, console = _address(_API), _address(_CONSOLE)
    if api is not None:
        yield from _shadowed("API", _API, api, "api.urls")
    if console is None:
        return
    yield from _shadowed("console", _CONSOLE, console, "console.urls")
    match = _match(console)
    if match is None or match.func.__module__ != f"{_APP}.console.views":
        # A page of the project's own, with a log-in of its own.
        return
    if api is None:
        yield warning(
            48,
            "console",
            "It asks the API, which has no address in this project.",
            f'Add path("api/v1/backup/", include("{_APP}.api.urls")) to urlpatterns.',
        )
    yield from _log_in()
    yield from _sessions(None if api is None else _match(api))


def _shadowed(what: str, name: str, address: str, included: str) -> Iterator[Finding]:
    match = _match(address)
    if match is not None and match.view_name == name:
        return
    leads = "nowhere" if match is None else f"to {_shown(match)}, which stands before it in urlpatterns"
    yield warning(
        48,
        what,
        f"Its address {address} leads {leads}.",
        f'Put the path with include("{_APP}.{included}") before every pattern that takes all addresses.',
    )


def log_in_obstacle() -> str:
    """Say why nobody can sign in to the console at LOGIN_URL; "" where it leads to a page."""
    try:
        address = resolve_url(settings.LOGIN_URL)
    except NoReverseMatch:
        return f"There is no address of the name {str(settings.LOGIN_URL)!r}, where the console signs in."
    path, is_elsewhere = _path_of(address)
    # What another server answers is not for this project to say.
    return "" if is_elsewhere or _page(path) else f"The console signs in at {address}, which leads nowhere."


def _log_in() -> Iterator[Finding]:
    """The page that the console leads to whoever is not signed in."""
    obstacle = log_in_obstacle()
    if obstacle:
        yield warning(48, "LOGIN_URL", obstacle, LOGIN_HINT)
        return
    address = resolve_url(settings.LOGIN_URL)
    path, is_elsewhere = _path_of(address)
    match, other = _page(path), _match(get_script_prefix() + _ELSEWHERE)
    if not is_elsewhere and match is not None and other is not None and other.func == match.func:
        yield warning(
            48,
            "LOGIN_URL",
            f"The console signs in at {address}, which leads to {_shown(match)} as every unknown address does.",
            LOGIN_HINT,
        )


def _path_of(address: str) -> tuple[str, bool]:
    """The path in an address, and whether it is of another server."""
    parts = urlsplit(address)
    return parts.path, bool(parts.netloc)


def _page(path: str) -> ResolverMatch | None:
    return _match(path) or (_match(f"{path}/") if settings.APPEND_SLASH else None)


def _sessions(api: ResolverMatch | None) -> Iterator[Finding]:
    """The page's client sends its session, which the API may not look at."""
    view: Any = None if api is None else getattr(api.func, "cls", None)
    known = [f"{one.__module__}.{one.__qualname__}" for one in getattr(view, "authentication_classes", ())]
    if known and _NO_COOKIES.issuperset(known):
        yield warning(
            48,
            "REST_FRAMEWORK",
            f"The console's page is signed in by a session, which the API does not take: {', '.join(known)}.",
            'Add "rest_framework.authentication.SessionAuthentication" to DEFAULT_AUTHENTICATION_CLASSES, or show the'
            " console in a page of React that sends a token: docs/reference/console.md.",
        )


def _address(name: str) -> str | None:
    try:
        return reverse(name, args=[""] if name == _CONSOLE else [])
    except NoReverseMatch:
        return None


def _match(address: str) -> ResolverMatch | None:
    prefix = get_script_prefix()
    try:
        return resolve("/" + address.removeprefix(prefix) if address.startswith(prefix) else address)
    except Resolver404:
        return None


def _shown(match: ResolverMatch) -> str:
    view: Any = getattr(match.func, "view_class", None) or getattr(match.func, "cls", None) or match.func
    return f"{view.__module__}.{getattr(view, '__qualname__', type(view).__qualname__)}"
