"""Recovery from a storage that is read-only or has no byte left, and each step that the documentation gives for it."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest
from tests.backup.testing.edms import Edms, kill
from tests.backup.testing.homes import create, make_older, restic, stored, trigger
from tests.backup.testing.small_disk import Disk

SETS = ["full", "read-only"]
RESERVE = 16 << 20


def spoil(disk: Disk, how: str) -> None:
    disk.fill()
    if how == "read-only":
        disk.make_read_only()


def documents(edms: Edms) -> dict[str, bytes]:
    return {str(path.relative_to(edms.media)): path.read_bytes() for path in edms.media.rglob("*") if path.is_file()}


@pytest.mark.parametrize("how", SETS)
def test_everything_that_reads_works(edms: Edms, disk: Disk, how: str, tmp_path: Path) -> None:
    job = edms.json("trigger_backup", "--type", "FULL")
    before = documents(edms)
    spoil(disk, how)
    (edms.media / "later.txt").write_text("written since")

    plan = edms.json("restore_backup", "latest", "--dry-run", expect=1)
    assert any("cannot be backed up first" in reason and "--no-safety-backup" in reason for reason in plan["blocking"])
    assert any("without a lock" in warning for warning in plan["warnings"])
    plan = edms.json("restore_backup", "latest", "--dry-run", "--no-safety-backup")
    assert plan["blocking"] == []

    folder = tmp_path / "rescue"
    rescued = edms.json("restore_backup", "latest", "--to-folder", str(folder))
    assert any("without a lock" in note for note in rescued["notes"])
    assert {str(path.relative_to(folder / "files/media")) for path in (folder / "files/media").rglob("*.bin")} == set(
        before
    )

    verified = edms.json("verify_backup", job["job"])
    assert (verified["trust"], verified["findings"]) == ("VERIFIED", [])
    assert any("without a lock" in note for note in verified["notes"])

    shown = edms.json("backup_prune", "--dry-run")
    assert shown["repositories"][0]["snapshots"] == 0

    restored = edms.json("restore_backup", "latest", "--no-safety-backup", "--yes")
    assert restored["status"] == "COMPLETED"
    assert any("the journal of the restore is" in note for note in restored["notes"])
    assert documents(edms) == before
    listed = edms.json("restore_backup", "--list")["restores"]
    assert [(one["restore"], one["state"]) for one in listed] == [(restored["restore"], "finished")]
    back = edms.json("restore_backup", "--rollback", restored["restore"], "--no-safety-backup", "--yes")
    assert back["state" if "state" in back else "status"] == "rolled-back"
    assert (edms.media / "later.txt").read_text() == "written since"


def test_a_package_kept_elsewhere_is_restored(edms: Edms, disk: Disk, tmp_path: Path) -> None:
    package = tmp_path / "weekly.tar.gz"
    edms.json("trigger_backup", "--type", "EXPORT", "--output", str(package), "--no-encryption")
    before = documents(edms)
    disk.fill()
    shutil.rmtree(edms.media / "papers")
    assert edms.json("restore_backup", "--package", str(package), "--dry-run", "--no-safety-backup")["blocking"] == []
    disk.make_read_only()
    done = edms.json("restore_backup", "--package", str(package), "--no-safety-backup", "--yes")
    assert done["status"] == "COMPLETED"
    assert documents(edms) == before


def test_a_restore_that_is_killed_there_is_put_in_order_from_the_fallback(edms: Edms, disk: Disk) -> None:
    edms.json("trigger_backup", "--type", "FULL")
    before = documents(edms)
    disk.fill()
    disk.make_read_only()
    process = edms.start("restore_backup", "latest", "--no-safety-backup", "--yes")
    fallback = Path(edms.environment["BACKUP_FALLBACK_ROOT"])
    deadline = time.monotonic() + 30
    while not (found := list(fallback.rglob("restores/*.json"))):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, f"Waited 30 seconds for a journal below {fallback}; there is none"
        time.sleep(0.002)
    kill(process)
    assert json.loads(found[0].read_bytes())["state"] in {"staging", "swapping", "swapped", "finished"}
    listed = edms.run("restore_backup", "--list")
    assert "was cut off" in listed.stderr or "finished" in listed.stdout
    states = {one["state"] for one in edms.json("restore_backup", "--list")["restores"]}
    assert states <= {"undone", "finished"}
    assert documents(edms) == before


def test_a_fallback_folder_of_another_user_is_not_trusted(edms: Edms, disk: Disk) -> None:
    edms.json("trigger_backup", "--type", "FULL")
    fallback = Path(edms.environment["BACKUP_FALLBACK_ROOT"])
    fallback.mkdir()
    fallback.chmod(0o777)
    disk.fill()
    disk.make_read_only()
    refused = edms.run("restore_backup", "latest", "--no-safety-backup", "--yes", expect=1)
    assert "Neither" in refused.stderr
    assert list(fallback.rglob("*.json")) == []


@pytest.mark.restic
def test_each_step_of_the_documentation_frees_room_on_a_full_disk(edms: Edms, disk: Disk) -> None:
    create(edms)
    edms.add_files(8, size=1_000_000, folder="large")
    old = trigger(edms)
    assert (disk.path / ".reserve").stat().st_size == RESERVE
    shutil.rmtree(edms.media / "large")
    other, last = trigger(edms), trigger(edms)
    make_older(edms, old["job"], 31)
    disk.fill()

    assert "free" in edms.run("backup_health", expect=2).stdout
    plan = edms.json("backup_prune", "--dry-run")
    assert plan["repositories"][0]["freed_bytes"] > 7_000_000
    assert edms.json("trigger_backup", "--config", "nightly", expect=1)["status"] == "FAILED"

    done = edms.json("backup_prune", "--force")
    assert [one["job"].replace("-", "") for one in done["removed"]] == [old["job"].replace("-", "")]
    assert done["postponed"] == []
    assert done["freed_bytes"] > 7_000_000
    assert stored(edms) == {other["snapshot_id"], last["snapshot_id"]}

    disk.fill()
    edms.run("backup_jobs", "--remove", other["job"], "--yes")
    assert edms.json("backup_prune", "--force")["postponed"] == []
    assert stored(edms) == {last["snapshot_id"]}
    edms.run("manage_backup_configs", "--edit", "nightly", "--max-backups", "14")

    (disk.path / "filler").unlink()
    assert trigger(edms)["status"] == "COMPLETED"
    assert (disk.path / ".reserve").stat().st_size == RESERVE


@pytest.mark.restic
def test_a_storage_without_a_reserve_is_freed_too(edms: Edms, disk: Disk) -> None:
    """The lock itself finds no room; it is written as soon as the first snapshot is gone."""
    create(edms)
    first = trigger(edms)
    edms.add_files(8, size=1_000_000, folder="large")
    old = trigger(edms)
    shutil.rmtree(edms.media / "large")
    last = trigger(edms)
    make_older(edms, old["job"], 31)
    (disk.path / ".reserve").unlink()
    disk.fill()
    done = edms.json("backup_prune", "--force")
    assert len(done["removed"]) == 1
    assert done["postponed"] == []
    assert done["freed_bytes"] > 7_000_000
    assert stored(edms) == {first["snapshot_id"], last["snapshot_id"]}
    assert restic(edms, "list", "locks").strip() == ""


def test_a_read_only_storage_says_why_nothing_is_removed(edms: Edms, disk: Disk) -> None:
    create(edms)
    old = trigger(edms)
    trigger(edms)
    make_older(edms, old["job"], 31)
    disk.make_read_only()
    done = edms.run("backup_prune", "--force", expect=1)
    assert "Read-only file system" in done.stdout
    assert "a prune would free too little" not in done.stdout
