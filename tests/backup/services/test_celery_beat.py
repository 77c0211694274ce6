"""The rows of Celery Beat that are ours: the three of the mission document, in step with the configurations."""

import json
from datetime import UTC, datetime, time, timedelta

import pytest
from django_celery_beat.models import CrontabSchedule, PeriodicTask, PeriodicTasks

from apps.backup.models import BackupConfiguration
from apps.backup.services import celery_beat as periodic
from apps.backup.services import configurations as service
from apps.backup.services.configurations import ConfigurationValues
from apps.backup.services.policy_import import policies_install

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def rows() -> dict[str, PeriodicTask]:
    return {row.name: row for row in PeriodicTask.objects.select_related("crontab")}


def crontab(row: PeriodicTask) -> str:
    found = row.crontab
    return (
        f"{found.minute} {found.hour} {found.day_of_month} {found.month_of_year} {found.day_of_week} {found.timezone}"
    )


def configuration(name: str) -> BackupConfiguration:
    return BackupConfiguration.objects.get(name=name)


@pytest.fixture
def installed():
    return policies_install(now=NOON)


def test_after_the_installation_there_are_those_three_and_no_others(installed):
    assert {name: crontab(row) for name, row in rows().items()} == {
        "backup-daily-full": "0 2 * * * UTC",
        "backup-weekly-export": "0 3 * * 0 UTC",
        "backup-monthly-archive": "0 4 1 * * UTC",
    }
    for row in rows().values():
        assert (row.task, row.enabled, row.one_off, row.interval, row.start_time) == (
            "backup.run_due",
            True,
            False,
            None,
            None,
        )
        assert BackupConfiguration.objects.filter(uuid=json.loads(row.kwargs)["configuration"]).exists()


def test_enabling_adds_a_row_and_disabling_or_deleting_removes_it(installed):
    hourly = configuration("production_database_hourly")
    service.configuration_enable(hourly.uuid, now=NOON)
    assert crontab(rows()["backup-database-hourly"]) == "0 * * * * UTC"
    service.configuration_disable(hourly.uuid, now=NOON)
    assert "backup-database-hourly" not in rows()
    service.configuration_delete(configuration("production_daily_full").uuid, now=NOON)
    assert sorted(rows()) == ["backup-monthly-archive", "backup-weekly-export"]


def test_an_edit_changes_the_row_and_tells_beat(installed):
    weekly = configuration("production_weekly_export")
    before = PeriodicTasks.last_change()
    key = rows()["backup-weekly-export"].pk
    service.configuration_update(weekly.uuid, {"schedule_days": (0, 4), "schedule_time": time(22, 5)}, now=NOON)
    row = rows()["backup-weekly-export"]
    assert (row.pk, crontab(row)) == (key, "5 22 * * 1,5 UTC")
    assert PeriodicTasks.last_change() > before
    service.configuration_update(weekly.uuid, {"name": "offsite"}, now=NOON)
    assert rows()["backup-offsite"].pk == key


def test_rows_of_others_are_never_touched(installed):
    ten, _ = CrontabSchedule.objects.get_or_create(minute="0", hour="10")
    theirs = PeriodicTask.objects.create(name="backup-database-hourly", task="legacy.backup", crontab=ten)
    same_task = PeriodicTask.objects.create(name="backup-all", task="backup.run_due", crontab=ten)
    before = list(PeriodicTask.objects.filter(pk__in=[theirs.pk, same_task.pk]).order_by("pk").values())
    hourly = configuration("production_database_hourly")
    service.configuration_enable(hourly.uuid, now=NOON)
    ours = next(row for row in rows().values() if str(hourly.uuid) in row.kwargs)
    assert ours.name == f"backup-database-hourly-{str(hourly.uuid)[:8]}"
    service.configuration_disable(hourly.uuid, now=NOON)
    assert periodic.sync_all(BackupConfiguration.objects.all()) == 0
    assert list(PeriodicTask.objects.filter(pk__in=[theirs.pk, same_task.pk]).order_by("pk").values()) == before


