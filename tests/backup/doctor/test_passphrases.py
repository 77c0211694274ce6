"""A passphrase that opens nothing is critical, and no package is sealed with one that nothing proves."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.backup.testing.asking import ask
from tests.backup.testing.edms import BACKEND, PASSPHRASE, Edms, kill

OTHER = "a passphrase that opens nothing"
PACKAGES = ("--name", "packages", "--type", "EXPORT", "--frequency", "DAILY", "--time", "02:00")


def program(folder: Path, text: str) -> str:
    path = folder / "tell.sh"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return str(path)


def test_a_passphrase_that_opens_no_key_is_critical(protected):
    assert "backup.W028" not in ask(protected).findings
    answer = ask(protected, BACKUP_PASSWORD=OTHER)
    assert (answer.state, answer.exit_code, answer.findings["backup.W028"]) == ("AT_RISK", 2, "CRITICAL")
    assert "BACKUP_PASSWORD" in answer.hints["backup.W028"]
    refused = protected.json("backup_passphrase", expect=1, BACKUP_PASSWORD=OTHER)
    assert refused["proven"] is False
    assert protected.json("backup_passphrase")["proven"] is True


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("exit 3", "failed with exit code 3"),
        ("echo 'Error: the vault is sealed.'; echo 'Try again later.'", "prints 2 lines"),
    ],
    ids=["fails", "talks"],
)
def test_a_program_that_gives_no_passphrase_is_critical(protected, tmp_path, text, said):
    command = program(tmp_path, text)
    answer = ask(protected, BACKUP_PASSWORD_COMMAND=command)
    assert (answer.exit_code, answer.findings["backup.W028"]) == (2, "CRITICAL")
    assert said in answer.reason
    package = protected.home / "package.tar.gz.gpg"
    refused = protected.run(
        "trigger_backup", "--type", "EXPORT", "--output", str(package), expect=None, BACKUP_PASSWORD_COMMAND=command
    )
    assert refused.returncode != 0
    assert said in refused.stderr
    assert not package.exists()


def test_no_package_is_sealed_with_a_passphrase_that_opens_no_repository(protected):
    package = protected.home / "package.tar.gz.gpg"
    output = ("trigger_backup", "--type", "EXPORT", "--output", str(package))
    assert "No package is sealed with it" in protected.json(*output, expect=12, BACKUP_PASSWORD=OTHER)["error"]
    assert not package.exists()
    # Nor at another storage, which has no repository of its own.
    protected.run("manage_backup_configs", "--create", *PACKAGES, "--storage-path", "second")
    protected.json("trigger_backup", "--config", "packages", expect=12, BACKUP_PASSWORD=OTHER)
    assert protected.json("trigger_backup", "--config", "packages")["status"] == "COMPLETED"


def test_where_nothing_proves_it_a_schedule_waits_for_a_person(new_edms):
    edms = new_edms
    edms.run("manage_backup_configs", "--create", *PACKAGES)
    answer = ask(edms)
    assert answer.findings["backup.W028"] == "CRITICAL"
    assert "backup_passphrase --confirm" in answer.hints["backup.W028"]
    # A person who asks for a package has confirmed it for that one.
    assert edms.json("trigger_backup", "--config", "packages")["status"] == "COMPLETED"
    due = "schedule_start = datetime(next_slot, '-2 days'), next_slot = datetime(next_slot, '-1 days')"
    edms.write(f"UPDATE backup_backupconfiguration SET {due}")
    edms.run("backup_run_due", expect=None)
    scheduled = "SELECT status, error_message FROM backup_backupjob WHERE backup_backupjob.trigger = 'SCHEDULED'"
    ((status, error),) = edms.rows(scheduled)
    assert status == "FAILED"
    assert "backup_passphrase --confirm" in error
    assert edms.run("backup_passphrase", "--confirm", expect=2).returncode == 2
    assert edms.json("backup_passphrase", "--confirm", "--yes")["proven"] is True
    assert "backup.W028" not in ask(edms).findings
    edms.write("UPDATE backup_backupjob SET status = 'PENDING' WHERE status = 'FAILED'")
    edms.run("backup_run_due")
    assert edms.rows(scheduled) == [("COMPLETED", "")]
    # It is that one which was confirmed, and its hash reveals nothing.
    assert ask(edms, BACKUP_PASSWORD=OTHER).findings["backup.W028"] == "CRITICAL"
    assert PASSPHRASE.encode() not in edms.database.read_bytes()


def confirm(edms: Edms, typed: str) -> int:
    """Type a passphrase on a terminal; the exit code."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(BACKEND / "manage.py"), "backup_passphrase", "--confirm"],
        env={"PATH": os.environ["PATH"], "EDMS_HOME": str(edms.home), **edms.environment},
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        assert b"again" in os.read(ours, 1000)
        os.write(ours, f"{typed}\n".encode())
        process.communicate(timeout=30)
        return process.returncode
    finally:
        os.close(ours)


