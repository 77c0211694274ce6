"""Findings from the catalogue: each finding provoked, and gone when what it says to do is done; and no false alarms."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import PeriodicTask
from tests.backup.testing.rows import backup, storage_holds_all

from apps.backup.core.processes import ProcessIdentity, own_identity
from apps.backup.doctor.findings import Finding, Severity
from apps.backup.doctor.health import Health, examine
from apps.backup.models import BackupConfiguration, BackupJob, PruneRun
from apps.backup.services import due_jobs as slots
from apps.backup.services.configurations import (
    ConfigurationValues,
    configuration_create,
    configuration_disable,
    configuration_enable,
    configuration_update,
)
from apps.backup.services.dead_jobs import job_reap
from apps.backup.services.executor_registry import cron_beat, executor_beat, executor_leave
from apps.backup.services.jobs import JobResult, job_cancel_request, job_claim, job_complete, job_fail, job_put_off
from apps.backup.services.policy_import import policies_install

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TWO = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
OF_THE_MACHINE = {"backup.W010", "backup.W011", "backup.W017"}
AGENT = ProcessIdentity("host", 1, "agent")


@pytest.fixture(autouse=True)
def passphrase(monkeypatch):
    monkeypatch.setenv("BACKUP_PASSWORD", "correct horse battery staple")


def examined(*, now: datetime) -> Health:
    """The health, where everything that the catalogue says is stored."""
    storage_holds_all()
    return examine(now=now)


def seen(now: datetime) -> list[Finding]:
    """The findings with an agent that is there, without those about this machine's disks."""
    executor_beat("AGENT", AGENT, {}, now=now)
    return [one for one in examined(now=now).findings if one.id not in OF_THE_MACHINE]


def ids(now: datetime) -> list[str]:
    return [f"{one.id.removeprefix('backup.')} {one.subject} {one.severity.name}" for one in seen(now)]


def daily(name: str = "nightly", **values) -> BackupConfiguration:
    values = {"frequency": "DAILY", "schedule_time": time(2), **values}
    return configuration_create(ConfigurationValues(name=name, **values), now=NOON)


def run_due(now: datetime, *, fails: bool = False) -> None:
    for job in slots.run_due(now=now, woken_by="AGENT"):
        claim = job_claim(job.uuid, worker=own_identity(), now=now)
        if fails:
            job_fail(claim, "The disk is full.", now=now)
        else:
            job_complete(claim, JobResult(snapshot_id=job.uuid.hex * 2, stored_size=10), now=now)


def test_right_after_the_installation_nothing_is_wrong():
    policies_install(now=NOON)
    for later in (0 * HOUR, HOUR, 13 * HOUR, 13.9 * HOUR):
        assert ids(NOON + later) == []


def test_the_first_day_week_and_month_of_the_installed_policies():
    policies_install(now=NOON)
    # Only the daily one is run. The weekly one is due on the 29th, the monthly one on 1 December.
    hour = NOON
    alarms: dict[str, datetime] = {}
    while hour < NOON + 16 * DAY:
        if hour.hour == 2:
            (row,) = BackupConfiguration.objects.filter(name="production_daily_full")
            backup(row, NOON - hour, job_name=f"{hour}", started_at=hour, queued_at=hour, completed_at=hour)
        for one in seen(hour):
            alarms.setdefault(f"{one.id} {one.subject}", hour)
        hour += HOUR
    # A tenth of its period is granted to each of them after the first slot that it may have had.
    assert alarms == {"backup.W014 production_weekly_export": NOON + timedelta(days=7, hours=17)}


def test_no_schedule_at_all_is_said():
    assert ids(NOON) == ["W014 schedules WARNING"]
    row = daily()
    assert ids(NOON) == []
    configuration_disable(row.uuid, now=NOON)
    assert ids(NOON) == ["W014 schedules WARNING"]


def test_on_demand_is_never_late():
    daily()
    row = configuration_create(ConfigurationValues(name="by hand"), now=NOON)
    backup(row, 300 * DAY)
    assert ids(NOON + HOUR) == []


