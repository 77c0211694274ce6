"""Packages of older and of newer states of the application."""

from __future__ import annotations

import json

LATER = {"ZOO_LATER": "1", "ZOO_MIGRATIONS": json.dumps({"zoo": "zoo_later.migrations"})}


def test_an_older_package_is_taken_in_and_migrated(zoo):
    older = zoo("sqlite")
    older.fill()
    package = older.export()
    newer = zoo("sqlite", **LATER)
    newer.run("migrate", "-v0")
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
    newer = zoo("sqlite", **LATER)
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
    smaller = zoo("sqlite")
    smaller.fill()
    larger = zoo("sqlite", ZOO_APPS='["django.contrib.sessions"]')
    package = smaller.export()
    assert any("'sessions'" in text for text in larger.plan(package)["warnings"])
    larger.take_in(package)
    assert larger.rows("SELECT count(*) FROM django_session") == [(0,)]
    assert larger.rows("SELECT count(*) FROM django_content_type WHERE app_label = 'sessions'") == [(1,)]
