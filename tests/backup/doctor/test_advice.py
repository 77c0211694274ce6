"""The answer of each command in each state of a storage: the exit code, what is wrong, and what to do."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.backup.testing.edms import CHEAP, PASSPHRASE, Edms

from strongroom.backends import LocalBackend
from strongroom.errors import WrongPassphrase
from strongroom.repository import Repository

COMMANDS = ("trigger", "prune", "verify", "restore", "rekey", "passphrase")
"""Asked of each state; `SAID` has the exit codes in this order."""

_ASK = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from django.core.management import call_command
from django.core.management.base import CommandError
words = {
    "trigger": ["trigger_backup", "--config", "nightly", "--dry-run"],
    "prune": ["backup_prune", "--dry-run"],
    "verify": ["verify_backup", "latest"],
    "restore": ["restore_backup", "latest", "--dry-run"],
    "rekey": ["backup_rekey", "--new-password-file", "NEXT", "--dry-run"],
    "passphrase": ["backup_passphrase"],
}
answers = {}
for name, command in words.items():
    said, code = io.StringIO(), 0
    with redirect_stdout(said), redirect_stderr(said):
        try:
            call_command(*command, stdout=said, stderr=said)
        except CommandError as error:
            code = error.returncode
            said.write(str(error))
        except SystemExit as ended:
            code = ended.code
    answers[name] = [code, said.getvalue()]
print(json.dumps(answers))
"""


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)


def key_of(storage: Path) -> Path:
    (key,) = (storage / "repository" / "keys").iterdir()
    return key


def another_repository(storage: Path) -> None:
    shutil.rmtree(storage / "repository")
    Repository.init(LocalBackend(storage / "repository"), PASSPHRASE, cost=CHEAP)


HARMS: dict[str, Callable[[Path], object]] = {
    "gone": shutil.rmtree,
    "another": another_repository,
    "key lost": lambda storage: key_of(storage).unlink(),
    "key damaged": lambda storage: flip(key_of(storage)),
    "config lost": lambda storage: (storage / "repository" / "config").unlink(),
    "config damaged": lambda storage: flip(storage / "repository" / "config"),
    "wrong passphrase": lambda storage: None,
}

SAID: dict[str, tuple[tuple[int, ...], str, str]] = {
    "gone": ((10, 10, 10, 10, 1, 1), "does not exist|not there", "[Mm]ount"),
    "another": ((10, 10, 10, 10, 0, 0), "nother|not the one that the catalogue knows", "Put the right repository back"),
    "key lost": ((1, 1, 10, 10, 1, 1), "keys", "(Put|Restore) a key file"),
    "key damaged": ((1, 1, 10, 10, 1, 1), "damaged", "(Put|Restore) a key file"),
    "config lost": ((10, 10, 10, 10, 1, 1), "config|not there", "Put `config` back|Restore the file `config`|[Mm]ount"),
    "config damaged": ((1, 1, 10, 10, 1, 0), "config", "Restore the file `config`"),
    "wrong passphrase": ((12, 12, 12, 12, 1, 1), "opens none of the 1 keys", "Use the passphrase that"),
}
"""Exit codes, what is wrong, and what to do, as patterns."""


def health(edms: Edms, **changes: str | None) -> tuple[str, dict[str, dict[str, str]]]:
    told = edms.json("backup_health", expect=2, **changes)
    return told["verdict"]["state"], {one["id"]: one for one in told["findings"]}


@pytest.mark.parametrize("harm", list(HARMS))
def test_each_command_says_what_is_wrong_and_what_to_do(protected: Edms, tmp_path: Path, harm: str) -> None:
    (tmp_path / "next").write_text("another one\n")
    HARMS[harm](protected.storage)
    changes = {"BACKUP_PASSWORD": "a wrong one"} if harm == "wrong passphrase" else {}
    done = protected.run("shell", "-v0", "-c", _ASK.replace("NEXT", str(tmp_path / "next")), **changes)
    answers = json.loads(done.stdout.splitlines()[-1])
    codes, wrong, remedy = SAID[harm]
    assert {name: code for name, (code, _) in answers.items()} == dict(zip(COMMANDS, codes, strict=True))
    for text in (text for code, text in answers.values() if code):
        assert re.search(wrong, text), text
        assert re.search(remedy, text), text
    if harm not in {"another", "wrong passphrase"}:
        assert "passphrase is not" not in str(answers)
    state, findings = health(protected, **changes)
    finding = findings["backup.W028" if harm == "wrong passphrase" else "backup.W026"]
    assert finding["severity"] == "CRITICAL"
    # A backup that cannot be opened protects no data; the wrong passphrase of one process is no loss.
    assert state == ("AT_RISK" if harm == "wrong passphrase" else "UNPROTECTED")
    assert ("backup.W028" in findings) is (harm == "wrong passphrase")


def test_a_damaged_key_is_named_where_others_can_be_read(tmp_path: Path) -> None:
    repository = Repository.init(LocalBackend(tmp_path / "repository"), PASSPHRASE, cost=CHEAP)
    first = key_of(tmp_path)
    repository.add_key("the other operator", cost=CHEAP)
    flip(first)
    with pytest.raises(WrongPassphrase, match=f"key files are damaged: {first.name[:8]}.*restore that file"):
        Repository.open(LocalBackend(tmp_path / "repository"), PASSPHRASE)


def test_a_rebuilt_catalogue_takes_in_no_repository_without_backups_of_ours(protected: Edms) -> None:
    another_repository(protected.storage)
    protected.run("backup_catalogue", "--rebuild", expect=1)
    # Else the next job would store in it, as in one that is known.
    protected.json("trigger_backup", "--config", "nightly", expect=10)


def test_latest_names_the_newest_backup_that_is_there(protected: Edms) -> None:
    export = protected.json("trigger_backup", "--type", "EXPORT")
    (protected.storage / "repository" / "config").unlink()
    for command in (("verify_backup", "latest"), ("restore_backup", "latest", "--dry-run")):
        said = protected.json(*command, expect=10)["error"]
        assert "has lost its file `config`" in said
        assert f"name {export['job']}" in said