def test_a_backup_that_is_too_old():
    daily()
    run_due(TWO)
    assert ids(TWO + 26 * HOUR) == []
    assert ids(TWO + 27 * HOUR) == ["W014 nightly WARNING"]
    assert ids(TWO + 53 * HOUR) == ["W014 nightly CRITICAL"]
    run_due(TWO + 53 * HOUR)
    assert "W014" not in str(ids(TWO + 53 * HOUR))


@pytest.mark.parametrize("values", [{"status": "INCOMPLETE"}, {"trust": "DAMAGED"}, {"status": "FAILED"}])
def test_only_good_ones_are_fresh(values):
    row = daily()
    backup(row, 300 * DAY)
    backup(row, NOON - TWO - DAY, job_name="bad", **values)
    assert "W014 nightly CRITICAL" in ids(TWO + 27 * HOUR)


def test_a_long_backup_is_not_late_while_it_runs():
    daily()
    run_due(TWO)
    (job,) = slots.run_due(now=TWO + DAY, woken_by="AGENT")
    now = TWO + DAY
    claim = job_claim(job.uuid, worker=own_identity(), now=now)
    BackupJob.objects.filter(pk=job.pk).update(lease_expires_at=TWO + 9 * DAY)
    assert ids(now + 9 * HOUR) == []
    # Not for ever: by the next night it should have ended.
    assert "W014 nightly CRITICAL" in ids(now + 30 * HOUR)
    job_complete(claim, JobResult(snapshot_id="a" * 64), now=now + 30 * HOUR)
    assert "W014 nightly WARNING" in ids(now + 30 * HOUR)


def test_a_backup_dated_ahead_by_a_wrong_clock_hides_nothing():
    row = daily()
    run_due(TWO)
    backup(row, -3000 * DAY)
    health = examined(now=TWO + HOUR)
    assert [(one.good, one.verified) for one in health.configurations] == [(1.0, 1.0)]
    assert "W014 nightly CRITICAL" in ids(TWO + 60 * HOUR)


def test_an_hourly_policy_before_its_start_and_after_its_enabling():
    daily("hourly", frequency="HOURLY", schedule_time=time(9), is_enabled=False)
    row = BackupConfiguration.objects.get()
    configuration_enable(row.uuid, now=NOON)
    for hours in range(22):
        assert ids(NOON + hours * HOUR) == []
    assert ids(NOON + 22.6 * HOUR) == ["W014 hourly WARNING"]
    configuration_disable(row.uuid, now=NOON + 23 * HOUR)
    (job,) = BackupJob.objects.filter(status="PENDING")
    job_cancel_request(job.uuid, "not wanted any more", now=NOON + 23 * HOUR)
    configuration_enable(row.uuid, now=NOON + 60 * DAY)
    assert ids(NOON + 60 * DAY + HOUR) == []


def test_missed_slots_and_failed_jobs_of_the_last_two_days():
    daily()
    run_due(TWO)
    assert ids(TWO + 2 * DAY + HOUR)[0] == "W014 nightly WARNING"
    run_due(TWO + 2 * DAY + HOUR)
    assert ids(TWO + 2 * DAY + HOUR) == ["W013 nightly WARNING"]
    # A user who acknowledges it hears of the next one, which has another text; it does not change by itself.
    (missed,) = seen(TWO + 2 * DAY + HOUR)
    assert f"the latest of {TWO + DAY:%Y-%m-%d %H:%M} UTC" in missed.what
    assert seen(TWO + 2 * DAY + 2 * HOUR)[0].what == missed.what
    run_due(TWO + 3 * DAY)
    assert ids(TWO + 3 * DAY + HOUR) == []
    run_due(TWO + 4 * DAY, fails=True)
    assert ids(TWO + 4 * DAY + HOUR) == ["W036 nightly WARNING"]
    run_due(TWO + 5 * DAY)
    assert ids(TWO + 6 * DAY) == ["W020 nightly WARNING"]
    assert f"the latest on {TWO + 4 * DAY:%Y-%m-%d %H:%M} UTC" in seen(TWO + 6 * DAY)[0].what
    run_due(TWO + 6 * DAY)
    assert ids(TWO + 6 * DAY + HOUR) == []


