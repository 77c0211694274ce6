"""Downloads by a link that sends no header: with a ticket, for one user, one path, one minute."""

from __future__ import annotations

import time

import pytest
from django.contrib.auth.models import User
from django.core import signing
from rest_framework.test import APIClient
from tests.backup.testing.stored_backup import ROOT, TREE, body

from apps.backup.core.permissions import Right
from apps.backup.models import AuditEvent

pytestmark = pytest.mark.django_db
LETTER = "files/media/2024/Letter.TXT"


@pytest.fixture
def reader(client_of):
    return client_of(Right.DOWNLOAD, name="reader")


def ask(client, row, path=LETTER):
    return client.post(f"{ROOT}jobs/{row.uuid}/download/", {"path": path}, "json")


def follow(row, ticket, path=LETTER, method="get", name=None, **headers):
    """As a browser follows a link: without a header, and whatever cookies it has."""
    values = {"ticket": ticket, **({} if path is None else {"path": path})}
    return getattr(APIClient(), method)(f"{ROOT}jobs/{name or row.uuid}/download/", values, headers=headers)


def test_a_ticket_begins_the_one_download_that_it_is_for(reader, job):
    answer = ask(reader, job)
    assert (answer.status_code, sorted(answer.json())) == (201, ["expires_at", "ticket"])
    ticket = answer.json()["ticket"]
    content = follow(job, ticket)
    assert (content.status_code, body(content)) == (200, TREE[b"2024"][b"Letter.TXT"].content)
    assert content["Content-Disposition"].startswith("attachment")
    part = follow(job, ticket, Range="bytes=1-2")
    assert (part.status_code, body(part)) == (206, b"ea")
    assert follow(job, ticket, method="head").status_code == 200
    event = AuditEvent.objects.filter(action="backup.download").latest("pk")
    assert event.actor == "reader"
    for path, name in ((None, None), ("", None), ("files/media/big.bin", None), (LETTER, User.objects.get().pk)):
        refused = follow(job, ticket, path=path, name=name)
        assert (refused.status_code, "another download" in refused.json()["detail"]) == (401, True)
    # Of nothing else, and to nothing but reading.
    assert APIClient().get(f"{ROOT}jobs/{job.uuid}/files/", {"ticket": ticket}).status_code == 401
    assert APIClient().post(f"{ROOT}jobs/{job.uuid}/download/?ticket={ticket}", {}, "json").status_code == 401
    whole = ask(reader, job, path="").json()["ticket"]
    assert follow(job, whole, path=None)["Content-Type"] == "application/gzip"


def test_a_ticket_is_good_for_a_minute_and_for_who_may_download_then(reader, job, person, monkeypatch):
    ticket = ask(reader, job).json()["ticket"]
    user = User.objects.get(username="reader")
    for wrong in (
        "",
        "x",
        ticket[:-1],
        f"{ticket}A",
        signing.dumps([str(user.pk), str(job.uuid), LETTER]),
        "x" * 40_000,
    ):
        refused = follow(job, wrong)
        assert (refused.status_code, "Ask for another one" in refused.json()["detail"]) == (401, True)
    # A session beside it does not count: a link never signs in another user.
    both = APIClient()
    both.force_login(person("other", Right.DOWNLOAD))
    assert both.get(f"{ROOT}jobs/{job.uuid}/download/", {"ticket": "x", "path": LETTER}).status_code == 401
    user.user_permissions.clear()
    assert follow(job, ticket).status_code == 403
    user.is_active = False
    user.save()
    assert follow(job, ticket).status_code == 401
    user.is_active = True
    user.save()
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 61)
    assert follow(job, ticket).status_code == 401


def test_tickets_require_a_downloadable_path(reader, job, client_of):
    assert ask(reader, job, path="project/.env").status_code == 403
    assert ask(reader, job, path="files/nothing").status_code == 404
    assert ask(reader, job, path="a//b").status_code == 400
    assert ask(client_of(Right.VIEW), job).status_code == 403
    assert not AuditEvent.objects.filter(action="backup.download").exists()
