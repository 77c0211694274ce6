"""A file root that never existed is empty; one that was there, or that rows name, is missing. So are rows."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3

import pytest
from tests.backup.testing.edms import BACKEND, Edms


@pytest.mark.parametrize("kind", ["FULL", "FILES", "EXPORT"])
def test_a_system_without_any_document_is_backed_up_whole(edms: Edms, kind: str):
    shutil.rmtree(edms.media)
    # The second backup must not take the first one for a proof that there was a folder.
    for _ in range(2 if kind == "FILES" else 1):
        assert edms.json("trigger_backup", "--type", kind)["status"] == "COMPLETED"


def test_a_folder_that_held_files_once_is_missing_whatever_came_between(edms: Edms):
    assert edms.json("trigger_backup", "--type", "FULL")["status"] == "COMPLETED"
    shutil.rmtree(edms.media)
    edms.media.mkdir()
    edms.run("trigger_backup", "--type", "FILES", expect=None)
    edms.media.rmdir()
    told = edms.json("trigger_backup", "--type", "FILES", expect=None)
    assert told["status"] == "INCOMPLETE"
    assert "the file root 'media' is not there" in edms.run("backup_jobs", "--show", told["job"]).stdout


@pytest.mark.parametrize("kind", ["FULL", "FILES"])
def test_a_folder_that_rows_name_files_in_is_missing(edms: Edms, kind: str):
    papers = (edms.media / "papers").rename(edms.home / "papers")
    edms.run("import_documents", str(papers))
    shutil.rmtree(edms.media)
    told = edms.json("trigger_backup", "--type", kind, expect=None)
    assert told["status"] == "INCOMPLETE"
    assert "rows name files in it" in edms.run("backup_jobs", "--show", told["job"]).stdout


def test_the_policies_as_installed_back_up_a_fresh_system(edms: Edms):
    shutil.rmtree(edms.media)
    edms.run("migrate", "-v0")
    assert edms.media.is_dir()
    edms.run("manage_backup_configs", "--install-production")
    assert edms.json("trigger_backup", "--config", "production_daily_full")["status"] == "COMPLETED"


def test_a_database_that_had_rows_and_has_none_is_another_one(edms: Edms, tmp_path):
    """The disk was not mounted, and the application made a new file in its place."""
    place = tmp_path / "archive.sqlite3"
    (tmp_path / "two.py").write_text(
        "from config.settings import *\n"
        f'DATABASES["archive"] = {{"ENGINE": "django.db.backends.sqlite3", "NAME": {str(place)!r}}}\n'
    )
    edms.environment |= {"DJANGO_SETTINGS_MODULE": "two", "PYTHONPATH": os.pathsep.join([str(tmp_path), str(BACKEND)])}
    with contextlib.closing(sqlite3.connect(place)) as archive, archive:
        archive.execute("CREATE TABLE old AS SELECT 1 AS id")
    assert edms.json("trigger_backup", "--type", "DATABASE")["status"] == "COMPLETED"
    place.unlink()
    with contextlib.closing(sqlite3.connect(place)) as archive, archive:
        archive.execute("CREATE TABLE old (id)")
    told = edms.json("trigger_backup", "--type", "DATABASE", expect=3)
    assert told["status"] == "INCOMPLETE"
    assert "had 1 rows in the last good backup" in edms.run("backup_jobs", "--show", told["job"]).stdout
