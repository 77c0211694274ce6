"""File roots with a live database or the backups inside: all is restored in one go, around what stays."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from apps.backup.restores import beside
from apps.backup.restores.errors import RestoreRefused
from apps.backup.restores.journal import Component, Kind


def inodes(folder: Path) -> dict[str, int]:
    """The files of a repository, which are the same ones as before if nothing has moved them."""
    return {str(path): path.stat().st_ino for path in folder.rglob("*") if path.is_file()}


def test_a_root_that_holds_the_backups_and_the_database(sqlite_host):
    """As with MEDIA_ROOT = BASE_DIR, or one folder for all data: restored, rolled back, restored and released."""
    host = sqlite_host
    host.environment |= {"HOST_EXTRA_ROOT": str(host.home), "HOST_REBUILDS": "manage.py update_index"}
    checked = host.run("check", "--tag", "backup").stderr
    assert f"also holds the backup storage {host.storage}" in checked
    backup = host.json("trigger_backup", "--type", "FULL")
    rows, files, stored = host.dump(), host.tree(), inodes(host.storage / "repository")
    host.write("UPDATE hostproject_everything SET char = 'later'")
    next(host.media.rglob("*.bin")).unlink()
    (host.home / "later").write_text("not in the backup")
    later = (host.dump(), host.tree())

    plan = host.json("restore_backup", backup["job"], "--dry-run")
    (root,) = [one for one in plan["replacements"] if one["kind"] == "files"]
    assert root["notes"] == [
        f"replaced around the backup storage {host.storage}",
        f"replaced around the database 'default' ({host.database})",
    ]
    done = host.json("restore_backup", backup["job"], "--yes")

    assert done["notes"][-1] == "rebuild now: manage.py update_index"
    assert (host.dump(), host.tree(), (host.home / "later").exists()) == (rows, files, False)
    assert stored.items() <= inodes(host.storage / "repository").items()
    assert len(host.leftovers()) == 2

    undone = host.json("restore_backup", "--rollback", done["restore"], "--yes", "--no-safety-backup")
    assert undone["notes"][-1] == "rebuild now: manage.py update_index"
    assert (host.dump(), host.tree(), (host.home / "later").read_text()) == (*later, "not in the backup")
    assert host.leftovers() == []

    again = host.json("restore_backup", backup["job"], "--yes", "--no-safety-backup", "--only", "files")
    assert (host.dump(), host.tree(), (host.home / "later").exists()) == (later[0], files, False)
    host.run("restore_backup", "--release", again["restore"], "--yes")
    assert (host.leftovers(), (host.home / "later").exists()) == ([], False)
    assert stored.items() <= inodes(host.storage / "repository").items()


def test_an_empty_machine_whose_database_lies_below_a_root(sqlite_host):
    host = sqlite_host
    data, inner = host.home / "data", host.home / "data/in"
    inner.mkdir(parents=True)
    for suffix in ("", "-wal", "-shm"):
        side = Path(f"{host.home}/edms.sqlite3{suffix}")
        if side.exists():
            side.rename(inner / f"db.sqlite3{suffix}")
    (inner / "beside.txt").write_text("beside the database")
    (data / "a.txt").write_text("a")
    inner.chmod(0o750)
    data.chmod(0o711)
    host.environment |= {"HOST_EXTRA_ROOT": str(data), "HOST_NAME": str(inner / "db.sqlite3")}
    assert "backup.W025" not in host.run("check", "--tag", "backup").stderr
    backup = host.json("trigger_backup", "--type", "FULL")
    rows = host.dump()
    shutil.rmtree(data)

    host.run("restore_backup", backup["job"], "--yes", "--no-safety-backup")

    assert host.dump() == rows
    assert ((data / "a.txt").read_text(), (inner / "beside.txt").read_text()) == ("a", "beside the database")
    assert [folder.stat().st_mode & 0o777 for folder in (data, inner)] == [0o711, 0o750]
    assert not [path for path in data.rglob("*") if ".edms-restore-" in path.name]


def staged_of(folder: Path, *stays: str) -> Component:
    component = beside.paths(Kind.CONTENTS, "root", folder / "live", folder / "staged")
    component.staged, component.stays = str(folder / "staged"), list(stays)
    return component


def test_what_would_take_the_place_of_what_stays(tmp_path):
    """A backup of another time may hold a file where the live database or its folder is now."""
    staged = tmp_path / "staged"
    (staged / "in").mkdir(parents=True)
    (staged / "in/db").write_text("of another time")
    (note,) = beside.without_what_stays(staged_of(tmp_path, "in/db"))
    assert (note.split(" ")[0], list(staged.rglob("*"))) == ("in/db", [staged / "in"])
    (staged / "out").write_text("a file")
    with pytest.raises(RestoreRefused, match="has a file out"):
        beside.without_what_stays(staged_of(tmp_path, "out/in/db"))
