"""Answer 503 to requests that would write to data which a restore is about to replace.

Put `HoldWrites` first in MIDDLEWARE. From the safety backup of a restore to its swap, requests with a method that may
write wait; during the swap all requests do. Their writes, which users were told are saved, would be found only in the
replaced state.
"""

from __future__ import annotations

import contextlib
import uuid
from asyncio import iscoroutinefunction
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import ClassVar, Final

from asgiref.sync import markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve

from .core.application_hold import Scope, scope_of, write_lock

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_RETRY_SECONDS: Final = {Scope.WRITES: 30, Scope.EVERYTHING: 5}
_TEXT: Final = "The system is being restored from a backup. Your request was not carried out. Try again later."
_BACKUP_PACKAGE: Final = __name__.rpartition(".")[0]


class HoldWrites:
    """The middleware. The backup system's own views answer until the swap: users can follow and cancel a restore."""

    sync_capable: ClassVar[bool] = True
    async_capable: ClassVar[bool] = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]) -> None:
        self._get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if iscoroutinefunction(self._get_response):
            return self._answer_later(request)
        with self._let_in(request) as refused:
            answer = refused or self._get_response(request)
        assert isinstance(answer, HttpResponseBase)  # noqa: S101  of a function that is no coroutine
        return answer

    async def _answer_later(self, request: HttpRequest) -> HttpResponseBase:
        with self._let_in(request) as refused:
            if refused is not None:
                return refused
            answer = self._get_response(request)
            assert not isinstance(answer, HttpResponseBase)  # noqa: S101  of a coroutine function
            return await answer

    @contextlib.contextmanager
    def _let_in(self, request: HttpRequest) -> Iterator[HttpResponse | None]:
        root = Path(settings.BACKUP_STORAGE_ROOT)
        may_write = request.method not in _SAFE and not _is_backup_view(request)
        with write_lock(root) if may_write else contextlib.nullcontext():
            scope = scope_of(root)
            if scope is None or (scope is Scope.WRITES and not may_write):
                yield None
                return
        # The restore waits for the lock of `write_lock`; it is released before the refusal is sent.
        yield _refusal(request, scope)


def _is_backup_view(request: HttpRequest) -> bool:
    try:
        view = resolve(request.path_info).func
    except Resolver404:
        return False
    handler = getattr(view, "cls", None) or getattr(view, "view_class", None) or view
    return str(getattr(handler, "__module__", "")).startswith(f"{_BACKUP_PACKAGE}.")


def _refusal(request: HttpRequest, scope: Scope) -> HttpResponse:
    if _is_backup_view(request):
        answer: HttpResponse = JsonResponse(_problem(request), status=503, content_type="application/problem+json")
    else:
        answer = HttpResponse(f"{_TEXT}\n", status=503, content_type="text/plain; charset=utf-8")
    answer["Retry-After"] = str(_RETRY_SECONDS[scope])
    answer["Cache-Control"] = "no-store"
    return answer


def _problem(request: HttpRequest) -> dict[str, object]:
    """Return the problem document of the API, which may not be installed in this project."""
    return {
        "type": "urn:edms-backup:problem:unavailable",
        "title": "Service Unavailable",
        "status": 503,
        "detail": _TEXT,
        "instance": request.path,
        "id": str(uuid.uuid4()),
        "errors": [],
    }
