"""Retention of packages, and the space that comes back."""

from datetime import datetime
from pathlib import Path

import pytest
from tests.backup.testing.homes import (
    create,
    make_packs_older,
    packs,
    removed,
    restic,
    stored,
    taken,
    trigger,
)

pytestmark = pytest.mark.restic


def test_packages_inside_go_and_packages_outside_are_left_to_their_owner(edms, tmp_path):
    create(edms, "weekly", type="EXPORT", max_backups=1)
    outside = tmp_path / "mine.tar.gz.gpg"
    mine = edms.json("trigger_backup", "--config", "weekly", "--output", str(outside))
    first, second = trigger(edms, "weekly"), trigger(edms, "weekly")
    folder = edms.storage / "packages"
    assert [str(path) for path in folder.iterdir()] == [second["backup_file_path"]]
    assert not Path(first["backup_file_path"]).exists()
    assert outside.exists()
    refused = edms.run("backup_jobs", "--remove", mine["job"], "--yes", expect=2)
    assert "outside of the backup storage" in refused.stderr
    assert "was removed" in edms.run("verify_backup", first["job"], expect=1).stderr
    done = edms.json("backup_jobs", "--remove", second["job"], "--yes")
    assert done["removed_at"]
    assert list(folder.iterdir()) == []
    # Marked and deleted, and not said yet.
    edms.write("UPDATE backup_backupjob SET removed_at = NULL WHERE uuid = ?", second["job"].replace("-", ""))
    assert [one["job"] for one in edms.json("backup_prune")["removed"]] == [second["job"]]


def test_when_the_very_last_one_is_removed_its_space_comes_back_too(edms):
    job = edms.json("trigger_backup", "--type", "FILES")
    make_packs_older(edms)
    asked = edms.run("backup_jobs", "--remove", job["job"], "--dry-run")
    assert "Nothing was changed" in asked.stdout
    edms.run("backup_jobs", "--remove", job["job"], "--yes", "--reason", "made by mistake")
    assert removed(edms) == {job["snapshot_id"]: "made by mistake"}
    (place,) = edms.json("backup_prune", "--dry-run")["repositories"]
    assert place["freed_bytes"] == place["total_bytes"] == taken(edms)
    edms.run("backup_prune", "--force")
    assert taken(edms) == 0
    assert "nothing: no data is unused" in edms.run("backup_prune", "--force").stdout
    again = edms.json("trigger_backup", "--type", "FILES")
    assert stored(edms) == {again["snapshot_id"]}
    # Data stored today has to wait: the output says until when, and how much it is.
    edms.run("backup_jobs", "--remove", again["job"], "--yes")
    (place,) = edms.json("backup_prune", "--dry-run")["repositories"]
    done = edms.json("backup_prune", "--force")
    assert (done["freed_bytes"], done["pruned"]) == (0, [])
    assert done["waiting"] == [
        {"repository": str(edms.storage / "repository"), "bytes": taken(edms), "until": place["young_until"]}
    ]
    until = datetime.fromisoformat(place["young_until"])
    newest = max(path.stat().st_mtime for path in packs(edms))
    assert until.timestamp() == pytest.approx(newest + 86_400, abs=0.01)
    shown = edms.run("backup_prune", "--force").stdout
    assert f"freed from {until:%Y-%m-%d %H:%M} UTC on" in shown
    assert "nothing: all unused data is of the last 24 hours" in shown


def test_snapshots_that_are_lost_are_not_taken_for_removed(edms):
    job = edms.json("trigger_backup", "--type", "FILES")
    make_packs_older(edms)
    restic(edms, "forget", job["snapshot_id"])
    held = taken(edms)
    assert "has data but no snapshots" in edms.run("backup_prune", "--dry-run", expect=1).stderr
    assert "has data but no snapshots" in edms.run("backup_prune", "--force", expect=1).stdout
    assert taken(edms) == held
