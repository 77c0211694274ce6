"""Each slot becomes one job, whichever process sees it first; missed slots are recorded; changes lose no run."""

import uuid
from datetime import UTC, datetime, time, timedelta

import pytest

from apps.backup.core.processes import own_identity
from apps.backup.errors import AlreadyRunning, ConfigurationNotFound, RequestRefused, StorageRefused
from apps.backup.models import BackupConfiguration, BackupJob, JobStatus, Trigger
from apps.backup.services import configurations as service
from apps.backup.services import due_jobs as slots
from apps.backup.services.configurations import ConfigurationValues
from apps.backup.services.jobs import JobResult, job_claim, job_complete, job_put_off

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOW_AND_THEN = NOON + 14 * HOUR + timedelta(minutes=5)
TWO = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)


def daily(name: str = "nightly", **values) -> BackupConfiguration:
    values = {"frequency": "DAILY", "schedule_time": time(2), **values}
    return service.configuration_create(ConfigurationValues(name=name, **values), now=NOON)


def due(now: datetime, **values) -> list[BackupJob]:
    return slots.run_due(now=now, woken_by="COMMAND", **values)


def finish(now: datetime) -> None:
    for job in BackupJob.objects.filter(status=JobStatus.PENDING):
        job_complete(job_claim(job.uuid, worker=own_identity(), now=now), JobResult(), now=now)


def ledger() -> list[tuple[datetime | None, str]]:
    return list(BackupJob.objects.order_by("slot").values_list("slot", "status"))


def test_a_slot_is_run_when_it_is_due_and_once():
    daily()
    assert due(TWO - timedelta(seconds=1)) == []
    (job,) = due(TWO)
    assert (job.slot, job.trigger, job.status, job.woken_by) == (TWO, Trigger.SCHEDULED, JobStatus.PENDING, "COMMAND")
    assert due(TWO) == due(TWO + HOUR) == []
    assert ledger() == [(TWO, JobStatus.PENDING)]


def test_of_several_that_have_seen_the_same_slot_one_makes_the_job():
    daily()
    seen = [BackupConfiguration.objects.get() for _ in range(3)]
    made = [slots.create_due_job(row, now=TWO, woken_by="AGENT") for row in seen]
    assert [job is not None for job in made] == [True, False, False]
    assert ledger() == [(TWO, JobStatus.PENDING)]


def test_missed_slots_are_recorded_and_the_latest_is_caught_up():
    daily()
    (job,) = due(TWO + 3 * DAY + 5 * HOUR)
    assert job.slot == TWO + 3 * DAY
    assert ledger() == [(TWO + number * DAY, JobStatus.MISSED) for number in range(3)] + [
        (TWO + 3 * DAY, JobStatus.PENDING)
    ]
    missed = BackupJob.objects.get(slot=TWO)
    assert missed.error_message == "No executor was running when it was due."
    assert missed.completed_at is not None
    assert missed.started_at is None


def test_late_slots_are_missed(settings):
    settings.BACKUP_CATCH_UP_HOURS = 4
    daily()
    assert due(TWO + 4 * HOUR + timedelta(minutes=1)) == []
    assert ledger() == [(TWO, JobStatus.MISSED)]
    (job,) = due(TWO + DAY + 3 * HOUR)
    assert job.slot == TWO + DAY


def test_jobs_that_waited_too_long_are_missed(settings):
    daily()
    due(TWO)
    assert slots.expire_waiting(now=TWO + 30 * DAY) == 0
    settings.BACKUP_CATCH_UP_HOURS = 4
    assert slots.expire_waiting(now=TWO + 4 * HOUR) == 0
    assert slots.expire_waiting(now=TWO + 5 * HOUR) == 1
    assert ledger() == [(TWO, JobStatus.MISSED)]


def test_a_slot_that_nobody_started_makes_way_for_the_next():
    daily()
    due(TWO)
    due(TWO + DAY)
    assert ledger() == [(TWO, JobStatus.MISSED), (TWO + DAY, JobStatus.PENDING)]


def test_a_running_job_is_left_alone_by_the_next_slot():
    daily()
    (job,) = due(TWO)
    job_claim(job.uuid, worker=own_identity(), now=TWO)
    due(TWO + DAY)
    assert ledger() == [(TWO, JobStatus.RUNNING), (TWO + DAY, JobStatus.PENDING)]


def test_a_clock_that_jumps_ahead_and_back_runs_no_slot_twice_and_loses_none():
    daily()
    assert len(due(TWO)) == 1
    finish(TWO)
    (ahead,) = due(TWO + 10 * DAY)
    assert ahead.slot == TWO + 10 * DAY
    # Back in the present: the schedule is reckoned anew, and the coming nights are run as they would have been.
    assert due(TWO + 5 * HOUR) == []
    assert BackupConfiguration.objects.get().next_slot == TWO + DAY
    for night in range(1, 13):
        now = TWO + night * DAY
        found = [(job.slot, job.job_name) for job in due(now)]
        # The tenth was run by the wrong clock; those that it had declared missed are run all the same.
        assert found == ([] if night == 10 else [(now, f"nightly-{now:%Y%m%dT%H%M%SZ}")])
        assert due(now + HOUR) == []
        finish(now)
    assert ledger() == [(TWO + night * DAY, JobStatus.COMPLETED) for night in range(13)]


