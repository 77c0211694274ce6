"""Operations over HTTP: asked for, done by a process of their own, cancelled, and agreed to by a second person."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from django.utils import timezone
from tests.backup.testing.edms import CHEAP
from tests.backup.testing.restoring import ask_restore
from tests.backup.testing.stored_backup import ROOT

from apps.backup.core.permissions import Right
from apps.backup.core.processes import own_identity
from apps.backup.errors import BackupRemoved, IllegalTransition, LeaseLost, StorageAbsent
from apps.backup.executors.dispatch import submit_operation
from apps.backup.jobs.run import run_job
from apps.backup.models import AuditEvent, BackupConfiguration, BackupJob, Operation, RestoreJob
from apps.backup.operations import run_operation, settle_dead, settle_operations
from apps.backup.operations.restore import _blocked_without_room
from apps.backup.policies.job_request import JobRequest
from apps.backup.policies.restore_request import RestoreRequest
from apps.backup.reporting.storage_inventory import forget_repositories
from apps.backup.restores.planning.plan import Plan, Space
from apps.backup.selectors import operations_runnable, operations_to_send
from apps.backup.services import operations as service
from apps.backup.services.jobs import job_create
from apps.backup.services.operation_requests import (
    check_request,
    configuration_delete_request,
    prune_request,
    remove_request,
    unlock_request,
    verify_request,
)
from apps.backup.services.operation_runs import (
    operation_claim,
    operation_complete,
    operation_hand_over,
    operation_make_irrevocable,
    operations_dead,
)
from apps.backup.services.restore_requests import restore_request
from apps.backup.storage.locations import resolve_place
from apps.backup.storage.repository_files import locks_since
from strongroom.backends import LocalBackend
from strongroom.format.lock import LockRecord, encode_lock
from strongroom.ids import FileKind
from strongroom.repository import Repository

pytestmark = pytest.mark.django_db

LIST = f"{ROOT}operations/"


def test_requests_are_recorded_and_shown(admin, client_of, backup):
    answer = ask_restore(admin, backup)
    assert answer.status_code == 201, answer.json()
    made = answer.json()
    assert made["operation"]["status"] == "PENDING"
    assert made["operation"]["needs"] == "restore_backups"
    assert made["restore"]["operation"] == made["operation"]["uuid"]
    assert made["restore"]["status"] == "PENDING"
    assert made["restore"]["backup_job"] == str(backup.uuid)
    viewer = client_of(Right.VIEW)
    assert viewer.get(f"{LIST}?kind=RESTORE&status=PENDING").json()["results"] == [made["operation"]]
    assert viewer.get(f"{LIST}?kind=VERIFY").json()["results"] == []
    assert viewer.get(f"{LIST}{made['operation']['uuid']}/").json() == made["operation"]
    assert viewer.get(f"{ROOT}restores/{made['restore']['uuid']}/").json() == made["restore"]
    event = AuditEvent.objects.get(action="restore.request")
    assert (event.actor, event.object_key, event.address) == ("admin", str(backup.uuid), "192.0.2.7")
    assert event.details["operation"] == made["operation"]["uuid"]


def test_asking_twice_makes_one(admin, backup):
    assert ask_restore(admin, backup).status_code == 201
    again = ask_restore(admin, backup)
    assert again.status_code == 409
    assert "PENDING already" in again.json()["detail"]
    assert (Operation.objects.count(), RestoreJob.objects.count()) == (1, 1)
    # To a folder of its own it may be restored meanwhile, once.
    elsewhere = {"target": "folder", "name": "here"}
    assert [ask_restore(admin, backup, **elsewhere).status_code for _ in range(2)] == [201, 409]


def test_dead_operations_block_nothing(admin, backup):
    made = ask_restore(admin, backup).json()["operation"]
    row = Operation.objects.get(uuid=made["uuid"])
    me = own_identity()
    Operation.objects.filter(pk=row.pk).update(
        status="RUNNING", worker_host=me.host, worker_pid=me.pid, worker_process_start=me.start
    )
    assert ask_restore(admin, backup).status_code == 409
    Operation.objects.filter(pk=row.pk).update(worker_process_start="long ago")
    assert ask_restore(admin, backup).status_code == 201


def test_a_restore_of_the_live_system_is_confirmed_by_name(admin, backup):
    answer = ask_restore(admin, backup, confirm="files-2")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["confirm"]
    assert Operation.objects.count() == 0


@pytest.mark.parametrize("right", [*Right, None])
def test_each_right_by_itself(right, client_of, admin, backup):
    client = client_of(*([right] if right else []))
    may = right is Right.RESTORE
    assert ask_restore(client, backup).status_code == (201 if may else 403)
    assert client.get(LIST).status_code == (200 if right is Right.VIEW else 403)
    verifying = verify_request(backup.uuid, user=admin.handler._force_user, now=timezone.now())
    cancelled = client.post(f"{LIST}{verifying.uuid}/cancel/", {}, "json").status_code
    assert cancelled == (202 if right is Right.RUN else 403)
    unknown = client.post(f"{LIST}00000000-0000-0000-0000-000000000000/cancel/", {}, "json").status_code
    assert unknown == (404 if right is Right.VIEW else 403)


def test_waiting_operations_are_cancelled_with_their_restore(admin, backup):
    made = ask_restore(admin, backup).json()
    where = f"{ROOT}restores/{made['restore']['uuid']}/"
    assert admin.post(f"{where}cancel/", {"reason": "not today"}, "json").json()["status"] == "CANCELLED"
    assert admin.get(where).json()["status"] == "CANCELLED"
    assert admin.get(where).json()["error_message"] == "not today"
    assert admin.post(f"{where}cancel/", {}, "json").status_code == 409
    assert list(AuditEvent.objects.values_list("action", flat=True)) == ["restore.request", "operation.cancel"]


def test_swaps_are_not_cancelled(admin, backup):
    made = ask_restore(admin, backup).json()
    operation, where = made["operation"], f"{ROOT}restores/{made['restore']['uuid']}/cancel/"
    assert operation["cancellable"]
    claim = operation_claim(Operation.objects.get().uuid, worker=own_identity(), now=timezone.now())
    assert operation_make_irrevocable(claim, now=timezone.now()) is None
    assert not admin.get(f"{LIST}{operation['uuid']}/").json()["cancellable"]
    for address in (where, f"{LIST}{operation['uuid']}/cancel/"):
        refused = admin.post(address, {}, "json")
        assert refused.status_code == 409
        assert "cannot be cancelled any more" in refused.json()["detail"]
    assert Operation.objects.get().cancel_requested_at is None


def test_cancelled_restores_do_not_begin_the_swap(admin, backup):
    where = f"{LIST}{ask_restore(admin, backup).json()['operation']['uuid']}/"
    claim = operation_claim(Operation.objects.get().uuid, worker=own_identity(), now=timezone.now())
    asked = admin.post(f"{where}cancel/", {"reason": "wrong one"}, "json")
    assert (asked.status_code, asked.json()["cancellable"]) == (202, True)
    assert operation_make_irrevocable(claim, now=timezone.now()) == "wrong one"
    assert Operation.objects.get().irrevocable_at is None
    operation_complete(claim, {}, now=timezone.now())
    assert not admin.get(where).json()["cancellable"]
    with pytest.raises(LeaseLost):
        operation_make_irrevocable(claim, now=timezone.now())


def test_a_rollback_backs_up_what_is_live_unless_that_is_not_wanted(admin):
    row = RestoreJob.objects.create(
        backup_reference="files-1", restore_type="FILES_RESTORE", status="COMPLETED", rollback_state="AVAILABLE"
    )
    where = f"{ROOT}restores/{row.uuid}/rollback/"
    for said, meant in (({}, True), ({"safety_backup": False}, False)):
        operation = admin.post(where, said, "json").json()
        assert operation["arguments"] == {"restore": str(row.uuid), "safety_backup": meant}
        admin.post(f"{LIST}{operation['uuid']}/cancel/", {}, "json")
    assert admin.post(where, {"safety_backup": "perhaps"}, "json").status_code == 400


@pytest.mark.django_db
class TestDoneInThisProcess:
    """With a real repository, by the executor "inline"."""

    @pytest.fixture
    def stored(self, settings, tmp_path) -> BackupJob:
        settings.BACKUP_STORAGE_ROOT, settings.BACKUP_EXECUTOR = tmp_path / "backups", "inline"
        settings.MEDIA_ROOT = tmp_path / "media"
        (tmp_path / "media").mkdir()
        (tmp_path / "media/a.txt").write_text("hello")
        place = tmp_path / "backups/repository-unencrypted"
        place.mkdir(mode=0o700, parents=True)
        Repository.init(LocalBackend(place), "", cost=CHEAP)
        job = job_create(JobRequest("FILES", encryption=False), now=timezone.now())
        return run_job(job.uuid)

    def done(self, operation: Operation) -> Operation:
        submit_operation(operation.uuid, now=timezone.now())
        return Operation.objects.get(pk=operation.pk)

    def test_verified(self, stored, person):
        ended = self.done(verify_request(stored.uuid, user=person("somebody"), now=timezone.now()))
        assert (ended.status, ended.result["trust"], ended.result["findings"]) == ("COMPLETED", "VERIFIED", [])
        # Done on behalf of the requesting user, as the audit trail has it.
        found = AuditEvent.objects.filter(action__in=["backup.verify", "operation.completed"])
        assert [event.actor for event in found] == ["somebody", "somebody"]

    def test_damage_is_found(self, stored, person, tmp_path):
        for pack in (tmp_path / "backups/repository-unencrypted/data").rglob("*"):
            if pack.is_file():
                pack.chmod(0o600)
                pack.write_bytes(bytes(pack.stat().st_size))
        ended = self.done(verify_request(stored.uuid, user=person("somebody"), now=timezone.now()))
        assert (ended.status, ended.result["trust"]) == ("COMPLETED", "DAMAGED")
        assert ended.result["findings"]
        stored.refresh_from_db()
        assert stored.trust == "DAMAGED"

    def test_deleted_and_its_space_taken_back(self, stored, person, tmp_path):
        user, now = person("somebody"), timezone.now()
        ended = self.done(remove_request(stored.uuid, user=user, now=now))
        assert (ended.status, ended.result["removed"][0]["reason"]) == ("COMPLETED", "deleted by somebody")
        assert list((tmp_path / "backups/repository-unencrypted/snapshots").iterdir()) == []
        stored.refresh_from_db()
        assert stored.removed_at is not None
        with pytest.raises(BackupRemoved):
            verify_request(stored.uuid, user=user, now=now)
        pruned = self.done(prune_request(user=user, now=now, force=True))
        assert pruned.status == "COMPLETED", pruned.error_message

    def test_a_forecast_says_what_a_prune_would_free_and_changes_nothing(self, stored, person, settings, tmp_path):
        settings.BACKUP_SECOND_PERSON = ["delete"]
        before = sorted((tmp_path / "backups").rglob("*"))
        ended = self.done(prune_request(user=person("somebody"), now=timezone.now(), dry_run=True))
        assert (ended.status, ended.result["going"]) == ("COMPLETED", 0), ended.error_message
        (one,) = ended.result["forecast"]
        assert (one["storage_path"], one["encrypted"], one["freed_bytes"]) == ("", False, 0)
        assert one["total_bytes"] > 0
        assert sorted((tmp_path / "backups").rglob("*")) == before

    @pytest.mark.parametrize("read_data", [False, True])
    def test_a_check_finds_damage_and_names_its_backups(self, stored, person, admin, tmp_path, read_data):
        place = resolve_place("", encrypted=False)
        sound = self.done(check_request(place, read_data=read_data, user=person("somebody"), now=timezone.now()))
        assert (sound.status, sound.result["is_sound"], sound.result["snapshots"]) == ("COMPLETED", True, 1)
        for pack in (place.path / "data").rglob("*"):
            if pack.is_file():
                pack.chmod(0o600)
                # Without reading, only another size is seen.
                pack.write_bytes(bytes(pack.stat().st_size - (not read_data)))
        ended = self.done(check_request(place, read_data=read_data, user=person("else"), now=timezone.now()))
        assert (ended.status, ended.result["is_sound"]) == ("COMPLETED", False)
        assert ended.result["findings_count"] > 0
        stored.refresh_from_db()
        assert stored.trust == "DAMAGED"
        forget_repositories()
        (shown,) = admin.get("/api/v1/backup/system/repositories/").json()["repositories"]
        assert (shown["last_check"]["operation"], shown["last_check"]["is_sound"]) == (str(ended.uuid), False)
        assert shown["last_check"]["read_data"] is read_data

    def test_unlocking_removes_only_locks_whose_owner_has_ended(self, stored, person):
        place = resolve_place("", encrypted=False)
        repository = place.open()
        with repository.lock():
            dead = LockRecord("2026-11-24T12:00:00Z", exclusive=True, hostname="elsewhere", username="root", pid=1)
            repository.save_file(FileKind.LOCK, encode_lock(dead))
            assert len(locks_since(place)) == 2
            ended = self.done(unlock_request(place, user=person("somebody"), now=timezone.now()))
            assert (ended.status, ended.result["removed"]) == ("COMPLETED", 1)
            assert [lock["pid"] for lock in ended.result["left"]] == [os.getpid()]
            assert len(locks_since(place)) == 1

    def test_a_repository_that_is_not_there_is_not_checked(self, stored, person):
        with pytest.raises(StorageAbsent, match="There is no repository at"):
            check_request(
                resolve_place("nowhere", encrypted=True), read_data=False, user=person("somebody"), now=timezone.now()
            )

    def test_one_that_a_restore_needs_is_not_deleted(self, stored, person):
        wanted = remove_request(stored.uuid, user=person("somebody"), now=timezone.now())
        RestoreJob.objects.create(backup_job=stored, status="RUNNING")
        ended = self.done(wanted)
        assert ended.status == "FAILED"
        assert "a restore needs it" in ended.error_message

    def test_a_dead_one_leaves_no_half_of_a_folder(self, stored, person, tmp_path):
        choices = RestoreRequest(backup=stored.uuid, target="folder", name="look")
        asked = restore_request(choices, user=person("somebody"), now=timezone.now())
        operation_claim(asked.uuid, worker=own_identity(), now=timezone.now())
        half = tmp_path / f"backups/restored/.look.{asked.restore.uuid.hex[:8]}.partial"
        (half / "files").mkdir(parents=True)
        later = timezone.now() + timedelta(minutes=5)
        assert "is FAILED" in settle_operations(now=later)[0]
        assert list((tmp_path / "backups/restored").iterdir()) == []
        assert RestoreJob.objects.get().status == "FAILED"

    def test_a_configuration(self, stored, person):
        made = BackupConfiguration.objects.create(name="mine")
        ended = self.done(
            configuration_delete_request(made.uuid, backups=False, user=person("somebody"), now=timezone.now())
        )
        assert (ended.status, ended.result["name"]) == ("COMPLETED", "mine")
        assert not BackupConfiguration.objects.exists()

    def test_twice_delivered_it_is_done_once(self, stored, person):
        ended = self.done(verify_request(stored.uuid, user=person("somebody"), now=timezone.now()))
        with pytest.raises(IllegalTransition, match="COMPLETED, not PENDING"):
            run_operation(ended.uuid)
        assert AuditEvent.objects.filter(action="backup.verify").count() == 1

    def test_expired_leases_change_nothing(self, stored, person):
        asked = verify_request(stored.uuid, user=person("somebody"), now=timezone.now())
        claim = operation_claim(asked.uuid, worker=own_identity(), now=timezone.now())
        later = timezone.now() + timedelta(minutes=5)
        ((found, cause),) = operations_dead(now=later)
        assert "sent no heartbeat" in cause
        settle_dead(found, cause, now=later)
        with pytest.raises(LeaseLost):
            operation_complete(claim, {}, now=later)
        assert Operation.objects.get().status == "FAILED"


def test_undelivered_operations_are_found_again(person, backup):
    now = timezone.now()
    asked = verify_request(backup.uuid, user=person("somebody"), now=now)
    soon, later = now + timedelta(seconds=30), now + timedelta(seconds=90)
    assert operations_runnable(now=soon, limit=5) == operations_to_send(now=soon, patience=timedelta(minutes=10)) == []
    assert operations_runnable(now=later, limit=5) == [asked]
    assert operations_to_send(now=later, patience=timedelta(minutes=10)) == [asked.uuid]
    operation_hand_over(asked.uuid, now=now)
    assert operations_runnable(now=soon, limit=5) == [asked]
    assert operations_runnable(now=soon, limit=5, exclude=[asked.uuid]) == []
    # A message is given time, and sent again then.
    assert operations_to_send(now=later, patience=timedelta(minutes=10)) == []
    assert operations_to_send(now=now + timedelta(minutes=11), patience=timedelta(minutes=10)) == [asked.uuid]


def test_a_pinned_backup_is_not_deleted(admin, person, backup):
    BackupJob.objects.update(is_pinned=True, pin_reason="audit")
    with pytest.raises(IllegalTransition, match="pinned"):
        remove_request(backup.uuid, user=person("somebody"), now=timezone.now())


def test_a_restore_is_never_behind_plans_and_nobody_waits_for_more_than_twenty(admin, backup):
    others = [BackupJob.objects.create(job_name=f"files-{n}", backup_type="FILES") for n in range(service.MOST_OPEN)]
    stored = {"status": "COMPLETED", "trust": "VERIFIED", "snapshot_id": "ab" * 32}
    BackupJob.objects.filter(pk__in=[one.pk for one in others]).update(**stored)
    for one in others:
        verify_request(one.uuid, user=admin.handler._force_user, now=timezone.now())
    refused = admin.post(f"{ROOT}jobs/{backup.uuid}/verify/")
    assert refused.status_code == 409, refused.json()
    assert "waits for 20 operations already" in refused.json()["detail"]
    assert Operation.objects.count() == service.MOST_OPEN
    # Into a folder it is one of the twenty, and fills a disk.
    assert ask_restore(admin, backup, target="folder", name="more", confirm="").status_code == 409
    Operation.objects.last().delete()
    aside = ask_restore(admin, backup, target="folder", name="aside", confirm="").json()["operation"]["uuid"]
    answer = ask_restore(admin, backup)
    assert answer.status_code == 201, answer.json()
    for one in Operation.objects.all():
        operation_hand_over(one.uuid, now=timezone.now())
    first, second = operations_runnable(now=timezone.now(), limit=2)
    assert (first.arguments["target"], str(second.uuid)) == ("live", aside)
    assert operations_to_send(now=timezone.now() + timedelta(days=1), patience=timedelta(0))[0] == first.uuid


def test_a_restore_beside_the_live_system_leaves_room_for_the_next_backups(db, settings, tmp_path):
    settings.BACKUP_STORAGE_ROOT = tmp_path / "not made yet"
    nightly = BackupConfiguration.objects.create(name="nightly", backup_type="FULL", next_slot=timezone.now())
    stored = {"configuration": nightly, "backup_type": "FULL", "status": "COMPLETED", "stored_size": 1000}
    BackupJob.objects.create(job_name="last", **stored)
    for needed, elsewhere, blocked in ((1000, False, 0), (1001, False, 1), (1001, True, 0)):
        where = "/proc" if elsewhere else str(tmp_path)
        made = Plan("b", "j", "FULL_RESTORE", "", space=[Space(where, needed, 2000)])
        assert [line.count("1,000 stay free") for line in _blocked_without_room(made).blocking] == [1] * blocked
