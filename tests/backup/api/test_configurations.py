"""Configurations over HTTP, as the mission document has them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from tests.backup.testing.rows import DAY, backup, policy, storage_holds_all
from tests.backup.testing.stored_backup import ROOT

from apps.backup.core.permissions import Right
from apps.backup.models import AuditEvent, BackupConfiguration, BackupJob

pytestmark = pytest.mark.django_db

LIST = f"{ROOT}configurations/"


def create(client, **values):
    answer = client.post(LIST, {"name": "my_backup", "backup_type": "FULL", "frequency": "ON_DEMAND", **values}, "json")
    assert answer.status_code == 201, answer.json()
    return answer.json()


def test_the_mission_s_way_through(admin):
    made = create(admin, frequency="DAILY", schedule_time="02:00")
    assert made["created_by"] == "admin"
    assert made["schedule_in_words"] == "daily at 02:00"
    where = f"{LIST}{made['uuid']}/"
    assert admin.get(where).json() == made
    assert [row["name"] for row in admin.get(LIST).json()["results"]] == ["my_backup"]
    changed = admin.put(where, {**made, "retention_days": 7}, "json")
    assert (changed.status_code, changed.json()["retention_days"]) == (200, 7)
    assert admin.patch(where, {"is_enabled": False}, "json").json()["is_enabled"] is False
    assert [row["name"] for row in admin.get(LIST).json()["results"]] == ["my_backup"]
    assert admin.delete(where).status_code == 204
    assert admin.get(where).status_code == 404
    assert BackupConfiguration.objects.count() == 0
    actions = list(AuditEvent.objects.values_list("action", "actor", "address"))
    said = ["configuration.create", "configuration.update", "configuration.update", "configuration.delete"]
    assert actions == [(action, "admin", "192.0.2.7") for action in said]


def test_retention_is_previewed_by_rules_that_are_not_saved(admin):
    nightly = policy(retention_days=1000, max_backups=100)
    for days in range(5):
        backup(nightly, days * DAY, queued_at=timezone.now() - days * DAY, started_at=timezone.now() - days * DAY)
    storage_holds_all()
    where = f"{LIST}{nightly.uuid}/retention/"

    def counts(answer):
        assert answer.status_code == 200, answer.json()
        return answer.json()["kept"], answer.json()["going"]

    assert counts(admin.get(where)) == (5, 0)
    assert counts(admin.post(where, {"max_backups": 2}, "json")) == (2, 3)
    assert counts(admin.post(where, {"max_backups": 2, "keep_daily": 4}, "json")) == (4, 1)
    assert counts(admin.post(where, {}, "json")) == (5, 0)
    for wrong in ({"max_backups": 0}, {"name": "x"}):
        refused = admin.post(where, wrong, "json")
        assert (refused.status_code, [one["field"] for one in refused.json()["errors"]]) == (400, list(wrong))
    nightly.refresh_from_db()
    assert (nightly.max_backups, AuditEvent.objects.filter(action="configuration.update").count()) == (100, 0)


def test_latest_results_take_a_constant_number_of_queries(admin, django_assert_max_num_queries):
    made = [create(admin, name=f"policy-{number}") for number in range(20)]
    rows = list(BackupConfiguration.objects.order_by("name"))
    now = timezone.now()

    def job(row, hours, status, **columns):
        times = dict.fromkeys(("queued_at", "started_at"), now - timedelta(hours=hours))
        return BackupJob.objects.create(
            configuration=row, job_name=f"{row.name}-{hours}", backup_type="FULL", status=status, **columns, **times
        )

    stored = {"snapshot_id": "ab" * 32, "trust": "VERIFIED"}
    for row in rows[1:]:
        job(row, 5, "COMPLETED", **stored)
        job(row, 4, "COMPLETED", **{**stored, "trust": "DAMAGED"})
        job(row, 3, "COMPLETED", **stored, removal_started_at=now)
        job(row, 2, "FAILED")
        job(row, 1, "PENDING")
    with django_assert_max_num_queries(8):
        listed = admin.get(f"{LIST}?limit=200").json()["results"]
    assert (listed[0]["last_run"], listed[0]["last_good"]) == (None, None)
    for row in listed[1:]:
        assert (row["last_run"]["job_name"], row["last_run"]["status"]) == (f"{row['name']}-2", "FAILED")
        assert (row["last_good"]["job_name"], row["last_good"]["trust"]) == (f"{row['name']}-5", "VERIFIED")
    assert admin.get(f"{LIST}{made[1]['uuid']}/").json() == next(row for row in listed if row["name"] == "policy-1")
    assert admin.put(f"{LIST}{made[1]['uuid']}/", listed[1], "json").status_code == 200


def test_one_whose_path_is_forbidden_meanwhile_can_be_switched_off_and_no_more(admin, settings, tmp_path):
    settings.BACKUP_STORAGE_ROOTS = [str(tmp_path / "elsewhere")]
    where = f"{LIST}{create(admin, storage_path=str(tmp_path / 'elsewhere' / 'a'))['uuid']}/"
    settings.BACKUP_STORAGE_ROOTS = []
    assert admin.post(f"{where}disable/", {}, "json").json()["is_enabled"] is False
    assert admin.patch(where, {"is_enabled": False}, "json").status_code == 200
    for answer in (
        admin.post(f"{where}enable/", {}, "json"),
        admin.patch(where, {"is_enabled": True}, "json"),
        admin.patch(where, {"retention_days": 7}, "json"),
    ):
        assert answer.status_code == 400
        assert [error["field"] for error in answer.json()["errors"]] == ["storage_path"]
    assert admin.patch(where, {"storage_path": "", "is_enabled": True}, "json").status_code == 200


def test_errors_are_said_field_by_field(admin):
    answer = admin.post(LIST, {"name": "x", "retention_days": 0, "schedule_days": [9], "colour": "red"}, "json")
    problem = answer.json()
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert problem["type"] == "urn:edms-backup:problem:invalid"
    assert [error["field"] for error in problem["errors"]] == ["colour"]
    problem = admin.post(LIST, {"name": "x", "retention_days": 0, "schedule_days": [9]}, "json").json()
    assert {error["field"] for error in problem["errors"]} == {"retention_days", "schedule_days.0"}
    problem = admin.post(LIST, {"name": "x", "frequency": "WEEKLY"}, "json").json()
    assert {error["field"] for error in problem["errors"]} == {"schedule_time", "schedule_days"}
    assert len(problem["id"]) == 32


@pytest.mark.parametrize("right", [*Right, None])
def test_each_right_by_itself(right, admin, client_of):
    made = create(admin)
    client = client_of(*([right] if right else []))
    where = f"{LIST}{made['uuid']}/"
    assert client.get(where).status_code == (200 if right is Right.VIEW else 403)
    assert client.get(LIST).status_code == (200 if right is Right.VIEW else 403)
    changed = client.patch(where, {"description": "mine"}, "json").status_code
    assert changed == (200 if right is Right.CONFIGURE else 403)
    unknown = client.get(f"{LIST}00000000-0000-0000-0000-000000000000/").status_code
    assert unknown == (404 if right is Right.VIEW else 403)
    assert client.get(f"{ROOT}no/such/address").status_code == (404 if right else 403)
