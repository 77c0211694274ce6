"""Files in pieces: Django, spoken to as ASGI, would read a streamed answer into memory as a whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

_GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


class StreamingMiddleware:
    """Hands on an answer's pieces as they are read, each of them in the thread of the request. The outermost one."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: _GetResponse) -> None:
        self._get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        response = self._get_response(request)
        return response if isinstance(response, HttpResponseBase) else self._in_pieces(response)

    async def _in_pieces(self, awaited: Awaitable[HttpResponseBase]) -> HttpResponseBase:
        response = await awaited
        if isinstance(response, StreamingHttpResponse) and not response.is_async:
            response.streaming_content = _pieces(iter(response))
        return response


async def _pieces(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (piece := await sync_to_async(next)(pieces, None)) is not None:
        yield piece
