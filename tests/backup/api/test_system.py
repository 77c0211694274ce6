"""The whole at a glance: status, findings, statistics, repositories."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import django
import pytest
from django.utils import timezone
from tests.backup.testing.edms import CHEAP, PASSPHRASE
from tests.backup.testing.rows import backup, policy, storage_holds_all
from tests.backup.testing.stored_backup import ROOT

from apps.backup.api.statistics import StatisticsSerializer
from apps.backup.core.permissions import Right
from apps.backup.doctor.findings import critical, warning
from apps.backup.doctor.reasons import WHY
from apps.backup.models import BackupJob, Executor
from apps.backup.reporting.statistics import find_statistics, median
from apps.backup.reporting.storage_inventory import find_repositories, forget_repositories
from apps.backup.services.removals import prune_begin, prune_end
from apps.backup.storage.locations import resolve_place
from demo.private_postgres import private_postgres
from strongroom import __version__ as version
from strongroom.backends import LocalBackend
from strongroom.repository import Repository

HERE = Path(__file__).resolve().parents[3]
SYSTEM = f"{ROOT}system/"
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def job(at: datetime, *, minutes: int = 5, configuration=None, **values) -> BackupJob:
    times = {"queued_at": at, "started_at": at, "completed_at": at + minutes * MINUTE}
    sizes = {"stored_size": 10, "backup_size": 100, "new_files": 1, "changed_files": 2}
    return backup(configuration, timedelta(), **{**times, **sizes, **values})


@pytest.mark.django_db
@pytest.mark.parametrize("right", [Right.VIEW, Right.CONFIGURE])
def test_looking_requires_the_right(right, client_of):
    client = client_of(right)
    for name in ("status", "findings", "statistics", "repositories"):
        assert client.get(f"{SYSTEM}{name}/").status_code == (200 if right is Right.VIEW else 403), name
        if right is Right.VIEW:
            assert client.get(f"{SYSTEM}{name}/?colour=red").status_code == 400, name


@pytest.mark.django_db
def test_a_status_invents_no_numbers(admin):
    found = admin.get(f"{SYSTEM}status/").json()
    assert (found["total_backups"], found["success_rate"]) == (0, None)
    assert found["protection"]["state"] == "UNPROTECTED"
    assert found["protection"]["next_step"]
    assert found["recent_jobs"] == found["running_jobs"] == found["recent_configurations"] == []


@pytest.mark.django_db
def test_a_status_counts_what_ran(admin):
    now, nightly = timezone.now(), policy()
    for number, status in enumerate(["COMPLETED", "COMPLETED", "INCOMPLETE", "FAILED", "TIMEOUT", "MISSED", "PENDING"]):
        job(now - number * HOUR, status=status, configuration=nightly)
    found = admin.get(f"{SYSTEM}status/").json()
    counted = [found[name] for name in ("total_backups", "successful_backups", "failed_backups", "success_rate")]
    assert counted == [5, 2, 2, 40.0]
    assert found["jobs_by_status"]["MISSED"] == 1
    assert [one["status"] for one in found["waiting_jobs"]] == ["PENDING"]
    assert [one["status"] for one in found["recent_jobs"]][:2] == ["COMPLETED", "COMPLETED"]
    assert [one["name"] for one in found["recent_configurations"]] == ["nightly"]
    assert found["active_configurations"] == 1


@pytest.mark.django_db
def test_a_status_says_how_fresh_each_schedule_is(admin):
    now, daily = timezone.now(), {"frequency": "DAILY", "schedule_time": time(2)}
    job(now - HOUR, configuration=policy("fresh", **daily))
    job(now - 3 * DAY, configuration=policy("late", **daily))
    job(now - HOUR, configuration=policy("on demand"))
    storage_holds_all()
    found = admin.get(f"{SYSTEM}status/").json()
    late, fresh = found["freshness"]
    assert (late["name"], fresh["name"], found["freshness_left_out"]) == ("late", "fresh", 0)
    assert fresh["late_since"] is None
    assert datetime.fromisoformat(fresh["fresh_until"]) == now - HOUR + DAY * 1.1
    assert datetime.fromisoformat(late["late_since"]) == now - 3 * DAY + DAY * 1.1
    assert datetime.fromisoformat(late["last_good_at"]) == now - 3 * DAY


@pytest.mark.django_db
def test_findings_say_why_they_matter(admin):
    found = admin.get(f"{SYSTEM}findings/").json()
    assert found["severity"] in {"WARNING", "CRITICAL"}
    assert 0 <= found["age_seconds"] < 10
    assert all(one["what"] and one["why"] and one["hint"] for one in found["findings"])
    # For a few seconds all users get the same answer.
    assert admin.get(f"{SYSTEM}findings/").json()["examined_at"] == found["examined_at"]
    assert "backup.W014" in {one["id"] for one in found["findings"]}


def test_every_finding_has_a_reason():
    page = Path(__file__).parents[3] / "docs" / "reference" / "checks.md"
    documented = re.findall(r"^\| `(backup\.W[0-9]{3})` ", page.read_text(), re.MULTILINE)
    assert documented == sorted(WHY)
    numbers = [int(one[-3:]) for one in documented]
    assert [warning(number, "", "", "").why for number in numbers] == list(WHY.values())
    assert [critical(number, "", "", "").why for number in numbers] == list(WHY.values())


@pytest.mark.django_db
def test_a_day_adds_up(admin, settings):
    nightly = policy()
    for hour, minutes in ((1, 5), (2, 7), (3, 60)):
        job(NOON.replace(hour=hour), minutes=minutes, configuration=nightly)
    job(NOON, status="FAILED", stored_size=None, backup_size=None, configuration=nightly)
    job(NOON - DAY, configuration=None, stored_size=1000)
    found = find_statistics((3, None), NOON + HOUR)
    assert [one.date for one in found.days] == [date(2026, 11, day) for day in (22, 23, 24)]
    assert [one.ends_at for one in found.days[:-1]] == [one.begins_at for one in found.days[1:]]
    assert found.days[0].ends_at - found.days[0].begins_at == DAY
    empty, before, today = found.days
    assert (dict(empty.results), empty.median_seconds) == ({}, None)
    assert (dict(before.results), before.stored_bytes) == ({"COMPLETED": 1}, 1000)
    assert dict(today.results) == {"COMPLETED": 3, "FAILED": 1}
    assert (today.stored_bytes, today.logical_bytes, today.new_files, today.changed_files) == (30, 300, 4, 8)
    assert (today.median_seconds, today.total_seconds) == (7 * 60, 77 * 60)
    assert [(one.name, one.stored_bytes) for one in found.configurations] == [("", 1000), ("nightly", 30)]
    only = find_statistics((3, nightly.uuid), NOON + HOUR)
    assert [dict(one.results) for one in only.days] == [{}, {}, {"COMPLETED": 3, "FAILED": 1}]
    assert (only.days[2].median_seconds, [one.name for one in only.configurations]) == (7 * 60, ["nightly"])
    (row,) = found.calendar
    assert {day: dict(results) for day, results in row.days.items()} == {
        date(2026, 11, 24): {"COMPLETED": 3, "FAILED": 1}
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("UTC", "2026-11-23T23:59:59.999999+00:00", 23),
        ("Asia/Kolkata", "2026-11-23T18:29:59+00:00", 23),
        ("Asia/Kolkata", "2026-11-23T18:30:00+00:00", 24),
        ("America/New_York", "2026-11-24T04:59:59+00:00", 23),
        ("America/New_York", "2026-11-24T05:00:00+00:00", 24),
    ],
)
def test_days_are_those_of_the_schedules(settings, zone, moment, day):
    settings.TIME_ZONE = zone
    job(datetime.fromisoformat(moment))
    found = find_statistics((5, None), NOON)
    assert [one.date.day for one in found.days if one.results] == [day]
    assert found.time_zone == zone


@pytest.mark.django_db
def test_days_of_a_project_without_time_zones(settings):
    settings.USE_TZ, settings.TIME_ZONE = False, "Europe/Berlin"
    bare = NOON.replace(tzinfo=None)
    for moment in (bare.replace(hour=0, minute=0), bare - 13 * HOUR):
        row = BackupJob.objects.create(job_name="bare", backup_type="FULL", queued_at=moment)
        BackupJob.objects.filter(pk=row.pk).update(started_at=moment, completed_at=moment + MINUTE, status="COMPLETED")
    found = find_statistics((2, None), bare)
    assert [(one.date.day, one.results.total(), one.median_seconds) for one in found.days] == [(23, 1, 60), (24, 1, 60)]


@pytest.mark.django_db
def test_statistics_have_the_shape_that_the_document_says(admin):
    now = timezone.now()
    job(now - HOUR, configuration=policy())
    for days in (1, 366):
        found = admin.get(f"{SYSTEM}statistics/?days={days}").json()
        assert len(found["days"]) == days
        declared = StatisticsSerializer(found).data
        assert json.loads(json.dumps(declared)) == found
    for days in ("0", "367", "x"):
        assert admin.get(f"{SYSTEM}statistics/?days={days}").status_code == 400


def test_the_median_is_one_that_was_there():
    assert median({5: 1}) == 5
    assert median({5: 1, 7: 1}) == 5
    assert median({5: 1, 7: 5, 100: 2}) == 7


STATISTICS = """
import json
import re
from datetime import UTC, datetime, timedelta
from django.db.models import Q
from apps.backup.models import BackupJob, Executor
from apps.backup.reporting.statistics import find_statistics
from apps.backup.selectors import backups_verified, holds_database, holds_root, stored_sums
from tests.backup.api.test_system import job, policy
now = datetime(2026, 11, 24, 12, tzinfo=UTC)
nightly = policy()
for number in range(40):
    job(now - number * timedelta(minutes=97), minutes=1 + number % 7, configuration=nightly if number % 3 else None)
