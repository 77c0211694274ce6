"""Check that the addresses of the API, the console and the login page lead to the right views in this project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.shortcuts import resolve_url
from django.urls import (
    NoReverseMatch,
    Resolver404,
    ResolverMatch,
    URLResolver,
    get_resolver,
    get_script_prefix,
    get_urlconf,
    resolve,
    reverse,
)

from .findings import Finding, warning

_APP: Final = __package__.removesuffix(".doctor")
_API: Final = "backup-api:configurations"
_CONSOLE: Final = "backup-console:console"
_ELSEWHERE: Final = "edms-backup-looks-where-unknown-addresses-lead/"
LOGIN_HINT: Final = (
    'Set LOGIN_URL to a page that signs in with a session, such as "admin:login". Or embed the console in a React page'
    " that sends a token: docs/reference/console.md."
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
"""Authentication classes that ignore the session cookie, and so do not know the user of a Django page."""


def address_findings() -> Iterator[Finding]:
    """W048: an address of the app leads elsewhere, or the console has no usable login page."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return
    api, console = _address(_API), _address(_CONSOLE)
    yield from _variable("API", _API, api)
    yield from _variable("console", _CONSOLE, console)
    if api is not None:
        yield from _shadowed("API", _API, api, "api.urls")
    if console is None:
        return
    yield from _shadowed("console", _CONSOLE, console, "console.urls")
    match = _match(console)
    if match is None or match.func.__module__ != f"{_APP}.console.views":
        # The project shows the console in its own page, with its own login.
        return
    if api is None:
        yield warning(
            48,
            "console",
            "The console needs the API, which has no address in this project.",
            f'Add path("api/v1/backup/", include("{_APP}.api.urls")) to urlpatterns.',
        )
    yield from _log_in()
    yield from _sessions(None if api is None else _match(api))


def _variable(what: str, name: str, address: str | None) -> Iterator[Finding]:
    if address is None and _namespace_of(name) is not None:
        yield warning(
            48,
            what,
            "Its address has a variable part, such as <slug:tenant>, which its pages do not take: each request fails.",
            "Put its include() at an address without variables.",
        )


def _shadowed(what: str, name: str, address: str, included: str) -> Iterator[Finding]:
    match = _match(address)
    # The names of the apps, because the project may have given the namespaces other names.
    if match is not None and ":".join([*match.app_names[-1:], str(match.url_name)]) == name:
        return
    leads = "nowhere" if match is None else f"to {_view_name(match)}, which comes before it in urlpatterns"
    yield warning(
        48,
        what,
        f"Its address {address} leads {leads}.",
        f'Put the path with include("{_APP}.{included}") before every pattern that matches all addresses.',
    )


def log_in_obstacle() -> str:
    """Return why users cannot sign in to the console at LOGIN_URL; empty if it leads to a page."""
    try:
        address = resolve_url(settings.LOGIN_URL)
    except NoReverseMatch:
        return f"LOGIN_URL is {str(settings.LOGIN_URL)!r}, and no address has that name: the console has no login page."
    path, is_elsewhere = _path_of(address)
    # This project cannot know the addresses of another server.
    return "" if is_elsewhere or _page(path) else f"The console's login page is {address}, which leads nowhere."


def _log_in() -> Iterator[Finding]:
    """Check the page to which the console sends users who are not signed in."""
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
            f"The console's login page is {address}, which leads to {_view_name(match)} as every unknown address does.",
            LOGIN_HINT,
        )


def _path_of(address: str) -> tuple[str, bool]:
    """Return the path in an address, and whether it is on another server."""
    parts = urlsplit(address)
    return parts.path, bool(parts.netloc)


def _page(path: str) -> ResolverMatch | None:
    return _match(path) or (_match(f"{path}/") if settings.APPEND_SLASH else None)


def _sessions(api: ResolverMatch | None) -> Iterator[Finding]:
    """Check that the API accepts the session that the console's page sends."""
    view: Any = None if api is None else getattr(api.func, "cls", None)
    known = [f"{one.__module__}.{one.__qualname__}" for one in getattr(view, "authentication_classes", ())]
    if known and _NO_COOKIES.issuperset(known):
        yield warning(
            48,
            "REST_FRAMEWORK",
            f"The console's page signs in with a session, and the API accepts only {', '.join(known)}.",
            'Add "rest_framework.authentication.SessionAuthentication" to DEFAULT_AUTHENTICATION_CLASSES. Or embed the'
            " console in a React page that sends a token: docs/reference/console.md.",
        )


def address_of(name: str, *args: str) -> str:
    """Return the address of a page of this app, such as "backup-api:schema". Raises `NoReverseMatch`.

    Unlike `reverse`, it also finds a page that the project includes in a namespace of its own.
    """
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        namespace = _namespace_of(name)
        if namespace is None:
            raise
        return reverse(f"{namespace}:{name.partition(':')[2]}", args=args)


def _namespace_of(name: str) -> str | None:
    return next(_namespaces(get_resolver(get_urlconf()), name.partition(":")[0]), None)


def _namespaces(resolver: URLResolver, app: str) -> Iterator[str]:
    """Yield the full namespaces in which the project includes the addresses of an app."""
    for namespace, (_, included) in resolver.namespace_dict.items():
        if included.app_name == app:
            yield namespace
        yield from (f"{namespace}:{further}" for further in _namespaces(included, app))


def _address(name: str) -> str | None:
    try:
        return address_of(name, *([""] if name == _CONSOLE else []))
    except NoReverseMatch:
        return None


def _match(address: str) -> ResolverMatch | None:
    prefix = get_script_prefix()
    try:
        return resolve("/" + address.removeprefix(prefix) if address.startswith(prefix) else address)
    except Resolver404:
        return None


def _view_name(match: ResolverMatch) -> str:
    view: Any = getattr(match.func, "view_class", None) or getattr(match.func, "cls", None) or match.func
    return f"{view.__module__}.{getattr(view, '__qualname__', type(view).__qualname__)}"
