"""The commands as a user gives them: real processes, a real database, real repositories."""

import dataclasses
import json
import os
import shutil
import tarfile
import time
import uuid

import pytest
from tests.backup.testing.edms import PASSPHRASE

from strongroom.backends import LocalBackend
from strongroom.repository import Repository

WITHOUT_PASSPHRASE = {"BACKUP_PASSWORD": None}
RESULT_KEYS = {
    "job",
    "status",
    "type",
    "snapshot_id",
    "backup_file_path",
    "backup_size",
    "stored_size",
    "new_files",
    "changed_files",
    "unchanged_files",
    "duration_seconds",
    "warnings",
    "problems",
}


def add_configuration(edms, name: str, **values) -> None:
    script = (
        "from apps.backup.services.configurations import *\n"
        f"configuration_create(ConfigurationValues(name={name!r}, **{values!r}))"
    )
    edms.run("shell", "-c", script)


def test_full_then_incremental_then_differential(new_edms):
    full = new_edms.json("trigger_backup", "--type", "FULL")
    assert full.keys() >= RESULT_KEYS
    assert (full["status"], full["type"], full["warnings"], full["problems"]) == ("COMPLETED", "FULL", [], [])
    assert full["new_files"] == 5 + 3  # the files, the database, the titles of documents, the manifest
    new_edms.add_files(3, folder="more")
    incremental = new_edms.json("trigger_backup", "--type", "INCREMENTAL")
    assert (incremental["unchanged_files"], incremental["new_files"]) == (5 + 1, 3)  # there are no titles, as before
    differential = new_edms.json("trigger_backup", "--type", "DIFFERENTIAL")
    assert (differential["unchanged_files"], differential["new_files"]) == (5 + 1, 3)
    second = new_edms.json("trigger_backup", "--type", "INCREMENTAL")
    assert second["unchanged_files"] == 8 + 1
    assert {full["job"], incremental["job"], differential["job"], second["job"]} == {
        row[0] for row in _uuids(new_edms, "status = 'COMPLETED' AND trust = 'VERIFIED'")
    }


def _uuids(edms, condition: str) -> list[tuple[str]]:
    rows = edms.rows(f"SELECT uuid FROM backup_backupjob WHERE {condition}")
    return [(str(uuid.UUID(row[0])),) for row in rows]


def test_an_incremental_without_a_parent_reads_all_and_says_so(edms):
    result = edms.json("trigger_backup", "--type", "INCREMENTAL")
    assert result["status"] == "COMPLETED"
    assert (result["new_files"], result["unchanged_files"]) == (8, 0)
    assert "to build on" in result["warnings"][0]


def test_a_differential_does_not_build_on_an_incremental(edms):
    edms.json("trigger_backup", "--type", "INCREMENTAL")
    result = edms.json("trigger_backup", "--type", "DIFFERENTIAL")
    assert result["unchanged_files"] == 0
    assert "good FULL backup" in result["warnings"][0]


def test_a_backup_of_a_configuration_does_not_build_on_an_ad_hoc_one(edms):
    add_configuration(edms, "nightly", backup_type="INCREMENTAL")
    edms.json("trigger_backup", "--type", "FULL")
    first = edms.json("trigger_backup", "--config", "nightly")
    assert "'nightly'" in first["warnings"][0]
    assert edms.json("trigger_backup", "--config", "nightly")["unchanged_files"] == 5 + 1


def test_database_and_files_are_what_they_say(edms):
    database = edms.json("trigger_backup", "--type", "DATABASE")
    files = edms.json("trigger_backup", "--type", "FILES")
    assert (database["new_files"], files["new_files"]) == (2, 6)


def test_encryption_compression_and_path_do_what_they_say(edms):
    text = b"The quick brown fox jumps over the lazy dog. " * 4000
    (edms.media / "fox.txt").write_bytes(text)
    add_configuration(
        edms, "plain", storage_path="team/a", encryption_enabled=False, compression_enabled=False, backup_type="FILES"
    )
    sealed = edms.json("trigger_backup", "--type", "FILES")
    plain = edms.json("trigger_backup", "--config", "plain", **WITHOUT_PASSPHRASE)
    assert sealed["stored_size"] < len(text) / 2 < plain["stored_size"]
    assert (edms.storage / "repository" / "config").is_file()
    assert (edms.storage / "team" / "a" / "repository-unencrypted" / "config").is_file()
    assert not (edms.storage / "team" / "a" / "repository").exists()
    edms.json("verify_backup", plain["job"], **WITHOUT_PASSPHRASE)
    assert "No passphrase" in edms.run("verify_backup", sealed["job"], expect=1, **WITHOUT_PASSPHRASE).stderr


