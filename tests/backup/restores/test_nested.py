"""File roots with a live database or the backups inside: all is restored in one go, around what stays."""

from __future__ import annotations

import datetime
import errno
import os
import shutil
import uuid
from pathlib import Path

import pytest

from apps.backup.errors import RestoreRefused, RestoreUnfinished
from apps.backup.restores.engines.files.engine import paths_beside
from apps.backup.restores.journal import Component, Journal, Kind, State
from apps.backup.restores.staging import stage
from apps.backup.restores.swap import complete_release, complete_rollback, recover, swap
from apps.backup.sources.files import stays_inside


def inodes(folder: Path) -> dict[str, int]:
    """The files of a repository, which are the same ones as before if nothing has moved them."""
    return {str(path): path.stat().st_ino for path in folder.rglob("*") if path.is_file()}


def test_a_root_that_holds_the_backups_and_the_database(sqlite_host):
    """As with MEDIA_ROOT = BASE_DIR, or one folder for all data: restored, and rolled back."""
    host = sqlite_host
    host.environment |= {"HOST_EXTRA_ROOT": str(host.home), "HOST_REBUILDS": "manage.py update_index"}
    checked = host.run("check", "--tag", "backup").stderr
    assert f"also contains the backup storage {host.storage}" in checked
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
    inner.chmod(0o770)
    data.chmod(0o711)
    # The application is another user than the one that restores.
    application = 12345 if os.geteuid() == 0 else os.geteuid()
    for path in (data, inner, *inner.iterdir()):
        os.chown(path, application, -1)
    host.environment |= {"HOST_EXTRA_ROOT": str(data), "HOST_NAME": str(inner / "db.sqlite3")}
    assert "backup.W025" not in host.run("check", "--tag", "backup").stderr
    backup = host.json("trigger_backup", "--type", "FULL")
    rows = host.dump()
    shutil.rmtree(data)

    host.run("restore_backup", backup["job"], "--yes", "--no-safety-backup")

    assert host.dump() == rows
    assert ((data / "a.txt").read_text(), (inner / "beside.txt").read_text()) == ("a", "beside the database")
    database = inner / "db.sqlite3"
    assert [path.stat().st_mode & 0o777 for path in (data, inner, database)] == [0o711, 0o770, 0o660]
    assert {path.stat().st_uid for path in (data, inner, database)} == {application}
    assert not [path for path in data.rglob("*") if ".edms-restore-" in path.name]


def staged_of(folder: Path, *stays: str) -> Component:
    component = paths_beside(Kind.CONTENTS, "root", folder / "live", folder / "staged")
    component.staged, component.stays = str(folder / "staged"), list(stays)
    return component


def test_files_in_the_place_of_kept_databases(tmp_path):
    """A backup of another time may hold a file where the live database or its folder is now."""
    staged = tmp_path / "staged"
    (staged / "in").mkdir(parents=True)
    (staged / "in/db").write_text("of another time")
    (note,) = stage.remove_conflicts(staged_of(tmp_path, "in/db"))
    assert (note.split(" ")[0], list(staged.rglob("*"))) == ("in/db", [staged / "in"])
    (staged / "out").write_text("a file")
    with pytest.raises(RestoreRefused, match="has a file out"):
        stage.remove_conflicts(staged_of(tmp_path, "out/in/db"))


def test_the_way_to_the_backups_stays_too(settings, tmp_path):
    """A link in a file root to another disk: without it the restore would lose its own journal."""
    root, disk = tmp_path / "root", tmp_path / "disk"
    for folder in (root, disk):
        folder.mkdir()
    settings.BACKUP_STORAGE_ROOT = root / "backups"
    settings.BACKUP_FALLBACK_ROOT = root / "fallback"
    assert stays_inside(root) == ["backups", "fallback"]
    (root / "backups").symlink_to(disk)
    assert stays_inside(root) == ["backups", "fallback"]


