"""A restore brings back every row of every table and every file, on both databases."""

import re
import shutil

from tests.backup.testing.hosting import Host


def change(host: Host) -> None:
    """Another state than the one that was backed up."""
    host.run("shell", "-c", "from hostproject.models import *; Everything.objects.filter(pk__lt=20).delete()")
    shutil.rmtree(host.media / "host")
    (host.media / "new.txt").write_text("new")


def test_live_system_is_what_it_was(host):
    rows, files = host.dump(), host.tree()
    backup = host.json("trigger_backup", "--type", "FULL")
    assert backup["status"] == "COMPLETED"
    change(host)
    assert host.dump() != rows

    result = host.json("restore_backup", backup["job"], "--yes")

    assert result["status"] == "COMPLETED"
    assert host.dump() == rows
    assert host.tree() == files
    jobs = host.run("shell", "-c", "from apps.backup.models import *; print(*BackupJob.objects.values_list('trigger'))")
    assert "PRE_RESTORE" in jobs.stdout


def test_after_the_loss_of_everything(host):
    rows, files = host.dump(), host.tree()
    backup = host.json("trigger_backup", "--type", "FULL")
    host.destroy()

    result = host.json("restore_backup", "latest", "--yes")

    assert result["job"] == backup["job"]
    assert result["replaced"] == []
    assert host.dump() == rows
    assert host.tree() == files
    state = host.run(
        "shell",
        "-c",
        "from apps.backup.models import *; print(BackupJob.objects.get().status, RestoreJob.objects.get().status)",
    )
    assert state.stdout.split()[-2:] == ["COMPLETED", "COMPLETED"]


def test_twice_equals_once_and_sequences_go_on(host):
    backup = host.json("trigger_backup", "--type", "FULL")
    host.json("restore_backup", backup["job"], "--yes", "--no-safety-backup")
    once, files = host.dump(), host.tree()
    host.json("restore_backup", backup["job"], "--yes", "--no-safety-backup")
    assert (host.dump(), host.tree()) == (once, files)

    made = host.run("shell", "-c", "from hostproject.models import *; print('pk', Everything.objects.create().pk)")
    assert made.stdout.split()[-1] == "61"


def test_only_one_part(host):
    rows, files = host.dump(), host.tree()
    backup = host.json("trigger_backup", "--type", "FULL")
    change(host)
    changed_rows = host.dump()

    host.json("restore_backup", backup["job"], "--yes", "--only", "files", "--no-safety-backup")
    assert host.tree() == files
    assert host.dump() == changed_rows

    host.json("restore_backup", backup["job"], "--yes", "--only", "database", "--no-safety-backup")
    assert host.dump() == rows


def test_rollback_and_release(host, tmp_path):
    backup = host.json("trigger_backup", "--type", "FULL")
    change(host)
    rows, files = host.dump(), host.tree()
    first = host.json("restore_backup", backup["job"], "--yes", "--no-safety-backup")
    assert len(host.leftovers()) == 2

    (host.media / "since.txt").write_text("written after the restore")

    rolled = host.json("restore_backup", "--rollback", first["restore"], "--yes")

    (note,) = rolled.pop("notes")
    assert rolled == {"restore": first["restore"], "status": "rolled-back"}
    assert (host.dump(), host.tree()) == (rows, files)
    # Later writes are deleted, and are in the backup that the note names.
    job = re.fullmatch(r"the live state was backed up first, as job (\S+) \(COMPLETED\)", note)[1]
    host.json("restore_backup", job, "--to-folder", str(tmp_path / "out"))
    assert (tmp_path / "out/files/media/since.txt").read_text() == "written after the restore"
    assert host.leftovers() == []
    state = "from apps.backup.models import *; print(RestoreJob.objects.get(target='live').rollback_state)"
    assert host.run("shell", "-c", state).stdout.split()[-1] == "ROLLED_BACK"
    host.run("restore_backup", "--rollback", first["restore"], "--yes", expect=1)

    second = host.json("restore_backup", backup["job"], "--yes", "--no-safety-backup")
    shown = host.run("restore_backup", "--list", "--no-header")
    (line,) = shown.stdout.splitlines()
    assert line.startswith(f"{second['restore']}\tfinished\t")
    assert line.split("\t")[-1].split(", ") == [part["kept"] for part in second["replaced"]]
    assert "1 earlier restore keeps nothing any more" in shown.stderr
    host.json("restore_backup", "--release", second["restore"], "--yes")
    assert host.leftovers() == []
    listed = [(row["restore"], row["state"], row["kept"]) for row in host.json("restore_backup", "--list")["restores"]]
    assert listed == [(first["restore"], "rolled-back", []), (second["restore"], "released", [])]
    assert host.run("restore_backup", "--list").stdout == ""


def test_a_package_comes_back(host, tmp_path):
    rows, files = host.dump(), host.tree()
    package = tmp_path / "out.tar.gz"
    host.json("trigger_backup", "--type", "FULL", "--output", str(package))
    assert package.stat().st_mode & 0o777 == 0o600
    host.destroy()

    host.json("restore_backup", str(package), "--yes")

    assert host.dump() == rows
    assert host.tree() == files


def test_to_folder_touches_nothing_live(host, tmp_path):
    backup = host.json("trigger_backup", "--type", "FULL")
    rows, files = host.dump(), host.tree()
    target = tmp_path / "target"

    host.json("restore_backup", backup["job"], "--to-folder", str(target))

    assert (target / "manifest.json").is_file()
    restored = {str(path.relative_to(target / "files/media")) for path in (target / "files/media").rglob("*")}
    assert restored == set(files)
    assert (host.dump(), host.tree()) == (rows, files)
    answer = host.json("restore_backup", backup["job"], "--to-folder", str(target), expect=1)
    assert "is not empty" in answer["error"]


def test_dry_run_changes_nothing(host):
    backup = host.json("trigger_backup", "--type", "FULL")
    change(host)
    rows, files = host.dump(), host.tree()

    plan = host.json("restore_backup", backup["job"], "--dry-run")

    assert plan["blocking"] == []
    assert {one["kind"] for one in plan["replacements"]} == {"database", "files"}
    assert plan["space"][0]["available"] > plan["space"][0]["needed"] > 0
    assert (host.dump(), host.tree()) == (rows, files)
    assert host.leftovers() == []


def test_without_a_terminal_it_wants_yes(host):
    backup = host.json("trigger_backup", "--type", "FULL")
    rows = host.dump()
    refused = host.run("restore_backup", backup["job"], expect=1)
    assert "--yes" in refused.stderr
    assert host.dump() == rows


def test_a_busy_writer_does_not_tear_rows_from_files(host):
    writer = host.start("host_write")
    try:
        assert writer.stdout.readline() == "writing\n"
        backup = host.json("trigger_backup", "--type", "FULL")
    finally:
        writer.kill()
        writer.communicate()
    assert backup["status"] == "COMPLETED", backup
    written = int(host.run("host_check").stdout)

    host.json("restore_backup", backup["job"], "--yes", "--no-safety-backup")

    assert 0 < int(host.run("host_check").stdout) < written