found = find_statistics((4, None), now)
odd = ["2024", "a.b", "a b%c", "it's", "Ölakten"]
BackupJob.objects.order_by("pk").filter(pk__lte=2).update(
    snapshot_id="1" * 64, trust="VERIFIED", manifest={"databases": {"default": {}}, "files": dict.fromkeys(odd, {})}
)
wanted = {name: holds_root(name) for name in [*odd, "not there"]} | {"database": holds_database("default")}
print(json.dumps([
    [[str(day.date), dict(day.results), day.stored_bytes, day.total_seconds, day.median_seconds] for day in found.days],
    [[one.name, one.stored_bytes, one.total_seconds] for one in found.configurations],
    [[row.name, {str(day): dict(results) for day, results in sorted(row.days.items())}] for row in found.calendar],
    [[one.storage_path, one.encrypted, one.snapshots, one.logical] for one in stored_sums()],
    sorted(set(wanted) - backups_verified(wanted, absent=Q(pk__in=[]), now=datetime.now(UTC))),
]))
"""


@pytest.fixture(
    params=[
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ]
)
def database_url(request, tmp_path):
    if request.param == "mariadb":
        server = request.getfixturevalue("mariadb")
        server.run("CREATE DATABASE statistics")
        yield server.url("statistics")
        server.run("DROP DATABASE statistics")
    else:
        with private_postgres(tmp_path / "server") as server:
            server.create_database("statistics")
            yield server.url("statistics")


@pytest.mark.slow
def test_every_database_adds_up_alike(new_edms, database_url):
    zone = {"EDMS_TIME_ZONE": "Asia/Kolkata", "PYTHONPATH": str(HERE)}
    expected = json.loads(new_edms.run("shell", "-v0", "-c", STATISTICS, **zone).stdout)
    assert sum(jobs for _, results, *_ in expected[0] for jobs in results.values()) == 40
    assert expected[-1] == ["not there"]
    new_edms.run("migrate", "-v0", DATABASE_URL=database_url)
    found = json.loads(new_edms.run("shell", "-v0", "-c", STATISTICS, DATABASE_URL=database_url, **zone).stdout)
    assert found == expected


@pytest.fixture
def stored(settings):
    """A repository with a key that opens at once, of a configuration that has made a backup."""
    nightly = policy(storage_path="vault")
    place = resolve_place("vault", encrypted=True)
    place.storage.mkdir(parents=True)
    Repository.init(LocalBackend(place.path), PASSPHRASE, cost=CHEAP)
    return nightly, place


@pytest.mark.django_db
def test_repositories_tell_what_lies_in_them(admin, stored, monkeypatch):
    nightly, place = stored
    monkeypatch.delenv("BACKUP_PASSWORD")
    last = job(NOON, configuration=nightly, backup_size=10**9)
    job(NOON - DAY, configuration=nightly, backup_size=10**9)
    job(NOON - 2 * DAY, configuration=nightly, removal_started_at=NOON)
    prune_end(prune_begin(str(place.path), now=NOON), now=NOON, freed=7)
    policy("other", encryption_enabled=False)
    found = admin.get(f"{SYSTEM}repositories/").json()
    by_path = {(one["storage_path"], one["encrypted"]): one for one in found["repositories"]}
    vault, plain = by_path["vault", True], by_path["", False]
    assert (vault["exists"], vault["snapshots"], vault["logical_bytes"]) == (True, 2, 2 * 10**9)
    size = sum(path.stat().st_size for path in place.path.rglob("*") if path.is_file())
    assert vault["stored_bytes"] == size
    assert vault["deduplication_ratio"] == round(2 * 10**9 / size, 2)
    assert (vault["last_prune"]["status"], vault["last_prune"]["freed_bytes"]) == ("COMPLETED", 7)
    assert datetime.fromisoformat(vault["last_verified"]) == last.started_at
    (key,) = vault["keys"]
    assert set(key) == {"id", "created", "hostname", "username"}
    assert [path.name[:8] for path in (place.path / "keys").iterdir()] == [key["id"]]
    assert (plain["exists"], plain["stored_bytes"], plain["error"]) == (False, None, "")
    assert plain["free_bytes"] > 0


@pytest.mark.django_db
def test_unreadable_repositories_are_listed_without_failure(admin, stored):
    nightly, place = stored
    (name,) = (place.path / "keys").iterdir()
    name.chmod(0o600)
    name.write_text("{}")
    type(nightly).objects.filter(pk=policy("astray").pk).update(storage_path="/etc")
    job(NOON, configuration=policy("lost", storage_path="elsewhere"))
    found = {one.storage_path: one for one in find_repositories("all", NOON).repositories}
    assert "is damaged" in found["vault"].error
    assert found["vault"].stored_bytes
    assert "/etc" in found["/etc"].error
    assert found["elsewhere"].error == "The catalogue has snapshots in it, and it is not there."
    forget_repositories()
    assert admin.get(f"{SYSTEM}repositories/").status_code == 200


@pytest.mark.django_db
def test_the_installation_is_described_without_secrets(admin, settings, monkeypatch):
    monkeypatch.setenv("BACKUP_PASSWORD", "not to be shown")
    settings.BACKUP_SECOND_PERSON = ["restore"]
    now = timezone.now()
    for name, seen in (("here", now), ("gone", now - HOUR)):
        Executor.objects.create(kind="AGENT", name=name, host=name, pid=7, started_at=now - DAY, beat_at=seen)
    answer = admin.get(f"{SYSTEM}installation/")
    found = answer.json()
    assert (found["version"], found["django"]) == (version, django.get_version())
    assert found["storage_root"] == str(settings.BACKUP_STORAGE_ROOT)
    assert (found["encryption_source"], found["second_person"]) == ("BACKUP_PASSWORD", ["restore"])
    assert [(one["host"], one["is_alive"]) for one in found["executors"]] == [("here", True), ("gone", False)]
    assert b"not to be shown" not in answer.content


@pytest.mark.parametrize("rights", [[Right.VIEW], [Right.RUN, Right.RESTORE], list(Right)])
def test_everybody_is_told_their_own_rights(client_of, rights):
    answer = client_of(*rights, name="ada").get(f"{ROOT}system/rights/")
    assert (answer.status_code, answer.json()) == (200, {"user": "ada", "rights": [one.codename for one in rights]})
