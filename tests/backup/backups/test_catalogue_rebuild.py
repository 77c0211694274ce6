"""The catalogue is rebuilt from the storage."""

import shutil

import pytest
from tests.backup.management.test_commands import add_configuration


def test_the_catalogue_is_made_again_from_the_storage(edms, migrated_home):
    add_configuration(edms, "plain", storage_path="a", encryption_enabled=False)
    made = [
        edms.json("trigger_backup", "--type", "FULL"),
        edms.json("trigger_backup", "--type", "INCREMENTAL"),
        edms.json("trigger_backup", "--config", "plain"),
        edms.json("trigger_backup", "--type", "EXPORT"),
    ]
    columns = (
        "uuid, job_name, configuration_name, backup_type, trigger, status, started_at, snapshot_id, backup_file_path,"
        " backup_size, stored_size, new_files, changed_files, unchanged_files"
    )
    query = f"SELECT {columns} FROM backup_backupjob WHERE snapshot_id <> '' ORDER BY uuid"
    before = edms.rows(query)
    for rest in edms.home.glob("*.sqlite3*"):
        rest.unlink()
    shutil.copy(next(migrated_home.glob("*.sqlite3")), edms.home)
    report = edms.json("backup_catalogue", "--rebuild")
    assert sorted(report["created"]) == sorted(result["job"] for result in made)
    assert edms.rows(query) == before
    assert edms.rows("SELECT DISTINCT trust FROM backup_backupjob") == [("STORED",)]
    again = edms.json("backup_catalogue", "--rebuild")
    assert (again["created"], again["updated"], again["unchanged"]) == ([], [], 4)
    assert edms.json("verify_backup", made[0]["job"])["recorded"]
    assert edms.json("verify_backup", made[2]["job"])["recorded"]


def test_the_catalogue_names_what_is_gone_and_what_cannot_be_opened(edms):
    job = edms.json("trigger_backup", "--type", "FILES")
    (edms.storage / "repository" / "snapshots" / job["snapshot_id"]).unlink()
    assert edms.json("backup_catalogue", "--rebuild", expect=1)["missing"] == [job["job"]]
    refused = edms.json("backup_catalogue", "--rebuild", expect=1, **{"BACKUP_PASSWORD": "wrong"})
    assert "passphrase" in refused["unreadable"][0]
    assert edms.rows("SELECT count(*) FROM backup_backupjob") == [(1,)]


@pytest.mark.parametrize("kind", ["FULL", "EXPORT"])
def test_unreadable_backups_are_not_forgotten_by_a_rebuild(edms, kind, tmp_path):
    scan = tmp_path / "scans" / "scan.txt"
    scan.parent.mkdir()
    scan.write_text("a letter")
    edms.run("import_documents", str(scan.parent))
    next(path for path in edms.media.rglob("*") if path.is_file() and path.read_bytes() == b"a letter").unlink()
    made = edms.json("trigger_backup", "--type", kind, expect=3)
    assert made["problem_count"] == 1
    edms.write("DELETE FROM backup_jobevent")
    edms.write("DELETE FROM backup_backupjob")
    assert edms.json("backup_catalogue", "--rebuild")["created"] == [made["job"]]
    assert edms.rows("SELECT status, problem_count FROM backup_backupjob") == [("INCOMPLETE", 1)]
    assert "INCOMPLETE" in " ".join(edms.json("restore_backup", made["job"], "--dry-run", expect=None)["warnings"])


def test_a_row_that_never_saw_its_end_is_completed_from_the_storage(edms):
    job = edms.json("trigger_backup", "--type", "FULL")
    # So the row stands in a database that is restored from its own backup.
    edms.write(
        "UPDATE backup_backupjob SET status = 'RUNNING', trust = '', snapshot_id = '', completed_at = NULL,"
        " lease_expires_at = '2020-01-01 00:00:00'"
    )
    report = edms.json("backup_catalogue", "--rebuild")
    assert report["updated"] == [job["job"]]
    assert edms.rows("SELECT status, trust, snapshot_id, error_message FROM backup_backupjob") == [
        ("COMPLETED", "STORED", job["snapshot_id"], "")
    ]