def test_rows_of_another_day_are_put_right(installed):
    """As after a restore of the database, whose rows are older than the configurations that were carried over."""
    rows()["backup-daily-full"].delete()
    gone = rows()["backup-weekly-export"]
    PeriodicTask.objects.create(
        name="backup-gone", task=gone.task, crontab=gone.crontab, kwargs='{"configuration": "0b5c2f2e-0000"}'
    )
    PeriodicTask.objects.filter(name="backup-monthly-archive").update(enabled=False)
    assert periodic.sync_all(BackupConfiguration.objects.all()) == 3
    assert sorted(rows()) == ["backup-daily-full", "backup-monthly-archive", "backup-weekly-export"]
    assert rows()["backup-monthly-archive"].enabled
    assert periodic.sync_all(BackupConfiguration.objects.all()) == 0


def test_the_queue_and_the_zone_of_the_project(settings):
    settings.BACKUP_CELERY_QUEUE = "backups"
    settings.TIME_ZONE = "Europe/Berlin"
    service.configuration_create(ConfigurationValues(name="mine", frequency="DAILY", schedule_time=time(1)), now=NOON)
    row = rows()["backup-mine"]
    assert (row.queue, str(row.crontab.timezone)) == ("backups", "Europe/Berlin")


def test_beat_reckons_the_same_moment_as_we_do(installed):
    """The document's snippet asks Beat's row for its next run; it is the slot of the configuration."""
    row = rows()["backup-daily-full"]
    now = datetime.now(UTC)
    remaining = row.schedule.remaining_estimate(now)
    slot = service.configuration_update(configuration("production_daily_full").uuid, {"is_enabled": True}, now=now)
    service.configuration_disable(slot.uuid, now=now)
    on = service.configuration_enable(slot.uuid, now=now)
    assert abs(now + remaining - on.next_slot) < timedelta(seconds=5)


def test_the_installation_is_repeatable_and_overwrites_nothing(installed):
    assert {one.state for one in installed} == {"created"}
    weekly = configuration("production_weekly_export")
    service.configuration_update(weekly.uuid, {"retention_days": 7, "max_backups": 3}, now=NOON)
    service.configuration_delete(configuration("production_pre_deployment").uuid, now=NOON)
    again = {one.name: one.state for one in policies_install(now=NOON)}
    assert again.pop("production_pre_deployment") == "deleted here"
    assert set(again.values()) == {"there already"}
    assert configuration("production_weekly_export").retention_days == 7
    assert BackupConfiguration.objects.count() == 4


def test_a_policy_that_does_what_an_earlier_schedule_does_is_pointed_out():
    values = ConfigurationValues("old", frequency="DAILY", schedule_time=time(1))
    service.configuration_create(values, now=NOON)
    notes = {one.name: one.note for one in policies_install(now=NOON) if one.note}
    assert list(notes) == ["production_daily_full"]
    assert notes["production_daily_full"].startswith("old makes a FULL backup as often (DAILY);")


def test_the_five_policies_are_those_of_the_document(installed):
    columns = ("backup_type", "frequency", "schedule_time", "schedule_days", "schedule_day_of_month")
    columns += ("retention_days", "max_backups", "compression_enabled", "encryption_enabled", "is_enabled")
    found = {row["name"]: [row[column] for column in columns] for row in BackupConfiguration.objects.values()}
    assert found == {
        "production_daily_full": ["FULL", "DAILY", time(2), [], None, 30, 30, True, True, True],
        "production_weekly_export": ["EXPORT", "WEEKLY", time(3), [6], None, 90, 12, True, True, True],
        "production_monthly_archive": ["FULL", "MONTHLY", time(4), [], 1, 365, 12, True, True, True],
        "production_database_hourly": ["DATABASE", "HOURLY", time(9), [], None, 7, 48, True, True, False],
        "production_pre_deployment": ["FULL", "ON_DEMAND", None, [], None, 90, 20, True, True, True],
    }
