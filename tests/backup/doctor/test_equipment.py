"""The environment: settings, passphrase, storage, disks, clients; by the commands that people use."""

import json
import os
import re
import shutil
import signal
import stat
import time
from pathlib import Path

import pytest
from tests.backup.testing.edms import BACKEND
from tests.backup.testing.hosting import filled_postgres, postgres, postgres_host  # noqa: F401

from apps.backup.doctor.disks import Space, space_findings
from apps.backup.doctor.environment import middleware_findings, setting_path_findings
from demo.private_postgres import server_binaries

PARTED = """
from config.settings import *
DATABASES["ledger"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": EDMS_HOME / "ledger.sqlite3"}
DATABASE_ROUTERS = ["parted.Router"]

class Router:
    def db_for_write(self, model, **_hints):
        return "ledger" if model._meta.app_label == "backup" else None
"""


def checks(project, *arguments: str, **environment: str | None) -> dict[str, str]:
    """The warnings of `manage.py check`, by id."""
    said = project.run("check", "--tag", "backup", *arguments, **environment).stderr
    return dict(re.findall(r"\?: \((backup\.W\d+)\) (.*)", said))


def ids(project, *, expect: int | None, **environment: str | None) -> set[str]:
    """The findings of `backup_health`, which ends with that code; with None any."""
    return {one["id"] for one in project.json("backup_health", expect=expect, **environment)["findings"]}


@pytest.fixture
def scheduled(edms):
    """An EDMS with a policy, cron that has just called, and a storage on a disk of its own where there is one."""
    edms.run("manage_backup_configs", "--create", "--name", "nightly", "--frequency", "DAILY", "--time", "02:00")
    edms.run("backup_run_due")
    return edms


def test_a_fresh_machine_is_fine_but_for_the_place_of_its_storage(scheduled):
    health = scheduled.json("backup_health", expect=2)
    assert {one["id"] for one in health["findings"]} <= {"backup.W010", "backup.W011", "backup.W017"}
    assert health["status"] == "CRITICAL"
    assert set(checks(scheduled)) == set()
    assert set(checks(scheduled, "--deploy")) <= {"backup.W010", "backup.W011"}


def test_settings_that_are_wrong(scheduled):
    assert "must be one of" in checks(scheduled, BACKUP_EXECUTOR="carrier pigeon")["backup.W001"]
    told = scheduled.run("backup_health", expect=3, BACKUP_EXECUTOR="carrier pigeon").stdout
    assert told.startswith("BACKUP UNKNOWN: BACKUP_EXECUTOR")
    assert "backup.W001" not in checks(scheduled)


def test_a_router_that_parts_the_ledger_from_the_users(edms, tmp_path):
    (tmp_path / "parted.py").write_text(PARTED)
    edms.environment |= {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(BACKEND)])}
    assert "'ledger'" in checks(edms, DJANGO_SETTINGS_MODULE="parted")["backup.W024"]


def test_missing_paths_of_settings_are_named(scheduled, tmp_path):
    (tmp_path / "scans").mkdir()
    (tmp_path / "typed.py").write_text(
        f"from config.settings import *\nBACKUP_FILE_ROOTS = {{'scans': {str(tmp_path / 'scnas')!r}}}\n"
        f"BACKUP_FACT_FILES = [{str(tmp_path / '.env')!r}]\n"
    )
    scheduled.environment |= {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(BACKEND)])}
    said = scheduled.run("check", "--tag", "backup", DJANGO_SETTINGS_MODULE="typed").stderr
    assert f"BACKUP_FILE_ROOTS names the folder {tmp_path / 'scnas'}, which does not exist." in said
    assert f"Did you mean {tmp_path / 'scans'}?" in said
    assert f"BACKUP_FACT_FILES names the file {tmp_path / '.env'}, which does not exist." in said
    assert "backup.W050" in ids(scheduled, expect=2, DJANGO_SETTINGS_MODULE="typed")


def test_places_that_depend_on_where_a_process_is_started(settings):
    assert [one.what for one in setting_path_findings()] == []
    settings.MEDIA_ROOT = "data/media"
    (found,) = setting_path_findings()
    assert (found.id, found.subject) == ("backup.W050", "MEDIA_ROOT")
    assert "'data/media', which is relative to the working folder of each process" in found.what
    settings.MEDIA_ROOT = ""
    assert [one.what for one in setting_path_findings()] == []


def test_no_passphrase(scheduled):
    assert "backup.W002" in checks(scheduled, BACKUP_PASSWORD=None)
    assert "backup.W002" in ids(scheduled, expect=2, BACKUP_PASSWORD=None)
    assert "backup.W002" not in ids(scheduled, expect=2)


