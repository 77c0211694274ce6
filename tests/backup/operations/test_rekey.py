"""Another passphrase for everything, and a new repository under a new master key; judged by restic and gpg."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from tests.backup.testing.edms import CHEAP, PASSPHRASE, Edms, kill
from tests.backup.testing.homes import create, trigger

from strongroom.backends import LocalBackend
from strongroom.repository import Repository
from strongroom.repository.keys import add_key

NEW = "a horse of another colour"


@pytest.fixture
def keyed(edms: Edms, tmp_path: Path) -> Edms:
    """The passphrase comes from a file; the next one lies in another."""
    secret = tmp_path / "secrets" / "passphrase"
    secret.parent.mkdir()
    secret.write_text(f"{PASSPHRASE}\n")
    secret.chmod(0o640)
    (tmp_path / "next").write_text(f"{NEW}\n")
    del edms.environment["BACKUP_PASSWORD"]
    edms.environment["BACKUP_PASSWORD_FILE"] = str(secret)
    return edms


def rekey(edms: Edms, tmp_path: Path, *words: str, expect: int = 0) -> dict:
    return edms.json("backup_rekey", "--new-password-file", str(tmp_path / "next"), "--yes", *words, expect=expect)


def restic(repository: Path, passphrase: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["restic", "--no-cache", "--no-lock", "-r", str(repository), *words],
        env={"RESTIC_PASSWORD": passphrase, "PATH": os.environ["PATH"], "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )


def ids(repository: Path, passphrase: str) -> set[str]:
    assert restic(repository, passphrase, "check", "--read-data").returncode == 0
    return {one["id"] for one in json.loads(restic(repository, passphrase, "snapshots", "--json").stdout)}


def findings(edms: Edms) -> set[str]:
    return {one["id"] for one in edms.json("backup_health", expect=None)["findings"]}


def snapshot_of(edms: Edms, job: str) -> str:
    return edms.json("backup_jobs", "--show", job)["snapshot_id"]


@pytest.mark.restic
@pytest.mark.gpg
def test_a_new_passphrase_is_that_of_everything(keyed: Edms, tmp_path: Path) -> None:
    create(keyed)
    create(keyed, "weekly", type="EXPORT")
    first, package = trigger(keyed), trigger(keyed, "weekly")
    outside = tmp_path / "outside.tar.gz.gpg"
    keyed.json("trigger_backup", "--type", "EXPORT", "--output", str(outside))
    secret = Path(keyed.environment["BACKUP_PASSWORD_FILE"])
    before = {path: path.read_bytes() for path in keyed.storage.rglob("*") if path.is_file()}

    plan = rekey(keyed, tmp_path, "--dry-run")
    assert plan["packages"] == [package["backup_file_path"]]
    assert plan["packages_elsewhere"] == [str(outside)]
    assert plan["password_file"] == str(secret)
    assert any("master key" in text for text in plan["still_readable"])
    assert {path: path.read_bytes() for path in keyed.storage.rglob("*") if path.is_file()} == before
    assert secret.read_text().strip() == PASSPHRASE

    # One that is away would keep the old passphrase, which the file of the passphrase has no more then.
    place = Path(package["backup_file_path"])
    away = place.rename(tmp_path / "away")
    (said,) = rekey(keyed, tmp_path, "--dry-run", expect=1)["blocking"]
    assert str(place) in said
    away.rename(place)

    done = rekey(keyed, tmp_path)
    assert (done["failed"], done["next_steps"]) == ([], [])
    assert secret.read_text().strip() == NEW
    assert secret.stat().st_mode & 0o777 == 0o640
    repository = keyed.storage / "repository"
    assert ids(repository, NEW) == {first["snapshot_id"]}
    assert restic(repository, PASSPHRASE, "snapshots").returncode != 0
    opened = subprocess.run(
        ["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", NEW, "-d", package["backup_file_path"]],
        capture_output=True,
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
        check=False,
    )
    assert opened.stdout[:2] == b"\x1f\x8b"
    assert keyed.json("verify_backup", package["job"])["trust"] == "VERIFIED"
    assert trigger(keyed)["status"] == "COMPLETED"
    assert trigger(keyed, "weekly")["status"] == "COMPLETED"
    assert not findings(keyed) & {"backup.W026", "backup.W027", "backup.W028", "backup.W044", "backup.W045"}
    # The package elsewhere keeps the old passphrase, and counts as a backup no longer.
    (locked,) = (one for one in keyed.json("backup_health", expect=None)["findings"] if one["id"] == "backup.W040")
    assert locked["severity"] == "WARNING"
    assert outside.name in locked["what"]
    assert rekey(keyed, tmp_path, expect=1)["status"] == "FAILED"


def test_without_a_file_the_old_passphrase_stays_until_its_release(edms: Edms, tmp_path: Path) -> None:
    (tmp_path / "next").write_text(NEW)
    create(edms)
    trigger(edms)
    done = rekey(edms, tmp_path)
    assert [step.split()[0] for step in done["next_steps"]] == ["Have", "Then"]
    assert "backup.W044" in findings(edms)
    assert trigger(edms)["status"] == "COMPLETED"
    refused = edms.run("backup_rekey", "--release", "--yes", expect=1)
    assert "still gives the old passphrase" in refused.stderr
    late = edms.json("trigger_backup", "--type", "EXPORT")["backup_file_path"]
    edms.environment["BACKUP_PASSWORD"] = NEW
    refused = edms.run("backup_rekey", "--release", "--yes", expect=1)
    assert f"The package {late} was made after the change" in refused.stderr
    again = edms.json(
        "backup_rekey", "--new-password-file", str(tmp_path / "next"), "--yes", BACKUP_PASSWORD=PASSPHRASE
    )
    assert again["packages"] == [late]
    assert edms.json("verify_backup", late)["trust"] == "VERIFIED"
    assert len(edms.json("backup_rekey", "--release", "--dry-run")["keys"]) == 1
    assert len(edms.json("backup_rekey", "--release", "--yes")["keys"]) == 1
    assert "backup.W044" not in findings(edms)
    assert trigger(edms)["status"] == "COMPLETED"
    edms.run("trigger_backup", "--config", "nightly", expect=12, BACKUP_PASSWORD=PASSPHRASE)


@pytest.mark.restic
def test_a_new_repository_holds_everything_under_another_key(keyed: Edms, tmp_path: Path) -> None:
    create(keyed)
    first = trigger(keyed)
    keyed.add_files(3, folder="later")
    second = trigger(keyed)
    repository = keyed.storage / "repository"
    trees = {one["tree"] for one in json.loads(restic(repository, PASSPHRASE, "snapshots", "--json").stdout)}

    held = Repository.open(LocalBackend(repository), PASSPHRASE)
    for name in ("auditor", "recovery"):
        (tmp_path / name).write_text(f"the passphrase of the {name}\n")
        add_key(held.backend, held.master, f"the passphrase of the {name}", cost=CHEAP)
    keep = ("--keep-password-file", str(tmp_path / "recovery"))
    refused = rekey(keyed, tmp_path, "--new-repository", "--dry-run", *keep[:1], str(tmp_path / "next"), expect=1)
    assert "is taken along" in refused["blocking"][0]
    plan = rekey(keyed, tmp_path, "--new-repository", "--dry-run", *keep)
    assert [one["snapshots"] for one in plan["repositories"]] == [2]
    (left,) = plan["keys_left"]
    assert f"strongroom key add --repo {repository}" in left
    assert not (keyed.storage / ".repository.rekey").exists()
    done = rekey(keyed, tmp_path, "--new-repository", *keep)
    assert done["next_steps"][0] == left
    assert len(done["next_steps"]) == 2
    assert restic(repository, "the passphrase of the recovery", "snapshots").returncode == 0
    assert restic(repository, "the passphrase of the auditor", "snapshots").returncode != 0

    copies = ids(repository, NEW)
    assert copies == {snapshot_of(keyed, first["job"]), snapshot_of(keyed, second["job"])}
    assert not copies & {first["snapshot_id"], second["snapshot_id"]}
    copied = json.loads(restic(repository, NEW, "snapshots", "--json").stdout)
    assert {one["tree"] for one in copied} == trees
    assert {one["original"] for one in copied} == {first["snapshot_id"], second["snapshot_id"]}
    assert restic(repository, PASSPHRASE, "snapshots").returncode != 0
    [replaced] = keyed.storage.glob("repository-replaced-*")
    assert ids(replaced, PASSPHRASE) == {first["snapshot_id"], second["snapshot_id"]}
    found = findings(keyed)
    assert "backup.W045" in found
    assert not found & {"backup.W026", "backup.W027", "backup.W028", "backup.W044"}

    assert trigger(keyed)["status"] == "COMPLETED"
    assert keyed.json("verify_backup", first["job"])["trust"] == "VERIFIED"
    keyed.run("restore_backup", first["job"], "--to-folder", str(tmp_path / "rescue"))
    assert len(list((tmp_path / "rescue/files/media/papers").iterdir())) == 5

    released = keyed.json("backup_rekey", "--release", "--yes")
    assert released["repositories"] == [str(replaced)]
    assert not replaced.exists()
    assert "backup.W045" not in findings(keyed)


KILL = """
import os, sys
def watch(event, arguments):
    if event == "edms_backup.exchange" and os.environ.get("NO_EXCHANGE"):
        raise OSError(22, "no such call here")
    where = str(arguments[0]) if arguments else ""
    # Files inside of the copy get their names by renames, too.
    if event == "EVENT" and (where.endswith("WHERE") if event == "os.rename" else "WHERE" in where):
        os._exit(137)
