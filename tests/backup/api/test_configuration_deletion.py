"""A configuration is deleted over HTTP together with its backups."""

from __future__ import annotations

import pytest
from django.utils import timezone
from tests.backup.testing.rows import DAY, backup
from tests.backup.testing.stored_backup import ROOT, stream

from apps.backup.core.permissions import Right
from apps.backup.core.processes import own_identity
from apps.backup.models import BackupConfiguration, BackupJob, Operation
from apps.backup.operations.run import run_operation
from apps.backup.services.jobs import job_claim
from apps.backup.services.manual_runs import configuration_run
from strongroom.archiver import ArchiveOptions, archive
from strongroom.repository.locks import Timing

pytestmark = pytest.mark.django_db


@pytest.fixture
def nightly(repository) -> BackupConfiguration:
    """A configuration with two backups in the repository."""
    row = BackupConfiguration.objects.create(name="nightly", backup_type="FULL")
    for number in range(2):
        options = ArchiveOptions(paths=("/edms",), lock_timing=Timing(settle=0))
        stored = archive(repository, [stream(b"manifest.json", b"%d" % number)], options)
        backup(row, DAY, job_name=f"nightly-{number}", snapshot_id=stored.snapshot.id)
    return row


def delete(client, row, **asked):
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    return client.delete(f"{ROOT}configurations/{row.uuid}/?{query}")


def test_backups_and_configuration_are_gone_in_the_end(client_of, nightly, repository):
    client = client_of(Right.CONFIGURE, Right.DELETE)
    answer = delete(client, nightly, backups="true")
    assert (answer.status_code, answer.json()["status"], answer.json()["needs"]) == (202, "PENDING", "delete_backups")
    operation = Operation.objects.get()
    run_operation(operation.uuid)
    operation.refresh_from_db()
    assert (operation.status, operation.error_message) == ("COMPLETED", "")
    assert {one["name"] for one in operation.result["removed"]} == {"nightly-0", "nightly-1"}
    assert repository.snapshots() == []
    assert not BackupConfiguration.objects.exists()
    assert {job.removal_reason for job in BackupJob.objects.all()} == {
        "deleted with its configuration by configure-delete"
    }


def test_it_takes_both_rights(client_of, nightly):
    configures = client_of(Right.CONFIGURE, name="configures")
    assert delete(configures, nightly, backups="true").status_code == 403
    assert delete(client_of(Right.DELETE, name="deletes"), nightly, backups="true").status_code == 403
    assert delete(configures, nightly, other="true").status_code == 400
    assert not Operation.objects.exists()
    assert delete(configures, nightly).status_code == 204


def test_a_pinned_backup_and_a_running_job_prevent_it(client_of, nightly, repository):
    client = client_of(Right.CONFIGURE, Right.DELETE)
    assert delete(client, nightly, backups="true").status_code == 202
    operation = Operation.objects.get()
    # Pinned after the request.
    BackupJob.objects.filter(job_name="nightly-1").update(is_pinned=True)
    assert "pinned" in delete(client, nightly, backups="true").json()["detail"]
    with pytest.raises(Exception, match="1 backups are pinned, such as nightly-1"):
        run_operation(operation.uuid)
    assert len(repository.snapshots()) == 2
    BackupJob.objects.update(is_pinned=False)
    job_claim(
        configuration_run(nightly.uuid, now=timezone.now(), triggered_by=None).uuid,
        worker=own_identity(),
        now=timezone.now(),
    )
    assert delete(client, nightly, backups="true").status_code == 409
    assert BackupConfiguration.objects.exists()


def test_a_second_person_needs_the_right_to_delete(client_of, nightly, settings):
    settings.BACKUP_SECOND_PERSON = ["delete"]
    asked = delete(client_of(Right.CONFIGURE, Right.DELETE, name="first"), nightly, backups="true").json()
    assert asked["status"] == "AWAITING_APPROVAL"
    approve = f"{ROOT}operations/{asked['uuid']}/approve/"
    assert client_of(Right.CONFIGURE, name="second").post(approve, {}, "json").status_code == 403
    assert client_of(Right.DELETE, name="third").post(approve, {}, "json").status_code == 202
