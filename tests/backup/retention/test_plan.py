"""The plan of retention: which backups it would remove and why, to the day and the number, on a real catalogue."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.backup.testing.rows import (
    DAY,
    HOUR,
    INSTANT,
    NOW,
    backup,
    gone,
    kept,
    policy,
    restore_of,
    verdicts,
)

from apps.backup.models import BackupConfiguration, BackupJob
from apps.backup.retention.plan import plan_retention
from apps.backup.services.configurations import configuration_delete
from apps.backup.services.policy_import import policies_install

pytestmark = pytest.mark.django_db


def test_the_thirtieth_day_stays_and_what_is_older_goes():
    nightly = policy(retention_days=30, max_backups=1000)
    backup(nightly, HOUR)
    backup(nightly, 30 * DAY)
    backup(nightly, 30 * DAY + INSTANT, job_name="older")
    assert (kept(), gone()) == (["0.0416667", "30"], ["older"])
    assert verdicts()["older"].reason == "older than 30 days"
    assert verdicts()["30"].reason == "not older than 30 days, among the 1000 most recent"
    # And a moment later it is its turn.
    assert gone(NOW + INSTANT) == ["30", "older"]


def test_so_many_and_not_one_more():
    nightly = policy(retention_days=1000, max_backups=3)
    for days in range(1, 6):
        backup(nightly, days * DAY)
    assert (kept(), gone()) == (["1", "2", "3"], ["4", "5"])
    assert verdicts()["4"].reason == "beyond the 3 most recent"


@pytest.mark.parametrize(
    ("days", "number", "stays", "reasons"),
    [
        (3, 30, 3, {"older than 3 days"}),
        (30, 2, 2, {"beyond the 2 most recent"}),
        (3, 3, 3, {"older than 3 days, beyond the 3 most recent"}),
    ],
)
def test_whichever_hits_first(days, number, stays, reasons):
    nightly = policy(retention_days=days, max_backups=number)
    for age in range(1, 11):
        backup(nightly, age * DAY)
    assert kept() == [str(age) for age in range(1, stays + 1)]
    assert {verdicts()[name].reason for name in gone()} == reasons


@pytest.mark.parametrize(
    "values",
    [
        {"status": "INCOMPLETE"},
        {"status": "FAILED", "trust": "DAMAGED"},
        {"status": "COMPLETED", "trust": "DAMAGED"},
        {"status": "CANCELLED", "trust": "STORED"},
        {"status": "TIMEOUT", "trust": "STORED"},
    ],
)
def test_bad_backups_are_counted_apart_from_good_ones(values):
    nightly = policy(retention_days=30, max_backups=2)
    for age in range(1, 7):
        backup(nightly, age * DAY, job_name=f"bad {age}", **values)
    for age in range(7, 10):
        backup(nightly, age * DAY, job_name=f"good {age}")
    backup(nightly, 40 * DAY, job_name="old bad", **values)
    assert kept() == ["good 7", "good 8", "bad 1", "bad 2"]
    found = verdicts()
    assert found["good 9"].reason == "beyond the 2 most recent"
    assert found["bad 3"].reason == "beyond the 2 most recent, not a good backup"
    assert found["old bad"].reason == "older than 30 days, beyond the 2 most recent, not a good backup"


def test_bad_backups_go_by_their_own_age():
    nightly = policy(retention_days=10, max_backups=100)
    backup(nightly, HOUR, job_name="good")
    backup(nightly, 10 * DAY, status="INCOMPLETE")
    backup(nightly, 11 * DAY, status="INCOMPLETE")
    assert (kept(), gone()) == (["good", "10"], ["11"])


def test_failed_jobs_that_stored_nothing_are_no_backups():
    nightly = policy(retention_days=30, max_backups=2)
    for age in range(1, 9):
        backup(nightly, age * DAY, status="FAILED", trust="", snapshot_id="")
    backup(nightly, 0 * DAY, status="MISSED", trust="", snapshot_id="", started_at=None)
    backup(nightly, 10 * DAY)
    backup(nightly, 11 * DAY)
    assert kept() == ["10", "11"]
    assert gone() == []


def test_the_last_good_one_stays_however_old_it_is():
    nightly = policy(retention_days=1, max_backups=1)
    backup(nightly, 300 * DAY)
    backup(nightly, 301 * DAY)
    for age in (1, 2, 3):
        backup(nightly, age * HOUR, job_name=f"damaged {age}", trust="DAMAGED")
    assert kept() == ["300", "damaged 1"]
    assert verdicts()["300"].reason == "the most recent one"


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("FULL", "DATABASE", "the most recent one of the files"),
        ("EXPORT", "FILES", "the most recent one of the database"),
        ("DATABASE", "FILES", "the most recent one of the database"),
        ("FULL", "INCREMENTAL", ""),
        ("DATABASE", "FULL", ""),
    ],
)
def test_the_last_one_of_a_part_stays_when_the_type_is_changed(before, after, reason):
    nightly = policy(retention_days=5, max_backups=2)
    for age in (11, 12):
        backup(nightly, age * DAY, backup_type=before)
    for age in (1, 2, 3):
        backup(nightly, age * DAY, backup_type=after)
    backup(nightly, -DAY, backup_type=before, job_name="of a clock that was wrong")
    assert kept() == ["of a clock that was wrong", "1", "2", *(["11"] if reason else [])]
    assert not reason or verdicts()["11"].reason == reason


def test_the_newest_of_the_bad_ones_stays_only_where_no_good_one_is_newer():
    nightly = policy(retention_days=5, max_backups=5)
    backup(nightly, 20 * DAY, status="INCOMPLETE")
    assert kept() == ["20"]
    backup(nightly, 30 * DAY)
    assert kept() == ["30", "20"]
    backup(nightly, 10 * DAY)
    assert (kept(), gone()) == (["10"], ["30", "20"])


def test_pinned_ones_stay_and_count():
    nightly = policy(retention_days=30, max_backups=2)
    backup(nightly, DAY)
    backup(nightly, 2 * DAY, is_pinned=True, pin_reason="audit 2026")
    backup(nightly, 3 * DAY)
    backup(nightly, 99 * DAY, is_pinned=True)
    assert (kept(), gone()) == (["1", "2", "99"], ["3"])
    assert (verdicts()["2"].reason, verdicts()["99"].reason) == ("pinned: audit 2026", "pinned")


@pytest.mark.parametrize(("status", "protects"), [("PENDING", True), ("RUNNING", True), ("COMPLETED", False)])
def test_backups_of_running_restores_stay(status, protects):
    nightly = policy(retention_days=30, max_backups=2)
    backup(nightly, DAY)
    restore = restore_of(backup(nightly, 99 * DAY), status)
    assert ("99" in kept()) is protects
    if protects:
        assert verdicts()["99"].reason == f"needed by the running restore {restore.uuid}"


def test_packages_go_where_they_are_ours_and_stay_where_somebody_wanted_them(settings, tmp_path):
    weekly = policy("weekly", backup_type="EXPORT", retention_days=30, max_backups=2)
    storage = settings.BACKUP_STORAGE_ROOT
    (tmp_path / "elsewhere").mkdir()
    (storage / "linked").mkdir(parents=True)
    (storage / "linked" / "packages").symlink_to(tmp_path / "elsewhere")
    places = {
        "new": storage / "packages",
        "ours": storage / "packages",
        "below": storage / "branch" / "packages",
        "outside": tmp_path / "packages",
        "other folder": storage / "exports",
        "through a link": storage / "linked" / "packages",
    }
    for number, (name, folder) in enumerate(places.items()):
        age = DAY if name == "new" else (40 + number) * DAY
        backup(weekly, age, job_name=name, snapshot_id="", backup_file_path=str(folder / f"{name}.tar.gz.gpg"))
    assert kept() == ["new", "outside", "other folder", "through a link"]
    assert verdicts()["outside"].reason == "a file outside of the backup storage"


def test_backups_without_a_policy_are_not_even_looked_at():
    nightly = policy(retention_days=1, max_backups=1)
    backup(nightly, 500 * DAY)
    backup(None, 500 * DAY)
    backup(None, 501 * DAY, trigger="PRE_RESTORE")
    assert list(verdicts()) == ["500"]
    configuration_delete(nightly.uuid, now=NOW)
    assert verdicts() == {}
    assert BackupJob.objects.exclude(snapshot_id="").count() == 3


def test_removed_backups_are_not_planned_again():
    nightly = policy(retention_days=30, max_backups=1)
    backup(nightly, DAY, removal_started_at=NOW)
    backup(nightly, 2 * DAY, removal_started_at=NOW, removed_at=NOW)
    backup(nightly, 3 * DAY)
    assert (kept(), gone()) == (["3"], [])


def test_periods_are_kept_besides_age_and_number():
    nightly = policy(retention_days=3, max_backups=3, keep_daily=5, keep_weekly=3, keep_monthly=3, keep_yearly=2)
    # One at noon of every day since the beginning of last year; today is Tuesday, 24 November 2026, week 48.
    for age in range(330 + 365):
        backup(nightly, age * DAY)
    stays = {name: verdicts()[name].reason for name in kept()}
    assert list(stays) == ["0", "1", "2", "3", "4", "9", "24", "55", "328"]
    assert stays["0"].startswith("the most recent one, kept: daily 2026-11-24, kept: weekly 2026-W48, kept: monthly")
    assert stays["3"] == "kept: daily 2026-11-21"
    assert stays["4"] == "kept: daily 2026-11-20"
    assert stays["2"] == "kept: daily 2026-11-22, kept: weekly 2026-W47"
    assert stays["9"] == "kept: weekly 2026-W46"
    assert stays["24"] == "kept: monthly 2026-10"
    assert stays["55"] == "kept: monthly 2026-09"
    assert stays["328"] == "kept: yearly 2025"


def test_days_begin_where_the_project_is(settings):
    nightly = policy(retention_days=1, max_backups=1, keep_daily=2)
    for hours in (10, 12, 14, 20, 34):
        # In UTC of the days 24, 24, 23, 23, 23; in New York of the days 23, 23, 23, 23, 22.
        backup(nightly, timedelta(hours=hours), job_name=str(hours))
    assert kept() == ["10", "14"]
    settings.TIME_ZONE = "America/New_York"
    assert kept() == ["10", "34"]


def test_backups_from_the_future_stay_and_count_for_nothing():
    nightly = policy(retention_days=30, max_backups=2)
    backup(nightly, -3000 * DAY, job_name="ahead")
    for age in (1, 2, 3):
        backup(nightly, age * DAY)
    assert kept() == ["ahead", "1", "2"]
    other = policy("other", retention_days=30, max_backups=2)
    backup(other, -3000 * DAY, job_name="other ahead")
    backup(other, 300 * DAY, job_name="last")
    assert "last" in kept()


def test_two_configurations_in_one_repository_do_not_count_each_others():
    one, other = policy("one", max_backups=2), policy("other", max_backups=3, retention_days=5)
    for age in range(1, 9):
        backup(one, age * DAY, job_name=f"one {age}")
        backup(other, age * DAY, job_name=f"other {age}")
    assert kept() == ["one 1", "one 2", "other 1", "other 2", "other 3"]
    assert [verdict.configuration for verdict in plan_retention(now=NOW, only=[other.pk])] == ["other"] * 8


def test_the_policies_as_installed():
    policies_install(now=NOW - 500 * DAY)
    for name, step, count in (
        ("production_daily_full", DAY, 60),
        ("production_weekly_export", 7 * DAY, 40),
        ("production_monthly_archive", 31 * DAY, 16),
        ("production_database_hourly", HOUR, 200),
        ("production_pre_deployment", 4 * DAY, 40),
    ):
        row = BackupConfiguration.objects.get(name=name)
        for number in range(count):
            backup(row, number * step + HOUR, job_name=f"{name} {number}")
    numbers: dict[str, list[int]] = {}
    for one in kept():
        name, number = one.split()
        numbers.setdefault(name, []).append(int(number))
    # Daily: the 31st is 30 days and an hour old. Weekly and monthly: their number. Hourly: 48, long before 7 days.
    assert {name: found[-1] + 1 for name, found in numbers.items()} == {
        "production_daily_full": 30,
        "production_weekly_export": 12,
        "production_monthly_archive": 12,
        "production_database_hourly": 48,
        "production_pre_deployment": 20,
    }
    assert all(found == list(range(len(found))) for found in numbers.values())


@pytest.mark.parametrize("seed", range(5))
def test_against_the_rules_as_one_would_write_them_down(seed):
    """Age and number over random catalogues, judged one backup at a time by counting."""
    chance = random.Random(seed)
    rows = []
    for number in range(6):
        days, most = chance.randint(1, 20), chance.randint(1, 8)
        configuration = policy(f"policy {number}", retention_days=days, max_backups=most)
        for _ in range(chance.randint(0, 25)):
            age = timedelta(minutes=chance.randint(1, 40 * 24 * 60))
            good = chance.random() < 0.7
            values = {} if good else chance.choice([{"status": "INCOMPLETE"}, {"trust": "DAMAGED"}])
            pinned = chance.random() < 0.1
            job = backup(configuration, age, job_name=f"{number} {len(rows)}", is_pinned=pinned, **values)
            rows.append((configuration, age, good, pinned, job.job_name))
    expected = []
    for configuration, age, good, pinned, name in rows:
        alike = [other for other in rows if other[0] == configuration and other[2] == good]
        newer = sum(other[1] < age for other in alike)
        good_newer = any(other[1] < age for other in rows if other[0] == configuration and other[2])
        last = newer == 0 and (good or not good_newer)
        within = age <= configuration.retention_days * DAY and newer < configuration.max_backups
        if last or within or pinned:
            expected.append(name)
    assert sorted(kept()) == sorted(expected)


def queries(configurations: int, backups: int) -> int:
    for number in range(configurations):
        configuration = policy(f"policy {number}", max_backups=1)
        for age in range(1, backups + 1):
            restore_of(backup(configuration, age * DAY, job_name=f"{number} {age}"))
    with CaptureQueriesContext(connection) as caught:
        found = plan_retention(now=NOW)
    assert len(found) == configurations * backups
    return len(caught)


def test_the_number_of_queries_does_not_grow():
    few = queries(2, 1)
    BackupConfiguration.objects.all().delete()
    BackupJob.objects.all().delete()
    assert few == queries(200, 3) == 3


def test_the_day_when_the_clocks_change_is_a_day_like_any_other(settings):
    settings.TIME_ZONE = "America/New_York"
    nightly = policy(retention_days=1, max_backups=100)
    # 24 hours, not the same time of day: at noon of 1 November the clocks have gone back by an hour.
    noon = datetime(2026, 11, 1, 17, 0, tzinfo=UTC)
    for age in (HOUR, 24 * HOUR, 24 * HOUR + INSTANT):
        backup(nightly, NOW - noon + age, job_name=str(age))
    assert gone(noon) == [str(24 * HOUR + INSTANT)]


def test_a_backup_whose_rows_name_no_file_pushes_none_out_whose_rows_do():
    nightly = policy(retention_days=20, max_backups=3)
    whole = {"databases": {"default": {}}, "files": {"media": {}}, "references_checked": 7}
    for age in range(10, 16):
        backup(nightly, age * DAY, manifest=whole)
    for age in range(1, 6):
        backup(nightly, age * DAY, manifest={**whole, "references_checked": 0})
    assert kept() == ["1", "2", "3", "10", "11", "12"]
    assert verdicts()["10"].reason == "the most recent one of the rows that name files"
    backup(nightly, HOUR, manifest={**whole, "references_checked": 1}, job_name="whole again")
    assert kept(NOW + 30 * DAY) == ["whole again"]


@pytest.mark.parametrize(
    ("less", "reason"),
    [
        ({"backup_type": "DATABASE"}, "the most recent one of the files"),
        ({"manifest": {"databases": {"default": {}}, "files": {}}}, "the most recent one of the files"),
        (
            {"manifest": {"databases": {"default": {}}, "files": {"scans": {}}}},
            "the most recent one of the file root 'media'",
        ),
        ({"settings": {"exclude": ["*.pdf"]}}, "the most recent one of what the pattern '*.pdf' leaves out"),
        (
            {"manifest": {"databases": {"default": {}}, "files": {"media": {}}, "references_excluded": 3}},
            "the most recent one of what the pattern '*' leaves out",
        ),
    ],
)
def test_smaller_backups_do_not_replace_larger_ones(less, reason):
    nightly = policy(retention_days=20, max_backups=3)
    for age in range(10, 16):
        backup(nightly, age * DAY)
    for age in range(1, 6):
        backup(nightly, age * DAY, **less)
    assert kept() == ["1", "2", "3", "10", "11", "12"]
    assert verdicts()["10"].reason == reason
    # Too old, the last one stays all the same, until a newer one holds as much.
    later = NOW + 30 * DAY
    assert kept(later) == ["1", "10"]
    backup(nightly, -29 * DAY, job_name="whole again")
    besides = ["1"] if "'media'" in reason else []  # which holds a root that no other has
    assert kept(later) == ["whole again", *besides]