def test_no_passphrase_no_encrypted_backup_and_nothing_changed(new_edms):
    done = new_edms.run("trigger_backup", "--type", "FULL", expect=1, **WITHOUT_PASSPHRASE)
    assert "BACKUP_PASSWORD_FILE" in done.stderr
    assert new_edms.rows("SELECT * FROM backup_backupjob") == []
    assert not new_edms.storage.exists() or list(new_edms.storage.iterdir()) == []


def test_a_wrong_passphrase_has_its_exit_code(edms):
    edms.run("trigger_backup", "--type", "FILES")
    changed = {"BACKUP_PASSWORD": "wrong"}
    result = edms.json("trigger_backup", "--type", "FILES", expect=12, **changed)
    assert result["status"] == "FAILED"
    assert "passphrase" in result["error"]
    assert edms.rows("SELECT error_message FROM backup_backupjob WHERE status = 'FAILED'") == [(result["error"],)]
    edms.run("verify_backup", "latest", expect=12, **changed)


def test_a_missing_repository_has_its_exit_code(edms):
    job = edms.json("trigger_backup", "--type", "FILES")["job"]
    shutil.rmtree(edms.storage / "repository")
    assert "no repository" in edms.run("verify_backup", job, expect=10).stderr


def test_the_passphrase_shows_nowhere(edms):
    secret = edms.environment["BACKUP_PASSWORD"]
    seen = []
    for arguments in (
        ["trigger_backup", "--type", "FULL"],
        ["trigger_backup", "--type", "FULL", "--dry-run"],
        ["verify_backup", "latest"],
        ["check"],
    ):
        done = edms.run(*arguments)
        seen.append(done.stdout + done.stderr)
    dump = edms.run("dumpdata").stdout
    assert "backup.backupjob" in dump
    assert all(secret not in text for text in [*seen, dump])
    assert secret.encode() not in edms.database.read_bytes()


def test_a_package(edms, tmp_path):
    path = tmp_path / "out.tar.gz"
    done = edms.run("trigger_backup", "--type", "EXPORT", "--output", str(path), "--json", **WITHOUT_PASSPHRASE)
    assert "not encrypted" in done.stderr
    result = json.loads(done.stdout)
    assert (result["status"], result["snapshot_id"], result["backup_file_path"]) == ("COMPLETED", "", str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as tar:
        names = set(tar.getnames())
    assert {"manifest.json", "data/documents_document.ndjson", "files/media/papers/paper-00004.bin"} <= names
    assert edms.json("verify_backup", str(path))["job"] == result["job"]
    before = path.read_bytes()
    assert "not overwritten" in edms.run("trigger_backup", "--type", "FULL", "--output", str(path), expect=2).stderr
    assert path.read_bytes() == before
    damaged = bytearray(before)
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    found = edms.json("verify_backup", str(path), expect=1)
    assert found["trust"] == "DAMAGED"
    assert found["findings"]


def test_an_encrypting_configuration_writes_no_plain_package_unasked(edms, tmp_path):
    add_configuration(edms, "nightly")
    path = tmp_path / "out.tar.gz"
    refused = edms.run("trigger_backup", "--config", "nightly", "--output", str(path), expect=2)
    assert "--no-encryption" in refused.stderr
    assert not path.exists()
    edms.run("trigger_backup", "--config", "nightly", "--output", str(path), "--no-encryption")
    assert path.exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "--type --config"),
        (["--type", "HALF"], "invalid choice"),
        (["--type", "FULL", "--config", "x"], "not allowed"),
        (["--type", "FULL", "--output", "out.zip"], ".tar.gz"),
        (["--type", "FULL", "--output", "/nowhere/out.tar.gz"], "/nowhere"),
    ],
)
def test_wrong_usage(edms, arguments, says):
    assert says in edms.run("trigger_backup", *arguments, expect=2).stderr
    assert edms.rows("SELECT * FROM backup_backupjob") == []