def test_a_leap_of_ten_years_costs_no_backup():
    """As when a clock is set wrong for a minute: every slot until then is declared missed, and none is lost."""
    row = daily()
    assert [job.slot for job in due(TWO + 3650 * DAY)] == [TWO + 3650 * DAY]
    assert BackupJob.objects.filter(status=JobStatus.MISSED).count() == 3650
    for night in range(5):
        (job,) = due(TWO + night * DAY)
        assert (job.slot, job.status, job.completed_at, job.error_message) == (TWO + night * DAY, "PENDING", None, "")
    row.refresh_from_db()
    assert row.next_slot == TWO + 5 * DAY


@pytest.mark.parametrize("frequency", ["HOURLY", "DAILY"])
def test_a_clock_that_is_behind_at_the_start_of_the_machine_changes_nothing(frequency):
    row = daily(frequency=frequency)
    for hours in range(24 * 4):
        due(NOW_AND_THEN + hours * HOUR)
    before = ledger()
    row.refresh_from_db()
    memory = (row.next_slot, row.schedule_start)
    assert due(datetime(1970, 1, 1, 0, 1, tzinfo=UTC)) == []
    assert due(datetime(1970, 1, 1, 0, 1, 1, tzinfo=UTC)) == []
    assert due(NOW_AND_THEN + 4 * DAY - HOUR) == []
    row.refresh_from_db()
    assert ledger() == before
    assert (row.next_slot, row.schedule_start) == memory


def test_one_look_by_a_clock_that_is_behind_leaves_no_slot_of_then():
    row = daily()
    due(datetime(2001, 5, 5, 1, 0, tzinfo=UTC))
    row.refresh_from_db()
    assert row.next_slot == datetime(2001, 5, 5, 2, 0, tzinfo=UTC)
    assert due(NOON + HOUR) == []
    row.refresh_from_db()
    assert (row.next_slot, ledger()) == (TWO, [])
    assert [job.slot for job in due(TWO)] == [TWO]


def test_a_clock_that_stays_behind_still_makes_backups():
    daily()
    due(TWO)
    past = datetime(2001, 5, 5, 2, 0, tzinfo=UTC)
    found = [job.slot for night in range(3) for job in due(past + night * DAY + HOUR)]
    assert found == [past + DAY, past + 2 * DAY]


def test_a_clock_set_back_by_hours_runs_nothing_twice():
    daily(frequency="HOURLY", schedule_time=time(13))
    for hours in range(1, 9):
        due(NOON + hours * HOUR)
        finish(NOON + hours * HOUR)
    for hours in range(4, 9):
        assert due(NOON + hours * HOUR + timedelta(seconds=5)) == []
    assert [job.slot for job in due(NOON + 9 * HOUR)] == [NOON + 9 * HOUR]
    assert BackupJob.objects.count() == 9


def test_retries_by_a_wrong_clock_wait_no_longer():
    daily()
    (job,) = due(TWO)
    years = TWO + 1000 * DAY
    job_put_off(job_claim(job.uuid, worker=own_identity(), now=years), "busy", now=years, retryable=True)
    assert BackupJob.objects.get().not_before == years + timedelta(minutes=1)
    due(TWO + HOUR)
    assert BackupJob.objects.get().not_before == TWO + HOUR


def test_another_time_zone_moves_the_slots(settings):
    row = daily()
    assert row.next_slot == TWO
    settings.TIME_ZONE = "America/New_York"
    assert due(TWO) == []
    row.refresh_from_db()
    assert row.next_slot == datetime(2026, 11, 25, 7, 0, tzinfo=UTC)
    assert row.schedule_zone == "America/New_York"


def test_hourly_waits_for_its_time_of_day():
    row = daily(frequency="HOURLY", schedule_time=time(9), backup_type="DATABASE")
    nine = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
    assert row.next_slot == nine
    for hours in range(1, 21):
        assert due(NOON + hours * HOUR) == []
    found = [job.slot for hours in range(21, 26) for job in due(NOON + hours * HOUR)]
    assert found == [nine + number * HOUR for number in range(5)]


def test_an_edit_takes_effect_at_once_and_loses_no_due_run():
    row = daily()
    seconds_later = TWO + timedelta(seconds=20)
    changed = service.configuration_update(row.uuid, {"schedule_time": time(5)}, now=seconds_later)
    assert ledger() == [(TWO, JobStatus.PENDING)]
    assert changed.next_slot == TWO + 3 * HOUR
    assert [job.slot for job in due(TWO + 3 * HOUR)] == [TWO + 3 * HOUR]


