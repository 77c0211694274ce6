"""Acknowledgements through the API; and the backup that the console suggests."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from django.utils import timezone
from tests.backup.testing.rows import storage_holds_all

from apps.backup.backups.presence import forget_presence
from apps.backup.core.permissions import Right
from apps.backup.doctor.health import forget_health
from apps.backup.models import Acknowledgement, AuditEvent, BackupJob

pytestmark = pytest.mark.django_db
_numbers = itertools.count(1)
ROOT = "/api/v1/backup/"
LIST = f"{ROOT}system/acknowledgements/"
UNTIL = (timezone.now() + timedelta(days=30)).isoformat()


def job(**values) -> BackupJob:
    at = timezone.now() - timedelta(hours=values.pop("hours", 1))
    facts = {"databases": {"default": {"engine": "sqlite"}}, "files": {"media": {"files": 1}}}
    defaults = {
        **{"job_name": "a job", "backup_type": "FULL", "status": "COMPLETED", "trust": "VERIFIED", "manifest": facts},
        **{"queued_at": at, "started_at": at, "completed_at": at, "snapshot_id": f"{next(_numbers):064x}"},
    }
    return BackupJob.objects.create(**{**defaults, **values})


@pytest.fixture(autouse=True)
def anew(settings, tmp_path):
    settings.BACKUP_STORAGE_ROOT = tmp_path / "backups"
    forget_health()
    forget_presence()
    yield
    forget_health()
    forget_presence()


def look_anew() -> None:
    storage_holds_all()
    forget_presence()


def incomplete(**values) -> BackupJob:
    problems = [{"path": "/media/a", "reason": "gone"}, {"path": "/media/b", "reason": "gone"}]
    return job(**{"status": "INCOMPLETE", "problems": problems, "problem_count": 2, **values})


def test_a_warning_is_acknowledged_listed_and_open_again(client_of, admin):
    findings = admin.get(f"{ROOT}system/findings/").json()
    one = next(one for one in findings["findings"] if one["severity"] == "WARNING")
    said = {"finding": one["id"], "subject": one["subject"], "what": one["what"], "why": "known", "until": UNTIL}
    assert client_of(Right.VIEW).post(LIST, said, "json").status_code == 403
    assert client_of(Right.CONFIGURE).get(LIST).status_code == 403
    client = client_of(Right.CONFIGURE, Right.VIEW, name="ada")
    made = client.post(LIST, said, "json")
    assert made.status_code == 201, made.content
    (row,) = made.json()["acknowledgements"]
    assert (row["kind"], row["who"], row["why"]) == (one["id"], "ada", "known")
    after = admin.get(f"{ROOT}system/findings/").json()
    assert one["what"] not in [other["what"] for other in after["findings"]]
    (listed,) = after["acknowledged"]
    assert (listed["acknowledgement"], listed["acknowledged_by"]) == (row["uuid"], "ada")
    before, status = len(findings["findings"]), admin.get(f"{ROOT}system/status/").json()["protection"]
    assert status["warnings"] == len(status["open"]) == before - 1
    assert client.delete(f"{LIST}{row['uuid']}/").status_code == 204
    assert client.delete(f"{LIST}{row['uuid']}/").status_code == 404
    assert len(admin.get(f"{ROOT}system/findings/").json()["findings"]) == before
    events = AuditEvent.objects.filter(object_key=row["uuid"]).values_list("action", "actor")
    assert list(events) == [("acknowledgement.create", "ada"), ("acknowledgement.withdraw", "ada")]


def test_it_ends_by_itself(admin):
    one = next(one for one in admin.get(f"{ROOT}system/findings/").json()["findings"] if one["severity"] == "WARNING")
    said = {"finding": one["id"], "subject": one["subject"], "what": one["what"], "why": "known", "until": UNTIL}
    assert admin.post(LIST, said, "json").status_code == 201
    Acknowledgement.objects.update(until=timezone.now() - timedelta(seconds=1))
    forget_health()
    found = admin.get(f"{ROOT}system/findings/").json()
    assert one["what"] in [other["what"] for other in found["findings"]]
    assert admin.get(LIST).json() == {"acknowledgements": []}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"until": "2020-01-01T00:00:00Z"}, 400),
        ({"until": "2099-01-01T00:00:00Z"}, 400),
        ({"why": " "}, 400),
        ({"what": "something else"}, 400),
        ({"finding": "backup.W000"}, 400),
        ({"job": "00000000-0000-4000-8000-000000000000"}, 400),
    ],
)
def test_acknowledging_closed_findings_or_without_an_end_is_refused(admin, change, status):
    one = next(one for one in admin.get(f"{ROOT}system/findings/").json()["findings"] if one["severity"] == "WARNING")
    said = {"finding": one["id"], "subject": one["subject"], "what": one["what"], "why": "known", "until": UNTIL}
    assert admin.post(LIST, {**said, **change}, "json").status_code == status
    assert not Acknowledgement.objects.exists()


def test_critical_findings_cannot_be_acknowledged(admin):
    incomplete()
    found = {one["id"]: one for one in admin.get(f"{ROOT}system/findings/").json()["findings"]}
    one = found["backup.W036"]
    assert one["severity"] == "CRITICAL"
    said = {"finding": one["id"], "subject": one["subject"], "what": one["what"], "why": "known", "until": UNTIL}
    assert admin.post(LIST, said, "json").status_code == 400


def test_all_problems_of_a_job_are_named_or_none(admin):
    row = incomplete()
    made = admin.post(LIST, {"job": str(row.uuid), "why": "lost", "until": UNTIL}, "json").json()
    assert [(one["kind"], one["subject"]) for one in made["acknowledgements"]] == [
        ("problem", "/media/a"),
        ("problem", "/media/b"),
    ]
    row.refresh_from_db()
    assert row.accepted_until is not None
    # One of them is open again, and with it the job.
    admin.delete(f"{LIST}{made['acknowledgements'][0]['uuid']}/")
    row.refresh_from_db()
    assert row.accepted_until is None
    for values in ({"problem_count": 3}, {"status": "COMPLETED"}):
        other = incomplete(**values)
        assert admin.post(LIST, {"job": str(other.uuid), "why": "lost", "until": UNTIL}, "json").status_code == 400


def test_the_suggestion_says_what_was_passed_over(client_of):
    client, where = client_of(Right.VIEW), f"{ROOT}restores/suggestion/"
    assert client.get(where).json() == {"job": None, "is_whole": False, "notes": []}
    job(hours=1, job_name="rows", backup_type="DATABASE", manifest={"databases": {"default": {"engine": "sqlite"}}})
    look_anew()
    part = client.get(where).json()
    assert (part["job"]["job_name"], part["is_whole"]) == ("rows", False)
    good = job(hours=5, job_name="whole")
    incomplete(hours=2, job_name="half")
    look_anew()
    found = client.get(where).json()
    assert (found["job"]["uuid"], found["is_whole"]) == (str(good.uuid), True)
    assert "rows holds no files" in found["notes"][0]
    assert "half is INCOMPLETE (2 problems)" in found["notes"][0]
