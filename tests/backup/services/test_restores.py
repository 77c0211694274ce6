"""The record of a restore: each step from the right state only."""

import uuid
from datetime import UTC, datetime

import pytest

from apps.backup.errors import IllegalTransition, RestoreNotFound
from apps.backup.models import BackupJob, RestoreJob
from apps.backup.services import restores

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
REQUEST = restores.NewRestore(restore_type="FULL_RESTORE", backup_reference="snapshot ab\udcff", plan={"blocked": []})

pytestmark = pytest.mark.django_db


def test_from_plan_to_release():
    job = BackupJob.objects.create(job_name="nightly", backup_type="FULL")
    wanted = uuid.uuid4()
    request = restores.NewRestore(restore_type="FILES_RESTORE", backup_job=job.uuid)
    row = restores.restore_create(request, now=NOW, restore=wanted)
    restores.restore_start(row.uuid, now=NOW)
    restores.restore_phases(row.uuid, [{"name": "stage"}], log=["one\0"])
    restores.restore_complete(row.uuid, now=LATER, counts={"files": 3})
    row.refresh_from_db()
    assert (row.uuid, row.backup_job, row.status) == (wanted, job, "COMPLETED")
    assert (row.phases, row.log, row.counts) == ([{"name": "stage"}], ["one\\x00"], {"files": 3})
    assert (row.started_at, row.completed_at, row.rollback_state) == (NOW, LATER, "AVAILABLE")
    restores.restore_released(row.uuid)
    with pytest.raises(IllegalTransition, match="RELEASED"):
        restores.restore_rolled_back(row.uuid)


def test_an_unknown_backup_is_named_only():
    row = restores.restore_create(
        restores.NewRestore(restore_type="FULL_RESTORE", backup_job=uuid.uuid4(), backup_reference="x.tar.gz"),
        now=NOW,
    )
    assert (row.backup_job, row.backup_reference) == (None, "x.tar.gz")


@pytest.mark.parametrize(
    ("state", "step"),
    [
        ("PENDING", lambda row: restores.restore_phases(row, [])),
        ("PENDING", lambda row: restores.restore_complete(row, now=NOW)),
        ("RUNNING", lambda row: restores.restore_start(row, now=NOW)),
        ("RUNNING", restores.restore_rolled_back),
        ("RUNNING", restores.restore_released),
        ("COMPLETED", lambda row: restores.restore_fail(row, "late", now=NOW)),
        ("FAILED", lambda row: restores.restore_start(row, now=NOW)),
        ("FAILED", lambda row: restores.restore_cancel(row, "late", now=NOW)),
        ("CANCELLED", lambda row: restores.restore_complete(row, now=NOW)),
    ],
)
def test_steps_from_the_wrong_state_change_nothing(state, step):
    row = restores.restore_create(REQUEST, now=NOW)
    RestoreJob.objects.filter(pk=row.pk).update(status=state)
    before = RestoreJob.objects.filter(pk=row.pk).values().get()
    with pytest.raises(IllegalTransition, match=state):
        step(row.uuid)
    assert RestoreJob.objects.filter(pk=row.pk).values().get() == before


def test_failure_and_cancellation_keep_the_reason():
    failed = restores.restore_create(REQUEST, now=NOW)
    restores.restore_fail(failed.uuid, "no space", now=LATER)
    cancelled = restores.restore_create(REQUEST, now=NOW)
    restores.restore_start(cancelled.uuid, now=NOW)
    restores.restore_cancel(cancelled.uuid, "SIGTERM", now=LATER)
    failed.refresh_from_db()
    cancelled.refresh_from_db()
    assert (failed.status, failed.error_message, failed.backup_reference) == ("FAILED", "no space", "snapshot ab\\xff")
    assert (cancelled.status, cancelled.error_message) == ("CANCELLED", "SIGTERM")


def test_an_unknown_restore_is_named():
    unknown = uuid.uuid4()
    with pytest.raises(RestoreNotFound, match=str(unknown)):
        restores.restore_start(unknown, now=NOW)