def test_a_dry_run_says_what_it_would_do_and_does_nothing(new_edms):
    plan = new_edms.json("trigger_backup", "--type", "FULL", "--dry-run")
    assert plan["databases"] == ["default"]
    assert plan["passphrase_source"] == "BACKUP_PASSWORD"
    assert not plan["repository_exists"]
    assert not new_edms.storage.exists() or list(new_edms.storage.iterdir()) == []
    assert new_edms.rows("SELECT * FROM backup_backupjob") == []
    full = new_edms.json("trigger_backup", "--type", "FULL")
    plan = new_edms.json("trigger_backup", "--type", "DIFFERENTIAL", "--dry-run")
    assert plan["parent"] == full["snapshot_id"]
    assert new_edms.rows("SELECT count(*) FROM backup_backupjob") == [(1,)]


def test_names_cannot_forge_lines(edms):
    """A reason that came over HTTP is shown on the terminal of the server's administrator."""
    add_configuration(edms, "plain", encryption_enabled=False)
    job = edms.json("trigger_backup", "--config", "plain")["job"]
    evil = "why\x1b[2J\nstatus: FAILED\tx\u202e"
    edms.run("backup_jobs", "--pin", job, "--reason", evil)
    edms.write("UPDATE backup_jobevent SET text = ?", evil)
    edms.write("UPDATE backup_backupjob SET warnings = ?", json.dumps([evil, "a second"]))
    for arguments in (
        ["backup_jobs", "--show", job],
        ["backup_jobs", "--log", job],
        ["backup_prune", "--dry-run", "--all"],
    ):
        said = edms.run(*arguments).stdout
        assert r"why\x1b[2J\nstatus: FAILED\tx\u202e" in said
        assert not {"\x1b", "\u202e"} & set(said)
        assert "\nstatus: FAILED" not in said
    assert "  a second" in edms.run("backup_jobs", "--show", job).stdout.splitlines()


def test_a_missing_referenced_file_makes_the_job_incomplete(edms):
    # Root reads everything, so what cannot be read is a root that was there, and is not any more.
    edms.json("trigger_backup", "--type", "FULL")
    shutil.rmtree(edms.media)
    result = edms.json("trigger_backup", "--type", "FULL", expect=3)
    assert result["status"] == "INCOMPLETE"
    assert result["problems"][0]["path"] == str(edms.media)
    assert "INCOMPLETE" in edms.run("trigger_backup", "--type", "FULL", expect=3).stdout
    assert edms.json("verify_backup", result["job"])["trust"] == "VERIFIED"


def test_damage_is_found_named_and_remembered(edms):
    (edms.media / "big.bin").write_bytes(os.urandom(300_000))
    job = edms.json("trigger_backup", "--type", "FULL")["job"]
    pack = max((edms.storage / "repository" / "data").rglob("*"), key=lambda path: path.stat().st_size)
    content = bytearray(pack.read_bytes())
    content[1000] ^= 4
    pack.chmod(0o600)
    pack.write_bytes(content)
    found = edms.json("verify_backup", "latest", expect=1)
    assert (found["job"], found["trust"]) == (job, "DAMAGED")
    assert pack.name[:8] in " ".join(found["findings"])
    assert edms.rows("SELECT trust FROM backup_backupjob") == [("DAMAGED",)]
    # A damaged backup is no parent.
    assert "to build on" in edms.json("trigger_backup", "--type", "INCREMENTAL", "--dry-run")["warnings"][0]


def test_latest_says_that_newer_jobs_failed(edms):
    edms.json("trigger_backup", "--type", "FILES")
    edms.run("trigger_backup", "--type", "FILES", expect=12, **{"BACKUP_PASSWORD": "wrong"})
    done = edms.json("verify_backup", "latest")
    assert "FAILED" in done["notes"][0]


