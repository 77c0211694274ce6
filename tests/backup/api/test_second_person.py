"""Operations that need the approval of a second user."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.utils import timezone
from tests.backup.testing.restoring import ask_restore
from tests.backup.testing.stored_backup import ROOT

from apps.backup.core.permissions import Right
from apps.backup.models import AuditEvent, BackupConfiguration, Operation, RestoreJob
from apps.backup.services import operations as service
from apps.backup.services.operation_requests import (
    configuration_delete_request,
    remove_request,
)

pytestmark = pytest.mark.django_db

LIST = f"{ROOT}operations/"


class TestASecondPerson:
    @pytest.fixture(autouse=True)
    def two(self, settings):
        settings.BACKUP_SECOND_PERSON = ["restore", "delete"]

    def test_has_to_agree(self, client_of, backup):
        first, second = client_of(Right.RESTORE, name="first"), client_of(Right.RESTORE, name="second")
        made = ask_restore(first, backup).json()
        where = f"{LIST}{made['operation']['uuid']}/"
        assert made["operation"]["status"] == "AWAITING_APPROVAL"
        assert first.post(f"{where}approve/", {}, "json").status_code == 403
        assert first.post(f"{where}reject/", {}, "json").status_code == 403
        assert client_of(Right.DELETE, Right.RUN).post(f"{where}approve/", {}, "json").status_code == 403
        agreed = second.post(f"{where}approve/", {}, "json")
        assert agreed.status_code == 202
        assert (agreed.json()["status"], agreed.json()["decided_by"]) == ("PENDING", "second")
        assert second.post(f"{where}approve/", {}, "json").status_code == 409
        event = AuditEvent.objects.get(action="operation.approve")
        assert (event.actor, event.details) == ("second", {"requested_by": "first"})

    def test_may_not_agree(self, client_of, admin, backup):
        first = client_of(Right.RESTORE, name="first")
        made = ask_restore(first, backup).json()
        ended = admin.post(f"{LIST}{made['operation']['uuid']}/reject/", {"reason": "wrong day"}, "json").json()
        assert ended["status"] == "REJECTED"
        assert ended["error_message"] == "admin did not agree: wrong day."
        assert RestoreJob.objects.get().status == "CANCELLED"

    def test_that_nobody_is_for_a_day_is_a_no(self, admin, backup):
        made = ask_restore(admin, backup).json()
        now = timezone.now()
        assert service.operations_expire(now=now + timedelta(hours=23)) == []
        assert [str(one) for one in service.operations_expire(now=now + timedelta(hours=25))] == [
            made["operation"]["uuid"]
        ]
        assert Operation.objects.get().status == "REJECTED"
        assert RestoreJob.objects.get().status == "CANCELLED"

    def test_is_needed_for_what_cannot_be_undone_only(self, admin, person, backup):
        user, now = person("somebody"), timezone.now()
        configuration = BackupConfiguration.objects.create(name="mine")
        asked = [
            remove_request(backup.uuid, user=user, now=now),
            configuration_delete_request(configuration.uuid, backups=False, user=user, now=now),
        ]
        assert {one.status for one in asked} == {"AWAITING_APPROVAL"}
        for target in ("folder", "database"):
            assert ask_restore(admin, backup, target=target, name="x").json()["operation"]["status"] == "PENDING"

    def test_is_needed_for_a_database_from_anybody_s_package(self, settings, admin, tmp_path):
        """Its dump is run by the server that has the live database too."""
        settings.BACKUP_STORAGE_ROOT = tmp_path / "backups"
        for target, status in (("folder", "PENDING"), ("database", "AWAITING_APPROVAL")):
            sent = {"file": io.BytesIO(b"x"), "target": target, "name": "x"}
            made = admin.post(f"{ROOT}restore_from_file/", sent, "multipart")
            assert made.json()["operation"]["status"] == status

    @pytest.mark.parametrize("field", ["retention_days", "max_backups", "keep_daily", "keep_yearly"])
    def test_is_not_gone_round_by_keeping_less(self, client_of, field):
        """Retention deletes what a configuration no longer keeps, right after the next backup."""
        row = BackupConfiguration.objects.create(name="mine", **{field: 20})
        where, client = f"{ROOT}configurations/{row.uuid}/", client_of(Right.CONFIGURE)
        refused = client.patch(where, {field: 19}, "json")
        assert (refused.status_code, field in refused.json()["detail"]) == (403, True)
        assert client.patch(where, {field: 21, "description": "more"}, "json").status_code == 200
        row.refresh_from_db()
        assert getattr(row, field) == 21

    @pytest.mark.parametrize(
        ("change", "more"),
        [
            ({"exclude": ["*.tmp", "*.pdf"]}, {"exclude": []}),
            ({"include": ["databases/*"]}, {"include": []}),
            ({"backup_type": "DATABASE"}, {"backup_type": "INCREMENTAL"}),
            ({"backup_type": "EXPORT"}, {}),
            ({"frequency": "ON_DEMAND"}, {}),
            ({"frequency": "MONTHLY", "schedule_day_of_month": 1}, {}),
            # Thirty backups an hour apart span a day and a quarter.
            ({"frequency": "HOURLY"}, {"frequency": "HOURLY", "max_backups": 900}),
            ({"is_enabled": False}, {}),
            ({"is_ad_hoc": True}, {}),
            ({"status": "SUSPENDED"}, {}),
            ({"storage_path": "elsewhere"}, {}),
            ({"encryption_enabled": False}, {}),
            ({"time_limit_minutes": 1}, {"time_limit_minutes": None}),
        ],
    )
    def test_is_not_gone_round_by_holding_less(self, client_of, change, more):
        """Data that new backups lack goes with the last of the old ones."""
        row = BackupConfiguration.objects.create(
            name="mine",
            frequency="DAILY",
            schedule_time="02:00",
            schedule_days=[0],
            exclude=["*.tmp"],
            time_limit_minutes=90,
        )
        where, client = f"{ROOT}configurations/{row.uuid}/", client_of(Right.CONFIGURE)
        refused = client.patch(where, change, "json")
        assert (refused.status_code, next(iter(change)) in refused.json()["detail"]) == (
            403,
            "status" not in change,
        ), refused.json()
        before = BackupConfiguration.objects.values().get()
        assert {name: before[name] for name in change} != change
        assert client.patch(where, {**more, "description": "more"}, "json").status_code == 200

    def test_is_not_gone_round_by_fewer_days(self, client_of):
        row = BackupConfiguration.objects.create(
            name="mine", frequency="WEEKLY", schedule_time="02:00", schedule_days=[0, 3]
        )
        where, client = f"{ROOT}configurations/{row.uuid}/", client_of(Right.CONFIGURE)
        refused = client.patch(where, {"schedule_days": [0]}, "json")
        assert (refused.status_code, "schedule_days" in refused.json()["detail"]) == (403, True)
        assert client.patch(where, {"schedule_days": [1, 4]}, "json").status_code == 200

    def test_is_not_gone_round_by_switching_off(self, client_of):
        row = BackupConfiguration.objects.create(name="mine", frequency="DAILY", schedule_time="02:00")
        where, client = f"{ROOT}configurations/{row.uuid}/", client_of(Right.CONFIGURE)
        assert client.post(f"{where}disable/", {}, "json").status_code == 403
        row.refresh_from_db()
        assert row.is_enabled
        assert client.post(f"{where}enable/", {}, "json").status_code == 200
