"""A plan says what is different now: rows by table, files by root."""

import os
import shutil

import pytest

pytestmark = pytest.mark.slow


def differences(host, backup, *options):
    return host.json("restore_backup", backup, "--dry-run", *options)["differences"]


def test_a_plan_counts_rows_and_files_that_differ(host):
    backup = host.json("trigger_backup", "--type", "FULL")["job"]
    now = differences(host, backup)
    assert now == {
        "tables": [],
        "files": [{"root": "media", "comes_back": 0, "changes": 0, "goes_away": 0, "same": 60}],
        "unknown": [],
    }
    paths = sorted(host.media.rglob("*.bin"))
    paths[0].unlink()
    os.utime(paths[1])
    paths[2].write_bytes(b"shorter")
    (host.media / "new" / "deep").mkdir(parents=True)
    (host.media / "new" / "deep" / "file").write_bytes(b"new")
    # A file in place of a folder with files, and a folder in place of a file.
    content = paths[3].read_bytes()
    paths[3].unlink()
    paths[3].mkdir()
    (paths[3] / "inside").write_bytes(content)
    host.run(
        "shell", "-c", "from hostproject.models import *; Everything.objects.all().order_by('id')[:1].get().delete()"
    )

    now = differences(host, backup)
    assert now["files"] == [{"root": "media", "comes_back": 2, "changes": 2, "goes_away": 2, "same": 56}]
    assert {"database": "default", "table": "hostproject_everything", "backup": 60, "live": 59} in now["tables"]
    assert not [one for one in now["tables"] if one["table"].startswith("backup_")]
    # As text, and for a part alone.
    shown = host.run("restore_backup", backup, "--dry-run", "--only", "files").stdout
    assert "files media: 2 come back, 2 change, 2 go away, 56 stay as they are" in shown
    assert "hostproject_everything" not in shown
    host.run("restore_backup", backup, "--yes")
    assert differences(host, backup)["files"][0]["same"] == 60


def test_a_folder_in_place_of_a_file_and_a_root_that_is_gone(sqlite_host):
    host = sqlite_host
    backup = host.json("trigger_backup", "--type", "FILES")["job"]
    folder = next(path for path in sorted(host.media.iterdir()) if path.is_dir())
    inside = sum(1 for path in folder.rglob("*") if path.is_file())
    shutil.rmtree(folder)
    folder.write_bytes(b"a file")
    found = differences(host, backup)["files"][0]
    assert (found["comes_back"], found["goes_away"]) == (inside, 1)
    shutil.rmtree(host.media)
    # With nothing there, there is nothing to compare.
    assert differences(host, backup)["files"] == []


def test_packages_and_unreadable_databases_are_named(sqlite_host, tmp_path):
    host = sqlite_host
    host.run("trigger_backup", "--type", "FULL", "--output", str(tmp_path / "p.tar.gz"))
    found = differences(host, str(tmp_path / "p.tar.gz"))
    assert found["unknown"] == ["files media: the files of a package are compared while they are restored"]
    assert found["files"] == []


@pytest.mark.postgresql
def test_a_locked_table_does_not_hold_the_plan(postgres_host):
    host = postgres_host
    backup = host.json("trigger_backup", "--type", "FULL")["job"]
    with host.server.connect(host.name) as connection, connection.transaction():
        connection.execute("LOCK TABLE hostproject_twin IN ACCESS EXCLUSIVE MODE")
        (text,) = differences(host, backup)["unknown"]
    assert text.startswith("database default: ")
    assert "lock" in text


def test_files_alone_on_an_empty_machine_do_not_tell_of_a_restored_database(sqlite_host):
    backup = sqlite_host.json("trigger_backup", "--type", "FULL")["job"]
    tree = sqlite_host.tree()
    sqlite_host.destroy()
    result = sqlite_host.json("restore_backup", backup, "--only", "files", "--yes", "--no-safety-backup")
    (note,) = [note for note in result["notes"] if "backup_catalogue --rebuild" in note]
    assert note.startswith("the restore is not in the catalogue")
    assert sqlite_host.tree() == tree