def test_a_storage_that_cannot_be_written(scheduled, tmp_path):
    shutil.rmtree(scheduled.storage, ignore_errors=True)
    scheduled.storage.write_text("not a folder")
    assert "Cannot write to the backup storage" in checks(scheduled)["backup.W003"]
    assert "backup.W003" in ids(scheduled, expect=2)
    scheduled.storage.unlink()
    assert "backup.W003" not in ids(scheduled, expect=2)


def test_where_the_storage_lies(scheduled, request):
    assert "backup.W011" in ids(scheduled, expect=2)
    assert "backup.W010" in ids(scheduled, expect=2, BACKUP_STORAGE_ROOT="/edms-storage-that-is-not-there")
    own = scheduled.home.stat().st_dev
    mounts = [line.split(" ")[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    others = [Path(one) for one in mounts if one != "/" and os.access(one, os.W_OK) and Path(one).is_dir()]
    for other in others:
        if other.stat().st_dev != own and shutil.disk_usage(other).free > 10**7:
            place = other / f"edms-{scheduled.home.parent.name}"
            assert not {"backup.W010", "backup.W011"} & ids(scheduled, expect=None, BACKUP_STORAGE_ROOT=str(place))
            assert not place.exists()
            return
    # A machine with one disk alone: what is true of it has been asserted.


def test_a_restore_that_was_cut_off(scheduled):
    scheduled.add_files(40, size=1_000_000, folder="scans")
    scheduled.run("trigger_backup", "--type", "FULL")
    process = scheduled.start("restore_backup", "latest", "--yes", "--no-safety-backup")
    journals = scheduled.storage / "restores"
    while not (journals.is_dir() and list(journals.rglob("*.json"))):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert "backup.W005" in checks(scheduled)
    assert "backup.W005" in ids(scheduled, expect=1)
    scheduled.run("restore_backup", "--list")
    assert "backup.W005" not in checks(scheduled)


@pytest.mark.postgresql
def test_client_programs_of_the_wrong_version(postgres_host, tmp_path):  # noqa: F811
    old = tmp_path / "old"
    old.mkdir()
    for name in ("pg_dump", "pg_restore"):
        program = old / name
        program.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) 12.1'\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    settings = tmp_path / "older_clients.py"
    settings.write_text(f"from hostproject.settings import *\nBACKUP_POSTGRESQL_BIN = {str(old)!r}\n")
    path = os.pathsep.join([str(tmp_path), postgres_host.environment["PYTHONPATH"]])
    changed = {"DJANGO_SETTINGS_MODULE": "older_clients", "PYTHONPATH": path}
    # Without asking the server 12 may be good enough; when the server is asked, it is not.
    assert "backup.W004" not in checks(postgres_host, **changed)
    assert "here are only older clients (pg_dump 12.1" in checks(postgres_host, "--deploy", **changed)["backup.W004"]
    assert "backup.W004" in ids(postgres_host, expect=2, **changed)
    for program in old.iterdir():
        program.unlink()
    said = postgres_host.run("check", "--tag", "backup", **changed).stderr
    assert "do not run" in checks(postgres_host, **changed)["backup.W004"]
    # It has not asked the server, and names no version that would be a wrong one.
    assert "postgresql-client-" not in said
    assert (
        "do not run" in postgres_host.run("trigger_backup", "--type", "FULL", "--dry-run", expect=1, **changed).stderr
    )
    for name in ("pg_dump", "pg_restore"):
        (old / name).symlink_to(server_binaries()[0] / name)
    assert "backup.W004" not in checks(postgres_host, "--deploy", **changed)
    (dumped_by,) = postgres_host.json("trigger_backup", "--type", "FULL", "--dry-run", **changed)["dumped_by"]
    assert str(old) in dumped_by


@pytest.mark.postgresql
def test_when_the_database_is_gone_it_cannot_be_told(postgres_host):  # noqa: F811
    url = postgres_host.environment["DATABASE_URL"]
    gone = re.sub(r":\d+/", ":1/", url)
    told = postgres_host.json("backup_health", expect=3, DATABASE_URL=gone)
    assert told["status"] == "UNKNOWN"
    assert "catalogue" in told["error"]
    line = postgres_host.run("backup_health", "--quiet", expect=3, DATABASE_URL=gone).stdout
    assert line.startswith("BACKUP UNKNOWN: ")
    found = checks(postgres_host, "--deploy", DATABASE_URL=gone)
    assert {"backup.W004", "backup.W023"} <= set(found)
    password = re.search(r":([^:@]+)@", url)
    assert password
    assert password[1] not in json.dumps(told) + line + str(found)


def test_when_the_sqlite_file_is_gone_it_cannot_be_told(scheduled):
    scheduled.database.rename(scheduled.home / "elsewhere")
    told = scheduled.json("backup_health", expect=3)
    assert "does not exist" in told["error"]
    assert "backup.W023" in checks(scheduled, "--deploy")
    (scheduled.home / "elsewhere").rename(scheduled.home / "edms.sqlite3")
    assert scheduled.json("backup_health", expect=2)["status"] == "CRITICAL"


def test_the_exit_codes_and_the_one_line_of_nagios(scheduled):
    said = scheduled.run("backup_health", expect=2).stdout
    assert said.startswith("BACKUP CRITICAL: UNPROTECTED, no configuration has a good backup")
    heads = ["Configuration", "State", "Last good", "Verified", "Proven", "Missed", "Failed", "Next run"]
    assert said.splitlines()[1].split("\t") == heads
    # A restored system is like that until it is backed up, or its backup is read back.
    assert "next step: Run `trigger_backup --type FULL`" in said
    scheduled.run("trigger_backup", "--config", "nightly")
    line = scheduled.run("backup_health", "--quiet", expect=1).stdout
    assert re.match(
        r"BACKUP WARNING: PROTECTED with \d warnings?, last good backup \d min ago, \d findings; storage", line
    )
    assert line.count("\n") == 1
    scheduled.write("DELETE FROM backup_executor")
    assert scheduled.run("backup_health", "--quiet", expect=2).stdout.startswith("BACKUP CRITICAL: AT_RISK, last good")
    told = scheduled.json("backup_health", expect=2)
    (one,) = told["configurations"]
    assert (one["name"], one["state"], one["hours_since_good"], one["hours_since_verified"]) == (
        "nightly",
        "scheduled",
        0.0,
        0.0,
    )
    assert (one["hours_since_proven"], one["missed_slots"]) == (None, 0)
    assert one["next_run"]
    assert told["executors"] == []
    assert told["storage"]["free_bytes"] > 0
    assert next(finding["id"] for finding in told["findings"]) == "backup.W012"
    assert all(finding["hint"] for finding in told["findings"])
    scheduled.run("backup_run_due")
    assert scheduled.json("backup_health", expect=1)["executors"][0].startswith("Cron ")


@pytest.mark.parametrize(
    ("free", "daily", "found"),
    [
        (500, None, []),
        (500, 10, []),
        (140, 10, []),
        (139, 10, ["WARNING"]),
        (99, None, ["WARNING"]),
        (500, 600, ["CRITICAL"]),
        (29, None, ["CRITICAL"]),
        (29, 1, ["CRITICAL"]),
    ],
)
def test_space_that_ends(free, daily, found):
    seen = Space(root="/b", total=1000, free=free, daily=daily, days_left=free / daily if daily else None)
    assert [one.severity.name for one in space_findings(seen)] == found
    assert all(one.id == "backup.W017" for one in space_findings(seen))


@pytest.mark.parametrize(("uploads", "named"), [(0, False), (100, False), (600, True)])
def test_uploads_that_fill_the_storage_are_named(uploads, named):
    seen = Space(root="/b", total=1000, free=29, daily=None, days_left=None, uploads=uploads)
    (found,) = space_findings(seen)
    assert ("Uploads use 60% of it: the users who sent them can delete them." in found.hint) is named


@pytest.mark.parametrize(("free", "days"), [((50, 99), None), ((100, 900), (3.0, 13.0)), ((1, 29), None)])
def test_a_storage_that_fills_up_stays_the_same_finding_until_it_is_worse_in_kind(free, days):
    keys = {
        one.key()
        for part, lasts in zip(free, days or (None, None), strict=True)
        for one in space_findings(Space(root="/srv", total=1000, free=part, daily=1, days_left=lasts, uploads=0))
    }
    assert len(keys) == 1


def test_a_middleware_that_cannot_see_a_hold_is_a_finding(tmp_path, settings):
    settings.BACKUP_STORAGE_ROOT = str(tmp_path)
    before = [one.id for one in middleware_findings()]
    (tmp_path / "restores").mkdir(mode=0)
    users = os.getresuid()
    if os.geteuid() == 0:
        # Nothing is closed to root.
        os.setresuid(65534, 65534, 0)
    try:
        (found,) = middleware_findings()
    finally:
        os.setresuid(*users)
    assert before == []
    assert found.id == "backup.W042"
    assert str(tmp_path) in found.hint
