"""A file root that never existed is empty; one that was there, or that rows name, is missing."""

from __future__ import annotations

import shutil

import pytest
from tests.backup.conftest import Edms


@pytest.mark.parametrize("kind", ["FULL", "FILES", "EXPORT"])
def test_a_system_without_any_document_is_backed_up_whole(edms: Edms, kind: str):
    shutil.rmtree(edms.media)
    # The next one does not take the first for a proof that there was a folder.
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