def test_missing_executors_are_found():
    row = daily()
    assert [one.id for one in examined(now=NOON).findings if one.severity is Severity.CRITICAL] == ["backup.W012"]
    executor_beat("AGENT", ProcessIdentity("host", 2, "x"), {}, now=NOON + 900 * DAY)
    executor_beat("AGENT", AGENT, {}, now=NOON)
    assert "backup.W012" not in {one.id for one in examined(now=NOON + 89 * timedelta(seconds=1)).findings}
    # The other one gave its sign of life under a clock that was wrong.
    assert "backup.W012" in {one.id for one in examined(now=NOON + 91 * timedelta(seconds=1)).findings}
    executor_leave(AGENT)
    cron_beat(own_identity(), now=NOON)
    assert "backup.W012" not in {one.id for one in examined(now=NOON + HOUR).findings}
    assert "backup.W012" in {one.id for one in examined(now=NOON + 66 * MINUTE).findings}
    # Without a schedule nothing is lost by it.
    configuration_disable(row.uuid, now=NOON)
    assert {one.severity for one in examined(now=NOON + 2 * HOUR).findings if one.id == "backup.W012"} == {
        Severity.WARNING
    }


@pytest.mark.parametrize("executor", ["process", "inline"])
def test_every_executor_needs_a_watcher_of_slots(settings, executor):
    settings.BACKUP_EXECUTOR = executor
    daily()
    assert "backup.W012" in {one.id for one in examined(now=NOON).findings}
    assert ids(NOON) == []


def test_a_job_that_nobody_starts_and_one_that_does_not_end():
    daily()
    daily("other")
    first, second = slots.run_due(now=TWO, woken_by="AGENT")
    assert ids(TWO + 15 * MINUTE) == []
    assert ids(TWO + 16 * MINUTE) == [f"W015 {one.job_name} WARNING" for one in sorted([first, second], key=str)]
    # While another one runs it only waits for its turn.
    claim = job_claim(first.uuid, worker=ProcessIdentity("elsewhere", 1, "x"), now=TWO + 16 * MINUTE)
    assert ids(TWO + 17 * MINUTE) == []
    assert ids(TWO + 18 * MINUTE)[0] == f"W015 {first.job_name} CRITICAL"
    assert job_reap(now=TWO + 18 * MINUTE) == [first.uuid]
    assert ids(TWO + 18 * MINUTE) == [f"W015 {second.job_name} WARNING"]
    job_cancel_request(second.uuid, "not wanted", now=TWO + 18 * MINUTE)
    assert ids(TWO + 18 * MINUTE) == []
    assert claim.job == first.uuid


def test_a_job_that_waits_for_another_attempt_is_not_stuck():
    daily()
    run_due(TWO)
    (job,) = slots.run_due(now=TWO + DAY, woken_by="AGENT")
    now = TWO + DAY
    for attempt in (1, 2):
        job_put_off(job_claim(job.uuid, worker=own_identity(), now=now), "busy", now=now, retryable=True)
        assert ids(now + MINUTE) == [], attempt
        now += 10 * MINUTE


def test_overdue_retention_is_found():
    row = daily(retention_days=30)
    BackupConfiguration.objects.update(updated_at=NOON - 100 * DAY)
    backup(row, 31.5 * DAY)
    backup(row, 0.4 * DAY)
    assert ids(NOON) == []
    backup(row, 33 * DAY)
    assert ids(NOON) == ["W016 retention WARNING"]
    BackupJob.objects.filter(job_name="33").update(removal_started_at=NOON)
    assert ids(NOON) == ["W016 retention WARNING"]
    BackupJob.objects.filter(job_name="33").update(removed_at=NOON)
    assert ids(NOON) == []


def test_retention_is_not_blamed_where_it_had_no_occasion():
    row = daily(retention_days=90)
    for age in (1, 40, 60):
        backup(row, age * DAY)
    configuration_update(row.uuid, {"retention_days": 30}, now=NOON)
    BackupConfiguration.objects.update(updated_at=NOON)
    assert ids(NOON + HOUR) == []
    # Two days later, with backups made since, there is no excuse; without any, that is what is to be said.
    BackupConfiguration.objects.update(updated_at=NOON - 10 * DAY)
    assert "W016 retention WARNING" in ids(NOON)
    BackupJob.objects.filter(job_name="1").update(started_at=NOON - 20 * DAY)
    assert "W016" not in str(ids(NOON))


