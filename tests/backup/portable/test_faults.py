"""Kills in the middle, and ways back."""

from __future__ import annotations

import contextlib
import time

import pytest
from tests.backup.testing.edms import kill


@pytest.fixture(scope="module")
def package(zoo):
    source = zoo("sqlite", migrated=True)
    source.fill()
    return source.export()


@pytest.mark.parametrize("said", ["migrating to the package's state", "loading rows", "migrating to the code's state"])
def test_a_kill_leaves_the_old_state(package, zoo, said):
    live = zoo("sqlite", migrated=True)
    values = live.fill()
    process = live.start("restore_backup", "--package", str(package), "--yes", "--no-safety-backup")
    for line in process.stderr:
        if line.strip() == said:
            break
    kill(process)
    # A running migration ends by itself; the test does not wait for it.
    deadline = time.monotonic() + 30
    left = ["?"]
    while left and time.monotonic() < deadline:
        live.run("restore_backup", "--list")
        left = [path.name for path in live.home.glob(".*edms-restore*")]
    assert left == [], f"Waited 30 seconds for the leftovers of the restore to go; seen last: {left}"
    assert live.show() == values


@pytest.mark.mariadb
def test_a_populated_mariadb_is_backed_up_replaced_and_put_back(package, zoo, mariadb):
    live = zoo("mysql", migrated=True)
    live.sql("INSERT INTO zoo_place (name) VALUES ('of the target')")
    done = live.json("restore_backup", "--package", str(package), "--yes")
    assert any("the live state was backed up first" in note for note in done["notes"])
    place = "SELECT count(*) FROM zoo_place WHERE name = 'of the target'"
    kept = "SELECT backup_type, status, `trigger` FROM backup_backupjob ORDER BY id DESC LIMIT 1"
    assert "('EXPORT', 'COMPLETED', 'PRE_RESTORE')" in live.query(kept)
    assert "((0,),)" in live.query(place)
    live.run("restore_backup", "--rollback", done["restore"], "--yes")
    assert "((1,),)" in live.query(place)
    assert "backup.W019" not in live.run("check", "--tag", "backup").stderr
    refused = live.run("trigger_backup", "--type", "FULL", expect=1)
    assert "The type EXPORT can carry it" in refused.stderr
    # A configuration of a type that is refused here says so when it is made, and the policies have one that is not.
    daily = ("--name", "mine", "--type", "FULL", "--frequency", "DAILY", "--time", "01:00")
    made = live.run("manage_backup_configs", "--create", *daily)
    assert "mine: its jobs will be refused" in made.stderr
    installed = live.json("manage_backup_configs", "--install-production")["configurations"]
    assert [one["note"] for one in installed] == [""] * 5
    listed = live.json("manage_backup_configs", "--list")["configurations"]
    policies = {one["name"]: one for one in listed if one["name"].startswith("production_")}
    assert {one["backup_type"] for one in policies.values()} == {"EXPORT"}
    # The finding names the refused schedules only: a host whose schedules have the right type can be protected.
    found = live.json("backup_health", expect=None)["findings"]
    assert [one["subject"] for one in found if one["id"] == "backup.W019"] == ["mine"]
    assert policies["production_database_hourly"]["include"] == ["databases/*"]
    assert live.json("trigger_backup", "--config", "production_daily_full")["status"] == "COMPLETED"
    with contextlib.closing(mariadb.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW DATABASES LIKE %s", [f"{live.name}\\_%"])
        assert cursor.fetchall() == ()
