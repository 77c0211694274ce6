"""Bodies of requests under ASGI: Django puts them on the disk whole before anything asks who sends them, and throws
away what breaks off."""

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

MOST_OF_ANYBODY: Final = 1 << 20
"""Bytes of a body that are taken before it is asked whether this user may send files to this address."""

_UPLOAD: Final = b"application/offset+octet-stream"
"""A piece of an upload (tus), of which what has come is of use although the rest has not."""
_FILES: Final = frozenset({"multipart/form-data", _UPLOAD.decode()})
"""What views take that take files."""


class GuardedHandler(ASGIHandler):
    """Asks who sends a large body while it comes, and ends the request of whoever may not send it there."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = _Body(scope, receive)
        await super().handle(scope, body, send)
        if body.is_refused:
            await self.send_response(_refusal(scope), send)


class _Body:
    """What a server hands over of a request, piece by piece. One of an upload that breaks off ends there."""

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
            # Nothing more comes, and nobody is told that the client has gone: what it has sent is still to be kept.
            await asyncio.Event().wait()
        message = await self._receive()
        if message["type"] == "http.disconnect":
            if self._is_complete or not self._size or not _is_upload(self._scope):
                return message
            self._is_over = True
            return {"type": "http.request", "body": b"", "more_body": False}
        self._is_complete = not message.get("more_body", False)
        self._size += len(message.get("body", b""))
        if self._size > MOST_OF_ANYBODY and not self._is_allowed:
            self._is_allowed = await sync_to_async(_may_send)(self._scope)
            if not self._is_allowed:
                # To Django it is a client that has gone: it closes what it has stored, and answers nothing.
                self.is_refused = True
                return {"type": "http.disconnect"}
        return message


def _is_upload(scope: Scope) -> bool:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    return any(name == b"content-type" and value.strip().lower() == _UPLOAD for name, value in headers)


def _may_send(scope: Scope) -> bool:
    """Whether the view at this address takes files, and who asks has its right, by a session or a token."""
    request = ASGIRequest(scope, io.BytesIO())
    right = _right_to_send(request)
    if right is None:
        return False
    try:
        SessionMiddleware(lambda _request: HttpResponse()).process_request(request)
        user = get_user(request)
        if not user.is_authenticated:
            user, _ = TokenAuthentication().authenticate(Request(request)) or (user, None)
        return user.has_perm(right)
    except (AuthenticationFailed, DatabaseFailure):
        return False
    finally:
        close_old_connections()


def _right_to_send(request: ASGIRequest) -> str | None:
    """The permission that a file takes which is sent to this address; None where it takes no files."""
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
    said = {
        "type": "urn:edms:problem:too-large",
        "title": HTTPStatus.REQUEST_ENTITY_TOO_LARGE.phrase,
        "status": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "detail": "So much is taken only where files are taken, of who is signed in and has the right to send them.",
        "instance": scope["path"],
        "errors": [],
    }
    return HttpResponse(
        json.dumps(said),
        status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        content_type="application/problem+json",
        headers={"Connection": "close"},
    )
