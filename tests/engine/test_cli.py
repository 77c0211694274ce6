"""The command `strongroom` as its users type it."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom.testing.trees import File, build, look

from .conftest import PASSPHRASE
from .test_backends import environment


class Command:
    def __init__(self, tmp_path: Path) -> None:
        self.repository = tmp_path / "repository"
        self.variables = {
            **environment(),
            "STRONGROOM_REPOSITORY": str(self.repository),
            "BACKUP_PASSWORD": PASSPHRASE,
        }

    def __call__(self, *arguments: str, code: int = 0, **changes: str) -> subprocess.CompletedProcess[str]:
        variables = {name: value for name, value in {**self.variables, **changes}.items() if value}
        done = subprocess.run(
            [sys.executable, "-m", "strongroom.cli", *arguments],
            check=False,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            env=variables,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == code, f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        assert PASSPHRASE not in done.stdout + done.stderr
        return done


@pytest.fixture
def strongroom(tmp_path: Path) -> Command:
    return Command(tmp_path)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    build(
        tmp_path / "source",
        {b"a.txt": File(b"text"), b"sub": {b"\x1b[31mred": File(b"x" * 2_000_000), b"\xff": File(b"raw")}},
    )
    return tmp_path / "source"


def test_the_whole_way(strongroom: Command, source: Path, tmp_path: Path) -> None:
    strongroom("init")
    assert "snapshot" in strongroom("backup", str(source)).stdout
    (source / "a.txt").write_bytes(b"changed")
    report = json.loads(strongroom("backup", "--json", "--tag", "second", str(source)).stdout)
    assert report["summary"]["files_changed"] == 1
    listed = json.loads(strongroom("snapshots", "--json").stdout)
    assert [snapshot["tags"] for snapshot in listed] == [[], ["second"]]
    assert strongroom("snapshots").stdout.count("\n") == 2
    names = strongroom("ls", "latest").stdout
    assert f"{source}/a.txt".lstrip("/") in names
    assert "\x1b" not in names
    assert "\\x1b[31mred" in names
    assert "0644" in strongroom("ls", "-l", "latest", str(source)).stdout
    back = tmp_path / "back"
    strongroom("restore", "latest", "--target", str(back), "--path", str(source))
    assert look(back) == look(source)
    assert "no errors were found" in strongroom("check", "--read-data").stdout
    assert json.loads(strongroom("check", "--json").stdout)["good"] is True


def test_keys(strongroom: Command, tmp_path: Path) -> None:
    strongroom("init")
    (tmp_path / "new").write_text("  from a file \n")
    added = json.loads(strongroom("key", "add", "--json", "--new-password-file", str(tmp_path / "new")).stdout)["key"]
    assert len(strongroom("key", "list").stdout.splitlines()) == 2
    other = strongroom("key", "list", "--json", BACKUP_PASSWORD="from a file").stdout
    assert [key["in_use"] for key in json.loads(other)].count(True) == 1
    assert "the one that opened" in strongroom("key", "remove", added, code=1, BACKUP_PASSWORD="from a file").stderr
    strongroom("key", "remove", added[:8])
    strongroom("snapshots", code=12, BACKUP_PASSWORD="from a file")


def test_errors_name_the_thing_and_have_their_exit_codes(strongroom: Command, source: Path, tmp_path: Path) -> None:
    assert "There is no repository in" in strongroom("snapshots", code=10).stderr
    assert "Give --repo" in strongroom("snapshots", code=10, STRONGROOM_REPOSITORY="").stderr
    strongroom("init")
    assert "already" in strongroom("init", code=1).stderr
    assert "no passphrase" in strongroom("snapshots", code=1, BACKUP_PASSWORD="").stderr
    assert "opens none of the 1 keys" in strongroom("snapshots", code=12, BACKUP_PASSWORD="wrong").stderr
    assert "holds no snapshot" in strongroom("ls", "latest", code=1).stderr
    assert "Nothing was backed up" in strongroom("backup", str(source), "/no/such", code=1).stderr
    strongroom("backup", str(source))
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").write_bytes(b"x")
    refused = strongroom("restore", "latest", "--target", str(tmp_path / "full"), code=1)
    assert "not an empty folder" in refused.stderr
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["x"]
    assert "no folder" in strongroom("restore", "latest", "-t", str(tmp_path / "b"), "--path", "zz", code=1).stderr
    strongroom("frobnicate", code=2)


def test_damage_is_reported_and_can_be_read_past(strongroom: Command, source: Path, tmp_path: Path) -> None:
    strongroom("init")
    strongroom("backup", str(source))
    index = next((strongroom.repository / "index").iterdir())
    index.chmod(0o600)
    index.write_bytes(index.read_bytes()[:-1] + b"?")
    assert f"index/{index.name}" in strongroom("check", code=1).stderr
    assert "is damaged" in strongroom("restore", "latest", "-t", str(tmp_path / "a"), code=1).stderr
    config = strongroom.repository / "config"
    config.chmod(0o600)
    config.write_bytes(b"nonsense")
    assert "config" in strongroom("check", code=1).stderr
    (strongroom.repository / "locks" / ("11" * 32)).write_bytes(b"nonsense")
    done = strongroom("restore", "latest", "--salvage", "-t", str(tmp_path / "b"), "--path", str(source))
    assert "warning:" in done.stderr
    assert look(tmp_path / "b") == look(source)


def test_a_lock_of_somebody_else_is_an_exit_code(strongroom: Command, source: Path) -> None:
    strongroom("init")
    (strongroom.repository / "locks" / ("11" * 32)).write_bytes(b"unreadable")
    assert "cannot be read" in strongroom("backup", str(source), code=11).stderr


def test_an_empty_passphrase_must_be_meant(strongroom: Command, source: Path) -> None:
    strongroom("init", "--insecure-no-password", BACKUP_PASSWORD="")
    strongroom("backup", "--insecure-no-password", str(source))
    strongroom("snapshots", code=12)


def test_a_pipe_that_closes_is_no_error(strongroom: Command, tmp_path: Path) -> None:
    build(tmp_path / "many", {b"%04d" % number: File(b"") for number in range(5000)})
    strongroom("init")
    strongroom("backup", str(tmp_path / "many"))
    done = subprocess.run(
        f"{sys.executable} -m strongroom.cli ls latest | head -1",
        shell=True,
        check=False,
        capture_output=True,
        text=True,
        env=strongroom.variables,
    )
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_the_passphrase_is_asked_for_on_a_terminal(strongroom: Command) -> None:
    strongroom("init")
    variables = {name: value for name, value in strongroom.variables.items() if name != "BACKUP_PASSWORD"}
    child, terminal = pty.fork()
    if child == 0:
        os.execve(sys.executable, [sys.executable, "-m", "strongroom.cli", "key", "list"], variables)
    output = b""
    while b"Passphrase: " not in output:
        output += os.read(terminal, 1000)
    os.write(terminal, PASSPHRASE.encode() + b"\n")
    try:
        while block := os.read(terminal, 1000):
            output += block
    except OSError:
        pass  # the terminal is gone with the child
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert b"*" in output
    assert PASSPHRASE.encode() not in output


def test_django_is_not_needed(strongroom: Command) -> None:
    """Not even imported."""
    done = subprocess.run(
        [sys.executable, "-c", "import strongroom.cli, sys; print([m for m in sys.modules if m.startswith('django')])"],
        check=True,
        capture_output=True,
        text=True,
        env=strongroom.variables,
    )
    assert done.stdout == "[]\n"
