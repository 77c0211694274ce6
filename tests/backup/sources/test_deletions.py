"""An application that deletes files all the time: the backup has every file that its database names."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import time
import uuid
from pathlib import Path

import pytest
from django.core.files.base import ContentFile

from apps.backup.deferred_deletes import FOLDER, MARKER, DeferredDeletes, Held, hold_deletes
from apps.backup.sources.hard_links import hold_by_links, remove_dead_links

FILES = 1500
# Deletes 65 rows a second, each with its file, as applications do: those first that a backup reads last.
DELETING = """
import sys, time
from hostproject.models import Everything
rows = list(Everything.objects.filter(file__startswith="many/").order_by("-file"))
print("ready", flush=True)
until = time.monotonic()
for row in rows:
    row.delete()
    row.file.storage.delete(row.file.name)
    until += 1 / 65
    time.sleep(max(0, until - time.monotonic()))
"""


@pytest.fixture
def busy(sqlite_host):
    """A host with many files, each named by a row."""
    folder = sqlite_host.media / "many"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number:05}.bin").write_bytes(b"%d" % number * 50)
    script = (
        "from hostproject.models import Everything as E\n"
        f"E.objects.bulk_create([E(file=f'many/{{number:05}}.bin') for number in range({FILES})])"
    )
    sqlite_host.run("shell", "-v0", "-c", script)
    return sqlite_host


def backed_up_while_deleting(host, *arguments: str):
    """The job, and how many files were left when it ended."""
    deleting = host.start("shell", "-v0", "-c", DELETING)
    try:
        assert deleting.stdout is not None
        while deleting.stdout.readline().strip() != "ready":
            assert deleting.poll() is None
        job = host.json("trigger_backup", *arguments, expect=None)
    finally:
        deleting.kill()
        deleting.communicate()
    left = len(list((host.media / "many").iterdir()))
    assert left < FILES - 65, "the application has deleted all the time"
    return job


def dangling(host, job, folder: Path) -> list[str]:
    """Files that the database of a backup names, and that the backup does not hold."""
    host.run("restore_backup", job["job"], "--to-folder", str(folder))
    with sqlite3.connect(next(folder.glob("databases/*/*.sqlite3"))) as connection:
        rows = connection.execute("SELECT file FROM hostproject_everything WHERE file LIKE 'many/%'").fetchall()
    connection.close()
    assert rows
    return [name for (name,) in rows if not (folder / "files/media" / name).exists()]


def test_deferred_deletes_are_in_the_backup(busy, tmp_path):
    busy.environment["HOST_DEFERS_DELETES"] = "1"
    job = backed_up_while_deleting(busy, "--type", "FULL")
    shown = busy.json("backup_jobs", "--show", job["job"])

    assert (job["status"], job["trust"]) == ("COMPLETED", "VERIFIED"), str(job)
    assert dangling(busy, job, tmp_path / "out") == []
    assert not any("another pass" in line for line in shown["warnings"])
    assert list((busy.media / FOLDER).iterdir()) == []
    assert not (tmp_path / "out/files/media" / FOLDER).exists()


def test_another_pass_takes_what_was_deleted_from_the_one_before(busy, tmp_path):
    job = backed_up_while_deleting(busy, "--type", "FULL")
    shown = busy.json("backup_jobs", "--show", job["job"])

    assert (job["status"], job["trust"]) == ("COMPLETED", "VERIFIED"), str(job)
    assert any("another pass was made" in line for line in shown["warnings"])
    assert dangling(busy, job, tmp_path / "out") == []
    assert len(list((busy.storage / "repository/snapshots").iterdir())) == 1, "the first pass is no backup of its own"


def test_a_package_is_written_again_with_what_is_deleted_held_by_links(busy, tmp_path):
    output = tmp_path / "export.tar.gz.gpg"
    job = backed_up_while_deleting(busy, "--type", "EXPORT", "--output", str(output))
    shown = busy.json("backup_jobs", "--show", job["job"])
    busy.run("restore_backup", "--package", str(output), "--to-folder", str(tmp_path / "out"))
    rows = (tmp_path / "out/data/hostproject_everything.ndjson").read_text()

    assert (job["status"], job["trust"]) == ("COMPLETED", "VERIFIED"), str(job)
    assert any("another pass was made" in line for line in shown["warnings"])
    named = re.findall(r"many/\d+\.bin", rows)
    assert len(named) > 65
    assert [name for name in named if not (tmp_path / "out/files/media" / name).exists()] == []
    assert not (busy.media / FOLDER).exists(), "the links are gone"


def test_links_hold_what_is_made_and_deleted_between_two_passes(tmp_path):
    location = tmp_path / "media"
    (location / "a").mkdir(parents=True)
    (location / "a/old").write_text("in the snapshot of the pass before")
    held, job = Held(), uuid.uuid4()
    since = (location / "a/old").stat().st_ctime + 0.01
    time.sleep(0.02)
    (location / "a/before").write_text("before the consistency point")
    with hold_by_links(held, [location], job, since=since) as link_again:
        (location / "a/between").write_text("at it")
        link_again()
        for name in ("old", "before", "between"):
            (location / "a" / name).unlink()
        found = {name: held.find(os.fsencode(location / "a" / name)) for name in ("old", "before", "between")}
        texts = {name: path and Path(os.fsdecode(path)).read_text() for name, path in found.items()}
    assert texts == {"old": None, "before": "before the consistency point", "between": "at it"}
    assert [path.name for path in location.iterdir()] == ["a"]
    # Leftovers of a killed job do not keep deleted files for long.
    (location / FOLDER / str(job)).mkdir(parents=True)
    remove_dead_links([location])
    assert [path.name for path in location.iterdir()] == ["a"]


def test_a_row_that_was_dangling_before_makes_no_other_pass(busy):
    (busy.media / "many/00007.bin").unlink()
    job = busy.json("trigger_backup", "--type", "FULL", expect=None)
    shown = busy.json("backup_jobs", "--show", job["job"])

    assert job["status"] == "INCOMPLETE"
    ((problems,),) = busy.rows("SELECT problems FROM backup_backupjob")
    assert [Path(one["path"]).name for one in json.loads(problems)] == ["00007.bin"]
    assert not any("another pass" in line for line in shown["warnings"])


def test_a_storage_holds_while_a_job_runs_and_only_then(tmp_path):
    storage = DeferredDeletes(location=tmp_path)
    for name in ("before", "a/during", "after"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    storage.delete("before")
    with hold_deletes([tmp_path], uuid.uuid4()) as one, hold_deletes([tmp_path], uuid.uuid4()) as other:
        path = os.fsencode(tmp_path / "a/during")
        storage.delete("a/during")
        gone = not storage.exists("a/during")
        storage.save("a/during", ContentFile("later"))
        storage.delete("a/during")
        kept = [Path(os.fsdecode(held.find(path))).read_text() for held in (one, other)]
        names = [list(held.names(os.fsencode(tmp_path))) for held in (one, other)]
    storage.delete("after")

    assert gone
    assert kept == ["a/during"] * 2, "what was there when the jobs began, and not what came later"
    assert names == [[b"a"]] * 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [FOLDER, "a"]
    assert list((tmp_path / FOLDER).iterdir()) == list((tmp_path / "a").iterdir()) == []


def test_leftovers_of_killed_jobs_go_with_the_next(tmp_path):
    dead = tmp_path / FOLDER / str(uuid.uuid4())
    dead.mkdir(parents=True)
    (dead / MARKER).touch()
    (dead / "held").touch()
    (tmp_path / "file").touch()
    DeferredDeletes(location=tmp_path).delete("file")
    after_delete = sorted(path.name for path in dead.iterdir())
    with hold_deletes([tmp_path], uuid.uuid4()):
        remaining = dead.exists()
    assert after_delete == [MARKER, "held"]
    assert not (tmp_path / "file").exists()
    assert not remaining