sys.addaudithook(watch)
from django.core.management import call_command
call_command("backup_rekey", "--new-password-file", "NEXT", "--new-repository", "--yes", "--json")
"""
KILLS = {
    "before the exchange": ("edms_backup.exchange", ".repository.rekey"),
    "after the exchange": ("os.rename", ".repository.rekey"),
    "before the catalogue follows": ("os.scandir", "repository-replaced-"),
    "before the passphrase is handed over": ("tempfile.mkstemp", "passphrase"),
    "between two renames, where there is no exchange": ("os.rename", ".repository.rekey"),
}


def test_a_kill_around_the_exchange_is_completed_by_the_next_run(keyed: Edms, tmp_path: Path) -> None:
    create(keyed)
    trigger(keyed)
    for number, (name, (event, where)) in enumerate(KILLS.items()):
        home, secret = tmp_path / f"killed-{number}", tmp_path / f"secret-{number}" / "passphrase"
        shutil.copytree(keyed.home, home)
        secret.parent.mkdir()
        shutil.copy(keyed.environment["BACKUP_PASSWORD_FILE"], secret)
        killed = Edms(home, {**keyed.environment, "BACKUP_PASSWORD_FILE": str(secret)})
        script = KILL.replace("NEXT", str(tmp_path / "next")).replace("EVENT", event).replace("WHERE", where)
        away = "no exchange" in name
        killed.run("shell", "-v0", "-c", script, expect=137, NO_EXCHANGE="1" if away else None)
        assert (killed.storage / "repository").exists() is not away
        assert secret.read_text().strip() == PASSPHRASE
        rekey(killed, tmp_path, "--new-repository")
        assert secret.read_text().strip() == NEW
        [(kept,)] = killed.rows("SELECT snapshot_id FROM backup_backupjob")
        opened = Repository.open(LocalBackend(killed.storage / "repository"), NEW)
        assert [one.id for one in opened.snapshots()] == [kept]
        assert not (killed.storage / ".repository.rekey").exists()
        assert len(list(killed.storage.glob("repository-replaced-*"))) == 1


def test_a_copy_that_broke_off_goes_on(tmp_path: Path, keyed: Edms) -> None:
    create(keyed)
    for number in range(2):
        keyed.add_files(20, size=300_000, folder=str(number))
        trigger(keyed)
    process = keyed.start(
        "backup_rekey", "--new-password-file", str(tmp_path / "next"), "--new-repository", "--yes", "--json"
    )
    deadline = time.monotonic() + 60
    while not list((keyed.storage / ".repository.rekey").glob("data/*/*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "Waited 60 seconds for the first pack of .repository.rekey; there is none"
        time.sleep(0.005)
    kill(process)
    assert trigger(keyed)["status"] == "COMPLETED"
    rekey(keyed, tmp_path, "--new-repository")
    assert len(Repository.open(LocalBackend(keyed.storage / "repository"), NEW).snapshots()) == 3


def test_a_foreign_folder_in_the_way_is_left_alone(keyed: Edms, tmp_path: Path) -> None:
    create(keyed)
    trigger(keyed)
    Repository.init(LocalBackend(keyed.storage / ".repository.rekey"), "another", cost=CHEAP)
    refused = keyed.run(
        "backup_rekey", "--new-password-file", str(tmp_path / "next"), "--new-repository", "--yes", expect=1
    )
    assert "is no copy that was begun here" in refused.stderr
    assert Repository.open(LocalBackend(keyed.storage / ".repository.rekey"), "another").id
    assert trigger(keyed)["status"] == "COMPLETED"
