"""Limit request bodies under ASGI.

Django writes the whole body to the disk before it checks the user, and drops an interrupted body.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.db import Error as DatabaseFailure
from django.db import close_old_connections
from django.http import HttpResponse
from django.urls import Resolver404, resolve
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MAX_UNCHECKED: Final = 1 << 20
"""The maximum size of a body in bytes before the user's permission to send files to this URL is checked."""

_UPLOAD: Final = b"application/offset+octet-stream"
"""A chunk of an upload (tus). The received part is useful even if the rest is missing."""
_FILES: Final = frozenset({"multipart/form-data", _UPLOAD.decode()})
"""The media types of views that accept files."""


class GuardedHandler(ASGIHandler):
    """Check the user of a large body while it arrives, and end the request without the permission to send files."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = _Body(scope, receive)
        await super().handle(scope, body, send)
        if body.is_refused:
            await self.send_response(_refusal(scope), send)


class _Body:
    """The body of a request, piece by piece. An interrupted upload chunk ends with its received part."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope = scope
        self._receive = receive
        self._size = 0
        self._is_allowed = False
        self._is_complete = False
        self._is_over = False
        self.is_refused = False

    async def __call__(self) -> Message:
        if self._is_over:
            # The client is gone, but Django is not told: the received part is still to be stored.
            await asyncio.Event().wait()
        message = await self._receive()
        if message["type"] == "http.disconnect":
            if self._is_complete or not self._size or not _is_upload(self._scope):
                return message
            self._is_over = True
            return {"type": "http.request", "body": b"", "more_body": False}
        self._is_complete = not message.get("more_body", False)
        self._size += len(message.get("body", b""))
        if self._size > MAX_UNCHECKED and not self._is_allowed:
            self._is_allowed = await sync_to_async(_may_send)(self._scope)
            if not self._is_allowed:
                # Django sees a disconnected client: it closes its files and sends no response.
                self.is_refused = True
                return {"type": "http.disconnect"}
        return message


def _is_upload(scope: Scope) -> bool:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    return any(name == b"content-type" and value.strip().lower() == _UPLOAD for name, value in headers)


def _may_send(scope: Scope) -> bool:
    """Return whether the view at this URL accepts files, and the user (by session or token) has its permission."""
    request = ASGIRequest(scope, io.BytesIO())
    permission = _permission_to_send(request)
    if permission is None:
        return False
    try:
        SessionMiddleware(lambda _request: HttpResponse()).process_request(request)
        user = get_user(request)
        if not user.is_authenticated:
            user, _ = TokenAuthentication().authenticate(Request(request)) or (user, None)
        return user.has_perm(permission)
    except (AuthenticationFailed, DatabaseFailure):
        return False
    finally:
        close_old_connections()


def _permission_to_send(request: ASGIRequest) -> str | None:
    """Return the permission to send files to this URL; None if it does not accept files."""
    try:
        view = getattr(resolve(request.path_info).func, "cls", None)
    except Resolver404:
        return None
    if not any(parser.media_type in _FILES for parser in getattr(view, "parser_classes", ())):
        return None
    rights: Mapping[str, Any] = getattr(view, "permissions", None) or getattr(view, "rights", {})
    right = rights.get(str(request.method))
    return None if right is None else str(getattr(right, "permission", right))


def _refusal(scope: Scope) -> HttpResponse:
    problem = {
        "type": "urn:edms:problem:too-large",
        "title": HTTPStatus.REQUEST_ENTITY_TOO_LARGE.phrase,
        "status": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "detail": "The request is too large. Large requests need a URL that accepts files, and a signed-in user with"
        " permission to send them.",
        "instance": scope["path"],
        "errors": [],
    }
    return HttpResponse(
        json.dumps(problem),
        status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        content_type="application/problem+json",
        headers={"Connection": "close"},
    )