def test_a_person_types_it_again(new_edms):
    assert confirm(new_edms, OTHER) == 2
    assert new_edms.json("backup_passphrase")["proven"] is False
    assert confirm(new_edms, PASSPHRASE) == 0
    assert new_edms.json("backup_passphrase")["proven"] is True
    assert new_edms.rows("SELECT count(*) FROM backup_auditevent WHERE action = 'passphrase.confirm'") == [(1,)]


def test_an_agent_with_another_passphrase_is_found(protected):
    agent = protected.start("backup_agent", BACKUP_PASSWORD=OTHER)
    try:
        deadline = time.monotonic() + 30
        while not protected.rows("SELECT 1 FROM backup_executor WHERE kind = 'AGENT'"):
            assert agent.poll() is None
            assert time.monotonic() < deadline, "Waited 30 seconds for the agent in backup_executor; it has no row"
            time.sleep(0.1)
        answer = ask(protected)
        assert (answer.state, answer.findings["backup.W028"]) == ("AT_RISK", "CRITICAL")
        assert "Agent" in answer.reason
    finally:
        kill(agent)


def test_a_package_is_not_sealed_while_the_repository_that_proves_its_passphrase_is_away(edms):
    edms.json("trigger_backup", "--type", "FULL")
    edms.storage.rename(edms.home / "elsewhere")
    refused = edms.run("trigger_backup", "--type", "EXPORT", expect=None, BACKUP_PASSWORD="a typing error")
    assert refused.returncode != 0
    assert "Traceback" not in refused.stderr
    assert "is not there" in refused.stderr
    assert not list(edms.home.rglob("*.gpg"))


def test_a_package_that_the_passphrase_does_not_open_protects_nobody(new_edms):
    edms = new_edms
    edms.run("manage_backup_configs", "--create", *PACKAGES)
    edms.run("backup_run_due")
    first = edms.json("trigger_backup", "--config", "packages", BACKUP_PASSWORD=OTHER)
    # A passphrase that does not open the newest package cannot be confirmed by any user.
    refused = edms.run("backup_passphrase", "--confirm", "--yes", expect=12)
    assert Path(first["backup_file_path"]).name in refused.stderr
    assert "backup_rekey" in refused.stderr
    edms.run("backup_passphrase", "--confirm", "--yes", BACKUP_PASSWORD=OTHER)
    assert ask(edms, BACKUP_PASSWORD=OTHER).state == "PROTECTED"
    answer = ask(edms)
    assert (answer.state, answer.exit_code, answer.findings["backup.W040"]) == ("UNPROTECTED", 2, "CRITICAL")
    assert answer.last_good["packages"] is None
    assert any("BACKUP_PASSWORD does not open the package packages-" in said for said in answer.missing)
    assert "nothing opens" not in answer.reason
    assert edms.json("backup_passphrase", expect=1)["locked_packages"] == list(answer.missing)
    # It is not damaged, for being locked, and it is not lost: with its passphrase it is what it was.
    edms.run("verify_backup", first["job"], expect=12)
    edms.run("backup_catalogue", "--rebuild", expect=None)
    assert edms.rows("SELECT trust FROM backup_backupjob") == [("VERIFIED",)]
    assert ask(edms, BACKUP_PASSWORD=OTHER).state == "PROTECTED"
    # Of one whose mark is not known, from an earlier version or a rebuilt catalogue, the head of the file tells.
    edms.write("UPDATE backup_backupjob SET sealed_with = ''")
    assert ask(edms).findings["backup.W040"] == "CRITICAL"
    # A newer one that opens is a backup; the old one stays named, and is passed over.
    edms.json("trigger_backup", "--config", "packages")
    answer = ask(edms)
    assert answer.findings["backup.W040"] == "WARNING"
    assert answer.last_good["packages"] is not None
    # Encrypted anew with the passphrase that is in use, it counts again.
    (edms.home / "next").write_text(f"{PASSPHRASE}\n")
    rekey = ("backup_rekey", "--new-password-file", str(edms.home / "next"), "--yes")
    edms.json(*rekey, expect=None, BACKUP_PASSWORD=OTHER)
    assert "backup.W040" not in ask(edms).findings
    edms.json("verify_backup", first["job"])
