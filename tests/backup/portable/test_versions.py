"""Packages of older and of newer states of the application."""

from __future__ import annotations

import json

LATER = {"ZOO_LATER": "1", "ZOO_MIGRATIONS": json.dumps({"zoo": "zoo_later.migrations"})}


def test_an_older_package_is_taken_in_and_migrated(zoo):
    older = zoo("sqlite", migrated=True)
    older.fill()
    package = older.export()
    newer = zoo("sqlite", migrated=True, **LATER)
    newer.write("INSERT INTO zoo_everything (label) VALUES ('live')")
    newer.write("INSERT INTO zoo_later (label) VALUES ('live')")
    done = newer.take_in(package)
    count = older.rows("SELECT count(*) FROM zoo_everything")
    assert newer.rows("SELECT count(*) FROM zoo_later") == count
    assert newer.rows("SELECT count(*) FROM zoo_everything") == count
    assert newer.rows("SELECT name FROM django_migrations WHERE app = 'zoo' ORDER BY id") == [
        ("0001_initial",),
        ("0002_later",),
    ]
    # The migration goes by the default manager, and yet has not reached the database that was live meanwhile.
    newer.run("restore_backup", "--rollback", done["restore"], "--yes")
    assert newer.rows("SELECT label FROM zoo_later") == [("live",)]
    assert newer.rows("SELECT label FROM zoo_everything") == [("live",)]
    # Nothing of it went through signals.
    assert not (newer.home / "signals").exists(), (newer.home / "signals").read_text()


def test_a_newer_package_is_refused_by_what_is_missing(zoo):
    newer = zoo("sqlite", migrated=True, **LATER)
    newer.fill()
    package = newer.export()
    older = zoo("sqlite")
    plan = older.plan(package, blocked=True)
    (obstacle,) = plan["blocking"]
    assert "newer state" in obstacle
    assert "zoo.0002_later" in obstacle
    refused = older.run("restore_backup", "--package", str(package), "--yes", expect=1)
    assert "zoo.0002_later" in refused.stderr
    assert not list(older.home.glob("*.sqlite3*"))


def test_an_app_that_only_the_code_has_is_there_afterwards(zoo):
    smaller = zoo("sqlite", migrated=True)
    smaller.fill()
    larger = zoo("sqlite", ZOO_APPS='["django.contrib.sessions"]')
    package = smaller.export()
    assert any("'sessions'" in text for text in larger.plan(package)["warnings"])
    larger.take_in(package)
    assert larger.rows("SELECT count(*) FROM django_session") == [(0,)]
    assert larger.rows("SELECT count(*) FROM django_content_type WHERE app_label = 'sessions'") == [(1,)]


def test_a_native_backup_of_newer_code_is_refused_alike(zoo, tmp_path):
    """Whatever its type is, and wherever it lies. Plans of the API are made by the same function."""
    project = zoo("sqlite", migrated=True, **LATER)
    project.fill()
    full = project.json("trigger_backup", "--type", "FULL")
    later = project.json("trigger_backup", "--type", "INCREMENTAL")
    package = tmp_path / "native.tar.gz"
    project.run("trigger_backup", "--type", "DATABASE", "--no-encryption", "--output", str(package))
    before = project.show()
    older = dict.fromkeys(LATER)
    planned = project.json("restore_backup", "--package", str(package), "--dry-run", expect=1, **older)
    assert any("does not have zoo.0002_later" in text for text in planned["blocking"])
    planned = project.json("restore_backup", full["job"], "--dry-run", expect=1, **older)
    assert [text for text in planned["blocking"] if "newer state" in text] == [
        "the backup is of a newer state of the application: the code here does not have zoo.0002_later; install the"
        " version of the application that has them, and restore with that"
    ]
    refused = project.run("restore_backup", later["job"], "--yes", "--no-safety-backup", expect=1, **older)
    assert "zoo.0002_later" in refused.stderr
    assert project.show() == before
    # Beside the live system it is of use, and the way on is said.
    beside = ("restore_backup", "latest", "--to-database", str(project.home / "beside"))
    planned = project.json(*beside, "--dry-run", **older)
    assert planned["blocking"] == []
    assert any("newer state" in text for text in planned["warnings"])
    project.run(*beside, "--yes", **older)
    assert (project.home / "beside").stat().st_size > 0
    # The code that made it takes it back.
    assert project.json("restore_backup", "latest", "--dry-run")["blocking"] == []


def test_leftovers_of_removed_migrations_block_nothing(zoo):
    project = zoo("sqlite", migrated=True)
    project.fill()
    project.write("UPDATE django_migrations SET name = '0001_taken_out' WHERE app = 'zoo'")
    project.run("trigger_backup", "--type", "FULL")
    planned = project.json("restore_backup", "latest", "--dry-run")
    assert planned["blocking"] == []
    assert any("zoo.0001_taken_out" in text for text in planned["warnings"])
