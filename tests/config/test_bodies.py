"""Bodies of requests under ASGI: of a client that goes away, and of one that may not send so much."""

import asyncio

import pytest
from django.contrib.auth.models import Permission, User
from rest_framework.authtoken.models import Token

from config.asgi import application
from config.bodies import MAX_UNCHECKED, _may_send

SCOPE = {
    "type": "http",
    "method": "PATCH",
    "path": "/nowhere/",
    "query_string": b"",
    "headers": [(b"host", b"localhost"), (b"content-type", b"application/offset+octet-stream")],
}


def answered(*messages):
    """Return the messages that the application sends to a client that sends these."""
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
    # A complete request whose client has gone gets no answer.
    assert sent == (["http.response.start", "http.response.body"] if more else [])


UPLOAD = "/api/v1/backup/uploads/0b5c2f2e-0000-4000-8000-000000000000/"


def sender(*codenames):
    """A user with these rights alone; the header of a request of that one."""
    user = User.objects.create_user(f"with {codenames}")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return (b"authorization", f"Token {Token.objects.create(user=user).key}".encode())


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path", "codename"),
    [
        ("PATCH", UPLOAD, "restore_backups"),
        ("POST", "/api/v1/documents/", "add_document"),
        ("POST", "/api/v1/documents/0b5c2f2e-0000-4000-8000-000000000000/versions/", "change_document"),
    ],
)
def test_a_large_body_takes_an_address_of_files_and_its_right(method, path, codename):
    everything_else = {"view_backups", "restore_backups", "add_document", "change_document"} - {codename}
    scope = {**SCOPE, "method": method, "path": path}
    for header, expected in ((sender(codename), True), (sender(*everything_else), False), ((b"x", b""), False)):
        assert _may_send({**scope, "headers": [*SCOPE["headers"], header]}) is expected
    for nowhere in ("/api/v1/backup/configurations/", "/nowhere/"):
        headers = [*SCOPE["headers"], sender(codename, nowhere)]
        assert not _may_send({**scope, "path": nowhere, "headers": headers})


def test_a_body_that_is_too_large_is_refused_while_it_comes():
    pieces = [{"type": "http.request", "body": b"x" * (MAX_UNCHECKED + 1), "more_body": True}]
    assert answered(*pieces) == ["http.response.start", "http.response.body"]
