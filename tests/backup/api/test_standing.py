"""The authorization of a client that listens to events is checked again and again."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from datetime import timedelta

import pytest
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.db.models import CharField
from django.http import HttpRequest
from django.test import Client
from django.test.utils import isolate_apps
from django.utils import timezone
from rest_framework.authtoken.models import Token
from rest_framework.request import Request

from apps.backup.api import live_sessions as standing
from apps.backup.api.live_sessions import StreamAccess, active_account
from apps.backup.core.permissions import Right
from apps.backup.reporting import event_stream
from apps.backup.reporting.event_stream import Broadcaster, Event


@pytest.fixture
def viewer(db):
    user = User.objects.create_user("viewer", password="secret")
    user.user_permissions.add(Permission.objects.get(codename=Right.VIEW.codename))
    return user


def listening(user, *, auth=None, session=None):
    request = Request(HttpRequest())
    request.user, request.auth = user, auth
    if session is not None:
        request._request.session = session
    return StreamAccess(request, Right.VIEW)


CHANGES = {
    "deactivated": lambda user: User.objects.filter(pk=user.pk).update(is_active=False),
    "deleted": lambda user: User.objects.filter(pk=user.pk).delete(),
    "without the right": lambda user: user.user_permissions.clear(),
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_an_account_that_may_not_any_more(viewer, change):
    asked = listening(viewer)
    assert asked.holds()
    CHANGES[change](viewer)
    assert not asked.holds()


@pytest.mark.parametrize("active", [True, False])
def test_an_account_whose_model_has_no_column_for_that(viewer, active, monkeypatch):
    with isolate_apps("tests"):

        class Person(AbstractBaseUser):
            username = CharField(max_length=150)
            is_active = active

            class Meta:
                app_label = "tests"
                db_table = "auth_user"

            def has_perm(self, _name):
                return True

    monkeypatch.setattr(standing, "get_user_model", lambda: Person)
    assert listening(viewer).holds() is active
    assert (active_account(viewer.pk) is not None) is active


def test_a_token_that_is_deleted(viewer):
    token = Token.objects.create(user=viewer)
    asked = listening(viewer, auth=token)
    assert asked.holds()
    token.delete()
    assert not asked.holds()


@pytest.mark.parametrize(("hours", "holds"), [(1, True), (-1, False)])
def test_a_token_whose_row_stays_ends_with_its_time(viewer, hours, holds):
    ends = timezone.now() + timedelta(hours=hours)
    token = Session.objects.create(session_key="token", session_data="", expire_date=ends)
    assert listening(viewer, auth=token).holds() is holds


def test_a_signed_token_ends_with_its_time(viewer):
    assert listening(viewer, auth={"exp": time.time() + 60}).holds()
    assert not listening(viewer, auth={"exp": time.time() - 1}).holds()


@pytest.mark.parametrize("how", ["signed out", "another password"])
def test_a_session_that_has_ended(viewer, how):
    client = Client()
    client.force_login(viewer)
    asked = listening(viewer, session=client.session)
    assert asked.holds()
    if how == "signed out":
        client.logout()
    else:
        viewer.set_password("another")
        viewer.save()
    assert not asked.holds()


@dataclasses.dataclass
class Asked:
    """A standing that holds so many times; it is counted how often it was asked."""

    key: str
    good_for: int
    error: Exception | None = None
    times: int = 0

    def holds(self):
        self.times += 1
        if self.error is not None:
            raise self.error
        return self.times <= self.good_for


def test_a_stream_ends_with_the_standing_of_its_listener(monkeypatch):
    monkeypatch.setattr(event_stream, "changes_since", lambda moment, *, limit: [])
    monkeypatch.setattr(event_stream, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(event_stream, "ACCESS_SECONDS", 0.02)
    event = Event("0000000000000001-0", "ready", {"type": "ready"})
    good, bad, lost = Asked("good", 10**6), Asked("bad", 2), Asked("lost", 0, OperationalError("away"))
    broken = Asked("broken", 0, ConnectionRefusedError("the directory of accounts is away"))

    async def story():
        broadcaster = Broadcaster()
        streams = [broadcaster.stream(None, one) for one in (bad, lost, broken, good, good)]
        for stream in streams:
            assert b"retry" in await anext(stream)
            assert b"ready" in await anext(stream)
        async with asyncio.timeout(10):
            # Three that end, without another block, long before their hearts would beat.
            assert [block async for block in streams[0]] == []
            assert [block async for block in streams[1]] == []
            assert [block async for block in streams[2]] == []
        asked = good.times
        broadcaster._send([event])
        assert [await anext(stream) for stream in streams[3:]] == [event.encode()] * 2
        await asyncio.sleep(0.2)
        for stream in streams[3:]:
            await stream.aclose()
        return asked

    assert asyncio.run(story()) >= 2
    # One question for two streams.
    assert bad.times == 3
    assert lost.times == 1
