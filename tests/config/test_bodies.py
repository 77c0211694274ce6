"""Requests under ASGI whose client goes away: what has come of an upload is kept, and nothing else is made of it."""

import asyncio

import pytest

from config.asgi import application

SCOPE = {
    "type": "http",
    "method": "PATCH",
    "path": "/nowhere/",
    "query_string": b"",
    "headers": [(b"host", b"localhost"), (b"content-type", b"application/offset+octet-stream")],
}


def answered(*messages):
    """What the application sends to a client that sends these messages."""
    waiting = list(messages)
    sent = []

    async def receive():
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    async def send(message):
        sent.append(message["type"])

    asyncio.run(asyncio.wait_for(application(SCOPE, receive, send), 20))
    return sent


@pytest.mark.parametrize("more", [True, False], ids=["in the middle", "after the last byte"])
def test_a_client_that_goes_away_is_no_error(more):
    piece = {"type": "http.request", "body": b"a piece", "more_body": more}
    sent = answered(piece, {"type": "http.disconnect"})
    # Of what is complete nobody waits for the answer.
    assert sent == (["http.response.start", "http.response.body"] if more else [])