def test_an_edit_of_something_else_leaves_the_schedule_alone():
    row = daily(frequency="HOURLY", schedule_time=time(13))
    due(NOON + HOUR)
    later = NOON + HOUR + timedelta(minutes=30)
    changed = service.configuration_update(row.uuid, {"retention_days": 9}, now=later)
    assert changed.next_slot == NOON + 2 * HOUR
    assert changed.retention_days == 9


def test_switched_off_runs_nothing_and_switched_on_again_forgets_the_past():
    row = daily()
    service.configuration_disable(row.uuid, now=NOON)
    assert due(TWO + 5 * DAY) == []
    assert BackupJob.objects.count() == 0
    on = service.configuration_enable(row.uuid, now=TWO + 5 * DAY + HOUR)
    assert on.next_slot == TWO + 6 * DAY
    assert due(TWO + 5 * DAY + 2 * HOUR) == []


def test_one_configuration_alone_and_with_patience():
    one, other = daily("one"), daily("other")
    assert [job.configuration_id for job in due(TWO, configuration=one.uuid)] == [one.pk]
    assert due(TWO + timedelta(seconds=30), patience=timedelta(seconds=45)) == []
    assert [job.configuration_id for job in due(TWO + timedelta(minutes=1))] == [other.pk]


def test_upcoming_begins_with_what_is_due():
    row = daily()
    assert slots.upcoming(row, now=TWO + HOUR, count=2) == [TWO, TWO + DAY]
    assert slots.upcoming(daily("off", is_enabled=False), now=NOON, count=3) == []


def test_deleting_withdraws_what_waits_and_is_refused_while_something_runs():
    row = daily()
    (job,) = due(TWO)
    job_claim(job.uuid, worker=own_identity(), now=TWO)
    with pytest.raises(AlreadyRunning, match=str(job.uuid)):
        service.configuration_delete(row.uuid, now=TWO)
    assert BackupConfiguration.objects.count() == 1
    other = daily("other")
    due(TWO)
    deleted = service.configuration_delete(other.uuid, now=TWO)
    assert (deleted.jobs_withdrawn, deleted.backups_kept) == (1, 0)
    assert BackupJob.objects.get(configuration_name="other").status == JobStatus.CANCELLED


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"frequency": "DAILY", "schedule_time": None}, "schedule_time: the frequency DAILY needs this field"),
        ({"frequency": "WEEKLY"}, "schedule_days: the frequency WEEKLY needs this field"),
        ({"frequency": "WEEKLY", "schedule_days": (7,)}, "from 0 .Monday. to 6"),
        ({"frequency": "WEEKLY", "schedule_days": (1, 1)}, "twice"),
        ({"frequency": "MONTHLY"}, "schedule_day_of_month: the frequency MONTHLY needs this field"),
        ({"frequency": "MONTHLY", "schedule_day_of_month": 29}, "day_of_month"),
        ({"frequency": "SOMETIMES"}, "SOMETIMES"),
        ({"backup_type": "HALF"}, "HALF"),
        ({"retention_days": 0}, "retention_days"),
        ({"retention_days": -1}, "retention_days"),
        ({"max_backups": 10**9}, "max_backups"),
        ({"keep_daily": -1}, "keep_daily"),
        ({"time_limit_minutes": 0}, "time_limit"),
        ({"schedule_time": time(2, 0, 30)}, "hours and minutes"),
        ({"name": ""}, "name"),
        ({"name": "two\nlines"}, "printable"),
        ({"name": "x" * 101}, "name"),
    ],
)
def test_bad_values_are_refused_by_name(values, complaint):
    with pytest.raises(RequestRefused, match=complaint):
        daily(**{"name": "bad", **values}) if "name" not in values else daily(**values)
    assert BackupConfiguration.objects.count() == 0


def test_bad_changes_change_nothing():
    row = daily()
    daily("taken")
    for changes in ({"name": "taken"}, {"retention_days": 0}, {"frequency": "WEEKLY"}, {"colour": "red"}):
        with pytest.raises(RequestRefused):
            service.configuration_update(row.uuid, changes, now=NOON)
    with pytest.raises(StorageRefused):
        service.configuration_update(row.uuid, {"storage_path": "../../etc"}, now=NOON)
    with pytest.raises(ConfigurationNotFound):
        service.configuration_update(uuid.uuid4(), {"retention_days": 3}, now=NOON)
    after = BackupConfiguration.objects.get(pk=row.pk)
    assert (after.name, after.retention_days, after.frequency, after.storage_path) == ("nightly", 30, "DAILY", "")


def test_two_of_one_name_are_refused():
    daily()
    with pytest.raises(RequestRefused, match="already"):
        daily()
