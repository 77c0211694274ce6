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
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MOST_OF_NOBODY: Final = 1 << 20
"""Bytes of a body that are taken of whoever is not signed in and has no token."""

_UPLOAD: Final = b"application/offset+octet-stream"
"""A piece of an upload (tus), of which what has come is of use although the rest has not."""


class BodyRefused(Exception):
    """Nobody sends more than is taken of nobody."""


class GuardedHandler(ASGIHandler):
    """Asks who sends a large body while it comes, and ends the request of whoever is nobody."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().handle(scope, _Body(scope, receive), send)
        except BodyRefused:
            await self.send_response(_refusal(scope), send)


class _Body:
    """What a server hands over of a request, piece by piece. One of an upload that breaks off ends there."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope = scope
        self._receive = receive
        self._size = 0
        self._is_known = False
        self._is_complete = False
        self._is_over = False

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
        if self._size > MOST_OF_NOBODY and not self._is_known:
            self._is_known = await sync_to_async(_is_somebody)(self._scope)
            if not self._is_known:
                raise BodyRefused
        return message


def _is_upload(scope: Scope) -> bool:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    return any(name == b"content-type" and value.strip().lower() == _UPLOAD for name, value in headers)


def _is_somebody(scope: Scope) -> bool:
    """Whether the request has the cookie of a session, or a token, of somebody who may sign in."""
    request = ASGIRequest(scope, io.BytesIO())
    try:
        SessionMiddleware(lambda _request: HttpResponse()).process_request(request)
        return get_user(request).is_authenticated or TokenAuthentication().authenticate(Request(request)) is not None
    except (AuthenticationFailed, DatabaseFailure):
        return False
    finally:
        close_old_connections()


def _refusal(scope: Scope) -> HttpResponse:
    said = {
        "type": "urn:edms:problem:too-large",
        "title": HTTPStatus.REQUEST_ENTITY_TOO_LARGE.phrase,
        "status": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "detail": "Whoever is not signed in may not send so much; sign in first.",
        "instance": scope["path"],
        "errors": [],
    }
    return HttpResponse(
        json.dumps(said),
        status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        content_type="application/problem+json",
        headers={"Connection": "close"},
    )
