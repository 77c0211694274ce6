"""The storage on another mount, and the system on another machine: what is stored is found by the root that is set."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.backup.testing.edms import Edms
from tests.backup.testing.homes import create, trigger


def test_after_the_storage_moved_everything_is_found(edms: Edms, tmp_path: Path) -> None:
    create(edms, storage_path=str(edms.storage / "nightly"))
    create(edms, "weekly", type="EXPORT", storage_path=str(edms.storage / "nightly"))
    snapshot, package = trigger(edms), trigger(edms, "weekly")
    assert package["backup_file_path"] == str(next((edms.storage / "nightly/packages").iterdir()))
    assert edms.rows("SELECT storage_path FROM backup_backupconfiguration") == [("nightly",), ("nightly",)]
    kept = {path for (path,) in edms.rows("SELECT backup_file_path FROM backup_backupjob")}
    assert kept == {"", f"nightly/packages/{Path(package['backup_file_path']).name}"}

    moved = tmp_path / "another mount" / "backups"
    moved.parent.mkdir()
    shutil.move(edms.storage, moved)
    edms.environment["BACKUP_STORAGE_ROOT"] = str(moved)

    for job in (snapshot, package):
        assert edms.json("verify_backup", job["job"])["trust"] == "VERIFIED"
    shown = edms.json("backup_jobs", "--show", package["job"])
    assert shown["backup_file_path"] == str(moved / kept.difference({""}).pop())
    found = {one["id"] for one in edms.json("backup_health", expect=None)["findings"]}
    assert not found & {"backup.W026", "backup.W027", "backup.W003"}
    assert trigger(edms)["status"] == "COMPLETED"
    assert trigger(edms, "weekly")["status"] == "COMPLETED"
    edms.run("backup_jobs", "--remove", package["job"], "--yes")
    assert not Path(shown["backup_file_path"]).exists()


def test_absolute_paths_from_before_are_made_relative(edms: Edms) -> None:
    create(edms, storage_path="nightly")
    create(edms, "weekly", type="EXPORT")
    trigger(edms)
    package = trigger(edms, "weekly")["backup_file_path"]
    elsewhere = "/elsewhere/package.tar.gz"
    edms.write("UPDATE backup_backupjob SET backup_file_path = ? WHERE backup_file_path = ''", elsewhere)
    tables = {
        "backup_backupconfiguration": "storage_path",
        "backup_storedrepository": "storage_path",
        "backup_backupjob": "backup_file_path, settings",
    }

    def stored() -> list[list[tuple]]:
        return [edms.rows(f"SELECT {columns} FROM {table} ORDER BY id") for table, columns in tables.items()]

    now = stored()
    assert now[2][1][0] == f"packages/{Path(package).name}"
    edms.run("migrate", "-v0", "backup", "0007")
    assert [row[0] for row in stored()[2]] == [elsewhere, package]
    absolute = str(edms.storage / "nightly")
    edms.write("UPDATE backup_backupconfiguration SET storage_path = ? WHERE name = 'nightly'", absolute)
    edms.write("UPDATE backup_storedrepository SET storage_path = ?", absolute)
    edms.write("UPDATE backup_backupjob SET settings = json_set(settings, '$.storage_path', ?) WHERE id = 1", absolute)
    edms.run("migrate", "-v0")
    assert [[row[0] for row in rows] for rows in stored()] == [[row[0] for row in rows] for rows in now]
    assert [json.loads(row[1]) for row in stored()[2]] == [json.loads(row[1]) for row in now[2]]


def test_a_system_that_was_moved_in_a_package_goes_on(edms: Edms, tmp_path: Path) -> None:
    create(edms, storage_path=str(edms.storage / "nightly"))
    trigger(edms)
    package = tmp_path / "move.tar.gz"
    exported = edms.json("trigger_backup", "--type", "EXPORT", "--output", str(package), "--no-encryption")
    other = Edms(tmp_path / "other", dict(edms.environment))
    other.home.mkdir()
    edms.storage.rename(other.storage)
    other.run("restore_backup", "--package", str(package), "--yes", "--no-safety-backup")
    assert other.json("backup_jobs", "--show", exported["job"])["status"] == "COMPLETED"
    assert trigger(other)["status"] == "COMPLETED"
