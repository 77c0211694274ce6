"""A restore is watched with a ticket, which outlives the session that the restore replaces."""

from __future__ import annotations

import datetime
import uuid

import pytest
from django.utils import timezone
from rest_framework.test import APIClient
from tests.backup.testing.stored_backup import ROOT

from apps.backup.api import restore_watch
from apps.backup.core.permissions import Right
from apps.backup.models import RestoreJob

pytestmark = pytest.mark.django_db


@pytest.fixture
def restore():
    return RestoreJob.objects.create(
        uuid=uuid.uuid4(),
        backup_reference="nightly-1",
        restore_type="FULL_RESTORE",
        target="live",
        status="RUNNING",
        queued_at=timezone.now(),
    )


@pytest.fixture
def viewer(client_of):
    return client_of(Right.VIEW, name="viewer")


def address(restore, part="watch/"):
    return f"{ROOT}restores/{restore.uuid}/{part}"


def watch(restore, ticket, **values):
    """As a page does whose session the restore has replaced."""
    return APIClient().get(address(restore), values, headers={restore_watch.HEADER: ticket})


@pytest.fixture
def ticket(viewer, restore):
    answer = viewer.post(address(restore), {}, "json")
    assert (answer.status_code, sorted(answer.json())) == (201, ["expires_at", "ticket"])
    return answer.json()["ticket"]


def test_the_ticket_shows_progress_and_result_without_a_session(ticket, restore):
    assert watch(restore, ticket).json()["status"] == "RUNNING"
    RestoreJob.objects.filter(pk=restore.pk).update(
        status="COMPLETED", counts={"files": 3}, completed_at=timezone.now()
    )
    shown = watch(restore, ticket).json()
    assert (shown["status"], shown["counts"]) == ("COMPLETED", {"files": 3})
    # The plan and the notes name accounts and their access: the ticket does not show them.
    assert {"plan", "log", "changes", "requested_by"}.isdisjoint(shown)
    assert APIClient().head(address(restore), headers={restore_watch.HEADER: ticket}).status_code == 200


def test_the_right_to_view_does_without_a_ticket(viewer, restore):
    assert viewer.get(address(restore)).json()["status"] == "RUNNING"


def test_the_ticket_allows_nothing_else(ticket, restore):
    other = RestoreJob.objects.create(uuid=uuid.uuid4(), restore_type="FULL_RESTORE", queued_at=timezone.now())
    refused = watch(other, ticket)
    assert (refused.status_code, "another restore" in refused.json()["detail"]) == (401, True)
    headers = {restore_watch.HEADER: ticket}
    assert APIClient().get(address(restore, ""), headers=headers).status_code == 401
    assert APIClient().post(address(restore), {}, "json", headers=headers).status_code == 401
    assert APIClient().post(address(restore, "cancel/"), {}, "json", headers=headers).status_code == 401
    assert watch(restore, ticket, x="1").status_code == 400


@pytest.mark.parametrize("bad", ["", "x", "a:b:c", "é", "0" * 5000])
def test_a_spoilt_ticket_is_refused(restore, bad):
    assert watch(restore, bad.encode().decode("latin-1")).status_code == 401


def test_an_old_ticket_is_refused(ticket, restore, monkeypatch):
    monkeypatch.setattr(restore_watch, "VALID_FOR", datetime.timedelta(seconds=-1))
    refused = watch(restore, ticket)
    assert (refused.status_code, "too old" in refused.json()["detail"]) == (401, True)


def test_without_a_ticket_or_a_right_nothing_is_shown(restore, client_of):
    assert APIClient().get(address(restore)).status_code == 401
    assert client_of(Right.RUN, name="runner").get(address(restore)).status_code == 403
    assert client_of(Right.RUN, name="asker").post(address(restore), {}, "json").status_code == 403
