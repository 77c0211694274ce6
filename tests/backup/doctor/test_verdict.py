"""Protected, at risk or unprotected: each state reached by what leads to it, and left again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.backup.testing.rows import DAY, HOUR, NOW, backup, policy, storage_holds_all

from apps.backup.core.processes import ProcessIdentity
from apps.backup.doctor.health import examine
from apps.backup.doctor.protection_status import Protection, Verdict
from apps.backup.models import BackupConfiguration, BackupJob
from apps.backup.services.executor_registry import executor_beat

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def passphrase(monkeypatch):
    monkeypatch.setenv("BACKUP_PASSWORD", "correct horse battery staple")


def verdict(*, agent: bool = True) -> Verdict:
    if agent:
        executor_beat("AGENT", ProcessIdentity("host", 1, "agent"), {}, now=NOW)
    storage_holds_all()
    return examine(now=NOW).verdict


def scheduled(name: str = "nightly", **values) -> BackupConfiguration:
    return policy(name, frequency="DAILY", schedule_time=NOW.time(), **values)


def nightly(configuration: BackupConfiguration, days: int, *, without: tuple[int, ...] = ()) -> None:
    for day in range(days):
        if day not in without:
            backup(configuration, day * DAY + HOUR)


def test_nothing_at_all_is_unprotected():
    found = verdict()
    assert (found.state, found.since) == (Protection.UNPROTECTED, None)
    assert found.reason == "There is no verified good backup of the database and of the files."
    assert found.next_step


def test_obstacles_to_the_first_backup_come_first(monkeypatch):
    monkeypatch.delenv("BACKUP_PASSWORD")
    assert "BACKUP_PASSWORD_FILE" in verdict().next_step


def test_a_new_schedule_does_not_make_an_old_backup_new():
    old = policy("by hand")
    backup(old, 300 * DAY)
    scheduled("new")
    BackupConfiguration.objects.filter(name="new").update(schedule_start=NOW - HOUR)
    found = verdict()
    assert found.state == Protection.AT_RISK
    assert "A schedule has made no backup yet, and the backups of the database and of the files" in found.reason
    backup(old, HOUR)
    assert verdict().state == Protection.PROTECTED


def test_a_schedule_that_is_not_due_yet_is_not_said_to_have_a_backup():
    nightly(scheduled(), 3)
    scheduled("new")
    BackupConfiguration.objects.filter(name="new").update(schedule_start=NOW - HOUR)
    found = verdict()
    assert found.state == Protection.PROTECTED
    assert "(1 of 2 are not due yet)" in found.reason


def test_a_change_of_the_schedule_makes_no_old_backup_fresh():
    nightly(scheduled(), 9, without=(0, 1))
    BackupConfiguration.objects.update(schedule_start=NOW - HOUR)
    found = verdict()
    assert (found.state, found.since) == (Protection.UNPROTECTED, NOW - 2 * DAY - HOUR + DAY * 1.1)
    assert "older than its schedule promises" in found.reason


def test_protected_since_the_first_backup_of_an_unbroken_row():
    nightly(scheduled(), 9)
    found = verdict()
    assert (found.state, found.next_step) == (Protection.PROTECTED, "")
    assert found.since == NOW - 8 * DAY - HOUR + 5 * MINUTE


def test_a_gap_breaks_the_row_and_a_removed_backup_does_not():
    nightly(scheduled(), 9, without=(4,))
    BackupJob.objects.filter(job_name__startswith="2").update(removal_started_at=NOW, removed_at=NOW)
    found = verdict()
    assert found.state == Protection.PROTECTED
    assert found.since == NOW - 3 * DAY - HOUR + 5 * MINUTE


def test_the_youngest_of_several_rows_counts():
    nightly(scheduled(), 9)
    nightly(scheduled("other"), 2)
    assert verdict().since == NOW - DAY - HOUR + 5 * MINUTE


def test_a_late_schedule_is_a_risk_since_its_promise_was_broken():
    nightly(scheduled(), 9, without=(0, 1))
    nightly(scheduled("other"), 3)
    found = verdict()
    assert found.state == Protection.AT_RISK
    assert found.since == NOW - 2 * DAY - HOUR + DAY * 1.1
    assert "nightly" in found.reason


def test_missing_backups_are_not_called_old():
    nightly(scheduled(), 3)
    scheduled("never")
    assert verdict().reason == "never has no good backup, although its schedule promised one."


def test_when_every_schedule_is_late_nothing_is_protected():
    nightly(scheduled(), 9, without=(0, 1))
    found = verdict(agent=False)
    assert found.state == Protection.UNPROTECTED
    # The cause is named before what came of it.
    assert "backup_agent" in found.next_step


def test_unverified_backups_do_not_protect():
    nightly(scheduled(), 9)
    BackupJob.objects.update(trust="STORED")
    assert verdict().state == Protection.UNPROTECTED


def test_a_damaged_package_is_a_finding_until_it_is_whole_or_removed():
    nightly(scheduled(), 3)
    package = backup(None, HOUR, backup_type="EXPORT", trust="DAMAGED", job_name="export")
    found = verdict()
    assert (found.state, found.reason) == (
        Protection.AT_RISK,
        "damaged backups: 1 backups were found damaged: export.",
    )
    BackupJob.objects.filter(pk=package.pk).update(removal_started_at=NOW, removed_at=NOW)
    assert verdict().state == Protection.PROTECTED


def test_database_and_files_count_together():
    nightly(scheduled(backup_type="DATABASE"), 3)
    found = verdict()
    assert (found.state, found.reason) == (
        Protection.UNPROTECTED,
        "There is no verified good backup of the files.",
    )
    nightly(scheduled("files", backup_type="FILES"), 3)
    assert verdict().state == Protection.PROTECTED


def test_a_backup_counts_for_what_it_holds_and_not_for_its_type(settings, tmp_path):
    nightly(scheduled(include=["databases/*"]), 3)
    BackupJob.objects.update(manifest={"databases": {"default": {}}, "files": {}})
    assert verdict().reason == "There is no verified good backup of the files."
    nightly(scheduled("files", backup_type="FILES"), 1)
    assert verdict().state == Protection.PROTECTED
    # Parts that the project gets later are in none of them.
    settings.BACKUP_FILE_ROOTS = {"scans": tmp_path / "scans"}
    found = verdict()
    assert (found.state, found.reason) == (
        Protection.UNPROTECTED,
        "There is no verified good backup of the file root 'scans'.",
    )


def test_unsupported_sources_are_named(settings):
    nightly(scheduled(), 3)
    settings.BACKUP_FILE_ROOTS = {"own": settings.BACKUP_STORAGE_ROOT}
    found = verdict()
    assert found.state == Protection.UNPROTECTED
    assert "'own'" in found.reason
    assert found.next_step


def test_critical_findings_are_a_risk(monkeypatch):
    nightly(scheduled(), 9)
    found = verdict(agent=False)
    assert (found.state, found.since) == (Protection.AT_RISK, None)
    assert "No agent" in found.reason


def test_without_a_schedule_there_is_a_risk():
    backup(policy("by hand"), HOUR)
    found = verdict()
    assert found.state == Protection.AT_RISK
    assert "by schedule" in found.reason


def test_the_number_of_queries_does_not_grow():
    nightly(scheduled("first"), 3)
    verdict()
    with CaptureQueriesContext(connection) as few:
        verdict()
    for number in range(20):
        nightly(scheduled(f"more-{number}"), 3)
    with CaptureQueriesContext(connection) as many:
        assert verdict().state == Protection.PROTECTED
    assert len(many) == len(few)