def test_prunes_that_failed_or_do_not_end():
    daily()
    failed = PruneRun.objects.create(
        repository="/b/repository", status="FAILED", started_at=NOON - HOUR, error_message="A pack is missing."
    )
    assert ids(NOON) == ["W022 /b/repository WARNING"]
    PruneRun.objects.create(repository="/b/repository", status="COMPLETED", started_at=NOON)
    assert ids(NOON) == []
    PruneRun.objects.create(repository="/b/repository", status="RUNNING", started_at=NOON + HOUR)
    assert ids(NOON + 2 * HOUR) == []
    failed.delete()
    assert "W022 /b/repository WARNING" in ids(NOON + 26 * HOUR)


def test_rows_of_beat_that_are_not_run_or_switched_off(settings):
    """Celery runs the jobs; Beat does not run, has forgotten a row, or a row is disabled."""
    settings.BACKUP_EXECUTOR = "celery"
    policies_install(now=NOON)

    def beat(now: datetime) -> list[str]:
        return [one for one in ids(now) if one.startswith(("W018", "W021"))]

    rows = PeriodicTask.objects.filter(name__startswith="backup-")
    rows.update(date_changed=NOON)
    assert beat(NOON + HOUR) == []
    assert beat(TWO + 4 * MINUTE) == []
    assert beat(TWO + 6 * MINUTE) == ["W018 production_daily_full WARNING"]
    rows.filter(name="backup-daily-full").update(last_run_at=TWO + timedelta(seconds=1))
    assert beat(TWO + 6 * MINUTE) == []
    rows.filter(name="backup-daily-full").update(enabled=False)
    assert beat(TWO + 6 * MINUTE) == ["W021 production_daily_full WARNING"]
    rows.filter(name="backup-weekly-export").delete()
    assert "W018 production_weekly_export WARNING" in beat(TWO + 6 * MINUTE)
    for name in ("production_daily_full", "production_weekly_export"):
        configuration_enable(BackupConfiguration.objects.get(name=name).uuid, now=TWO + HOUR)
    rows.update(date_changed=TWO + HOUR)
    assert beat(TWO + HOUR) == []


def test_the_forecast_is_of_what_comes_every_day():
    row = daily()
    huge = 10**13
    backup(row, 3 * DAY, stored_size=huge)
    assert examined(now=NOON).space.daily is None
    for age in (2, 1):
        backup(row, age * DAY, stored_size=4 * 10**6)
    space = examined(now=NOON).space
    assert space.daily == 4 * 10**6
    assert space.days_left == pytest.approx(space.free / space.daily, rel=0.01)
    # Packages that make way for new ones, and what prunes bring, are no growth.
    weekly = configuration_create(ConfigurationValues(name="weekly", backup_type="EXPORT"), now=NOON)
    for age in (40, 1.5):
        removed = {"removal_started_at": NOON, "removed_at": NOON} if age == 40 else {}
        backup(
            weekly,
            age * DAY,
            job_name=f"w{age}",
            snapshot_id="",
            backup_file_path=f"/{age}",
            stored_size=huge,
            **removed,
        )
    assert examined(now=NOON).space.daily == 4 * 10**6
    PruneRun.objects.create(repository="/b", status="COMPLETED", started_at=NOON - DAY, freed_bytes=10**8)
    assert (examined(now=NOON).space.daily, examined(now=NOON).space.days_left) == (0, None)


def queries(configurations: int) -> int:
    for number in range(configurations):
        row = daily(f"policy {number}")
        for age in range(1, 4):
            backup(row, age * DAY, job_name=f"{number} {age}")
    with CaptureQueriesContext(connection) as caught:
        assert len(examined(now=NOON).configurations) == configurations
    return len(caught)


def test_the_number_of_queries_does_not_grow():
    few = queries(2)
    BackupConfiguration.objects.all().delete()
    assert few == queries(60)
