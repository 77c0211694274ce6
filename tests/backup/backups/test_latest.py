"""`latest` is the newest backup that is complete and can be restored here, and what was passed over is said."""

from __future__ import annotations

import shutil

import pytest
from tests.backup.testing.edms import Edms


def plan(edms: Edms, *arguments: str, expect: int | None = 0) -> dict:
    return edms.json("restore_backup", "latest", "--dry-run", *arguments, expect=expect)


def make(edms: Edms, kind: str, *arguments: str) -> str:
    return edms.json("trigger_backup", "--type", kind, *arguments, expect=None)["job"]


def test_latest_skips_newer_and_worse_backups_with_a_note(edms: Edms):
    good = make(edms, "FULL")
    make(edms, "DATABASE")
    make(edms, "EXPORT")
    found = plan(edms)
    assert found["backup_job"] == good
    assert "is an EXPORT" in found["warnings"][0]
    assert "holds no files: this is the newest backup before them" in found["warnings"][0]
    papers = (edms.media / "papers").rename(edms.home / "papers")
    edms.run("import_documents", str(papers))
    next(path for path in edms.media.rglob("*") if path.is_file()).unlink()
    incomplete = make(edms, "FULL")
    assert edms.rows("SELECT status FROM backup_backupjob ORDER BY id DESC LIMIT 1") == [("INCOMPLETE",)]
    found = plan(edms)
    assert found["backup_job"] == good
    assert "is INCOMPLETE (1 problems)" in found["warnings"][0]
    # An explicit name still gives any.
    assert edms.json("restore_backup", incomplete, "--dry-run")["backup_job"] == incomplete
    complete = "UPDATE backup_backupjob SET status = 'COMPLETED', problem_count = 0"
    for change, words in (
        ("rehearsal_state = 'FAILED'", "its rehearsal failed"),
        ("rehearsal_state = '', trust = 'DAMAGED'", "is DAMAGED"),
        ("trust = 'VERIFIED', manifest = replace(manifest, 'sqlite', 'postgresql')", "is a dump of postgresql"),
    ):
        edms.write(f"{complete}, {change} WHERE uuid = ?", incomplete.replace("-", ""))
        found = plan(edms)
        assert found["backup_job"] == good
        assert words in found["warnings"][0]


def test_a_part_is_taken_from_the_newest_that_holds_it(edms: Edms):
    make(edms, "FULL")
    database = make(edms, "DATABASE")
    assert plan(edms, "--only", "database")["backup_job"] == database
    assert plan(edms, "--only", "files")["backup_job"] != database


def test_where_none_is_whole_the_plan_says_in_capitals_what_is_missing(edms: Edms):
    database = make(edms, "DATABASE")
    found = plan(edms)
    assert found["backup_job"] == database
    assert found["warnings"][0].startswith("THE FILES ARE NOT IN THIS BACKUP")
    assert any("holds no files" in one for one in found["warnings"])
    assert "THE FILES ARE NOT" not in str(plan(edms, "--only", "database"))


@pytest.mark.parametrize(("ledger", "newest"), [("gone", "EXPORT"), ("empty", "DATABASE")])
def test_when_everything_is_gone_the_newest_whole_one_is_meant(edms: Edms, migrated_home, ledger: str, newest: str):
    full = make(edms, "FULL")
    last = make(edms, newest)
    edms.database.unlink()
    if ledger == "empty":
        shutil.copy2(next(migrated_home.glob("*.sqlite3")), edms.home)
    found = plan(edms)
    # The dump is better than rows; the files are better than none.
    assert found["backup_job"] == full != last
    assert any("this is the newest backup before it" in one for one in found["warnings"])


def test_a_package_is_found_where_there_is_no_repository(edms: Edms):
    package = make(edms, "EXPORT")
    shutil.rmtree(edms.storage / "repository")
    edms.database.unlink()
    found = plan(edms)
    assert found["backup_job"] == package
    assert edms.json("verify_backup", "latest")["trust"] == "VERIFIED"