MARK = ".edms-restore-12345678"
STAYS = {"db": "live", "in/db": "live", "store/key": "live"}
OLD = {**STAYS, "a": "old", "in/b": "old", "only-old/c": "old"}
NEW = {**STAYS, "a": "new", "in/b": "new", "in/deep/d": "new", "only-new": "new"}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def read(folder: Path) -> dict[str, str]:
    """The files of a root, but those that a restore has put into it."""
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_text() for name, path in files.items() if MARK not in name}


def begun(root: Path, *, old: dict[str, str] = OLD) -> Journal:
    """The journal of a restore that has staged the new files of a root with two databases and the backups in it."""
    shutil.rmtree(root, ignore_errors=True)
    write(root, old)
    write(root / f"{MARK}.new", {name: content for name, content in NEW.items() if name not in STAYS})
    component = Component(
        kind=Kind.CONTENTS,
        name="data",
        live=str(root),
        staged=f"{root}/{MARK}.new",
        kept=f"{root}/{MARK}.old",
        had_live=bool(old),
        stays=["db", "db-wal", "in/db", "store"],
    )
    journal = Journal(
        restore=uuid.uuid4(),
        backup="a backup",
        backup_job=None,
        restore_type="FILES_RESTORE",
        state=State.STAGING,
        created_at=datetime.datetime.now(datetime.UTC),
        components=[component],
    )
    journal.save()
    return journal


@pytest.fixture
def failing(settings, tmp_path, monkeypatch):
    """Lets the rename of that number fail, as a disk does; 0 for none."""
    settings.BACKUP_STORAGE_ROOT = tmp_path / "storage"
    (settings.BACKUP_STORAGE_ROOT / "restores").mkdir(parents=True)
    left, rename = [0], Path.rename
    monkeypatch.setattr(os, "sync", lambda: None)

    def renamed(path: Path, target: Path) -> Path:
        if MARK in f"{path}{target}":
            left[0] -= 1
            if not left[0]:
                raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", renamed)
    return left


def test_a_rename_that_fails_in_a_swap_leaves_the_old_state(tmp_path, failing):
    root = tmp_path / "root"
    for number in range(1, 50):
        journal = begun(root)
        failing[0] = number
        try:
            swap(journal)
        except OSError:
            assert (read(root), journal.state, list(root.glob(f"{MARK}*"))) == (OLD, State.UNDONE, [])
        else:
            break
    assert number > 6
    kept = {name: content for name, content in OLD.items() if name not in STAYS}
    assert (read(root), read(Path(journal.components[0].kept))) == (NEW, kept)
    complete_release(journal)
    assert (read(root), list(root.glob(f"{MARK}*"))) == (NEW, [])


def test_a_rename_that_fails_in_a_rollback_is_completed_by_whatever_comes_next(tmp_path, failing):
    root = tmp_path / "root"
    for number in range(1, 50):
        journal = begun(root)
        failing[0] = 0
        swap(journal)
        failing[0] = number
        try:
            complete_rollback(journal)
        except RestoreUnfinished:
            assert len(recover(lambda _: None)) == 1
        else:
            break
        assert (read(root), list(root.glob(f"{MARK}*"))) == (OLD, [])
    assert number > 6


def test_where_nothing_was_nothing_is_kept(tmp_path, failing):
    """The folder and its mode come of the backup; what is staged of a database has made the folder before."""
    root = tmp_path / "root"
    journal = begun(root, old={})
    (root / "in").mkdir(mode=0o755)
    Path(f"{root}/{MARK}.new/in").chmod(0o750)
    Path(f"{root}/{MARK}.new").chmod(0o711)
    swap(journal)
    assert read(root) == {name: content for name, content in NEW.items() if name not in STAYS}
    assert [folder.stat().st_mode & 0o777 for folder in (root, root / "in")] == [0o711, 0o750]
    assert list(root.glob(f"{MARK}*")) == []