def test_latest_is_not_one_that_is_known_to_be_damaged(edms):
    good = edms.json("trigger_backup", "--type", "FILES")
    (edms.media / "new.bin").write_bytes(os.urandom(5000))
    packs = set((edms.storage / "repository" / "data").rglob("*"))
    bad = edms.json("trigger_backup", "--type", "FULL")
    for pack in set((edms.storage / "repository" / "data").rglob("*")) - packs:
        if pack.is_file():
            pack.unlink()
    assert edms.json("verify_backup", bad["job"], expect=1)["trust"] == "DAMAGED"
    found = edms.json("verify_backup", "latest")
    assert (found["job"], found["trust"]) == (good["job"], "VERIFIED")
    assert "is DAMAGED: this is the newest backup before it" in found["notes"][0]
    # Without another backup, a damaged one is better than nothing.
    edms.write("UPDATE backup_backupjob SET trust = 'DAMAGED'")
    assert edms.json("verify_backup", "latest", expect=1)["job"] == bad["job"]


def test_snapshots_of_failed_jobs_are_not_called_unknown(edms):
    made = edms.json("trigger_backup", "--type", "FILES")
    edms.write("UPDATE backup_backupjob SET status = 'FAILED', trust = 'DAMAGED', error_message = 'bits are flipped'")
    note, choice = edms.json("verify_backup", "latest")["notes"]
    assert choice.startswith("No backup is better than ")
    assert note.endswith("for the catalogue it is no good backup, but FAILED, DAMAGED: bits are flipped")
    plan = edms.json("restore_backup", "latest", "--dry-run")
    assert note in plan["warnings"]
    assert plan["backup_job"] == made["job"]


def test_without_the_ledger_latest_is_not_what_a_wrong_clock_has_dated_ahead(edms):
    last = edms.json("trigger_backup", "--type", "FILES")
    repository = Repository.open(LocalBackend(edms.storage / "repository"), PASSPHRASE)
    with repository.lock():
        (snapshot,) = repository.snapshots()
        ahead = time.time_ns() + 10**9 * 3600 * 24 * 365
        tags = tuple(f"job={uuid.uuid4()}" if tag.startswith("job=") else tag for tag in snapshot.tags)
        repository.save_snapshot(dataclasses.replace(snapshot, time_ns=ahead, tags=tags))
    edms.write("DELETE FROM backup_jobevent")
    edms.write("DELETE FROM backup_backupjob")
    assert edms.json("verify_backup", "latest")["job"] == last["job"]


def test_every_way_to_name_a_backup(edms):
    # Of two types: two of one type and one second would have one name.
    first = edms.json("trigger_backup", "--type", "FILES")
    second = edms.json("trigger_backup", "--type", "DATABASE")
    name = edms.rows("SELECT job_name FROM backup_backupjob ORDER BY id")[0][0]
    for text in (first["job"], first["job"].replace("-", ""), first["job"][:10], first["snapshot_id"][:8], name):
        assert edms.json("verify_backup", text)["job"] == first["job"], text
    assert edms.json("verify_backup", "latest")["job"] == second["job"]
    assert "No backup matches" in edms.run("verify_backup", "ffffffffff", expect=1).stderr
    assert "There is no package" in edms.run("verify_backup", "nothing.tar.gz", expect=1).stderr


@pytest.mark.parametrize("loss", ["file gone", "not migrated", "damaged"])
def test_without_the_database_the_repository_answers(edms, loss):
    first = edms.json("trigger_backup", "--type", "FULL")
    second = edms.json("trigger_backup", "--type", "INCREMENTAL")
    database = edms.database
    database.unlink()
    for rest in edms.home.glob("*.sqlite3-*"):
        rest.unlink()
    if loss == "not migrated":
        database.touch()
    elif loss == "damaged":
        database.write_bytes(b"no database at all " * 1000)
    for text, job in (("latest", second), (first["job"], first), (first["snapshot_id"][:6], first)):
        found = edms.json("verify_backup", text)
        assert (found["job"], found["trust"], found["recorded"]) == (job["job"], "VERIFIED", False)
        assert "catalogue" in found["notes"][0]
    refused = edms.run("trigger_backup", "--type", "FULL", expect=1)
    assert "manage.py migrate" in refused.stderr
    assert database.exists() == (loss != "file gone")


def test_checks_warn_before_the_night(edms, tmp_path):
    assert "no issues" in edms.run("check").stdout
    assert "backup.W002" in edms.run("check", **WITHOUT_PASSPHRASE).stderr
    blocker = tmp_path / "file"
    blocker.touch()
    assert "backup.W003" in edms.run("check", BACKUP_STORAGE_ROOT=str(blocker / "below")).stderr
