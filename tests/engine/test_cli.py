"""The command `strongroom`, run as users run it."""

import json
import os
import pty
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.engine.testing.restic import CHEAP, PASSPHRASE, environment

from strongroom.archiver import ArchiveOptions, archive
from strongroom.backends import LocalBackend
from strongroom.cli import main
from strongroom.entries import OnDisk
from strongroom.repository import Repository
from strongroom.repository.locks import Timing
from strongroom.testing.trees import File, build, look


class Command:
    def __init__(self, tmp_path: Path) -> None:
        self.repository = tmp_path / "repository"
        self.variables = {
            **environment(),
            "STRONGROOM_REPOSITORY": str(self.repository),
            "BACKUP_PASSWORD": PASSPHRASE,
        }

    def have_repository(self) -> None:
        """Create a repository like `init`, with a cheap key."""
        Repository.init(LocalBackend(self.repository), PASSPHRASE, cost=CHEAP)

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
        {
            b"a.txt": File(b"text"),
            b"sub": {b"\x1b[31mred": File(b"x" * 2_000_000), b"\xff": File(b"raw")},
            "\u202egpj.exe".encode(): File(b""),
        },
    )
    return tmp_path / "source"


def test_init_backup_list_restore_and_check(strongroom: Command, source: Path, tmp_path: Path) -> None:
    strongroom("init")
    assert "snapshot" in strongroom("backup", str(source)).stdout
    (source / "a.txt").write_bytes(b"changed")
    report = json.loads(strongroom("backup", "--json", "--tag", "second", str(source)).stdout)
    assert report["summary"]["files_changed"] == 1
    listed = json.loads(strongroom("snapshots", "--json").stdout)
    assert [snapshot["tags"] for snapshot in listed] == [[], ["second"]]
    titles, *rows = strongroom("snapshots").stdout.splitlines()
    assert titles.split("\t") == ["ID", "Time", "Host", "Tags", "Paths", "Size"]
    assert strongroom("snapshots", "--no-header").stdout.splitlines() == rows
    assert len(rows) == 2
    in_utc = strongroom("snapshots", "--utc", "--no-header", TZ="Asia/Tokyo").stdout
    assert [row.split("\t")[1][-3:] for row in in_utc.splitlines()] == ["UTC", "UTC"]
    assert "JST\t" in strongroom("snapshots", TZ="Asia/Tokyo").stdout
    names = strongroom("ls", "latest").stdout
    assert f"{source}/a.txt".lstrip("/") in names
    assert "\x1b" not in names
    assert "\\x1b[31mred" in names
    assert "\\u202egpj.exe" in names
    assert "0644" in strongroom("ls", "-l", "latest", str(source)).stdout
    back = tmp_path / "back"
    strongroom("restore", "latest", "--target", str(back), "--path", str(source))
    assert look(back) == look(source)
    assert "no errors were found" in strongroom("check", "--read-data").stdout
    assert json.loads(strongroom("check", "--json").stdout)["good"] is True


def test_keys(strongroom: Command, tmp_path: Path) -> None:
    strongroom.have_repository()
    (tmp_path / "new").write_text("  from a file \n")
    added = json.loads(strongroom("key", "add", "--json", "--new-password-file", str(tmp_path / "new")).stdout)["key"]
    assert len(strongroom("key", "list", "--no-header").stdout.splitlines()) == 2
    other = strongroom("key", "list", "--json", BACKUP_PASSWORD="from a file").stdout
    assert [key["in_use"] for key in json.loads(other)].count(True) == 1
    assert "the key that opened" in strongroom("key", "remove", added, code=1, BACKUP_PASSWORD="from a file").stderr
    strongroom("key", "remove", added[:8])
    strongroom("snapshots", code=12, BACKUP_PASSWORD="from a file")


def test_errors_name_the_cause_and_have_exit_codes(strongroom: Command, source: Path, tmp_path: Path) -> None:
    assert "There is no repository in" in strongroom("snapshots", code=10).stderr
    assert "Use --repo" in strongroom("snapshots", code=10, STRONGROOM_REPOSITORY="").stderr
    strongroom.have_repository()
    assert "already" in strongroom("init", code=1).stderr
    assert "No passphrase is set" in strongroom("snapshots", code=1, BACKUP_PASSWORD="").stderr
    assert "opens none of the 1 keys" in strongroom("snapshots", code=12, BACKUP_PASSWORD="wrong").stderr
    assert "has no snapshots" in strongroom("ls", "latest", code=1).stderr
    assert "Nothing was backed up" in strongroom("backup", str(source), "/no/such", code=1).stderr
    strongroom("backup", str(source))
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").write_bytes(b"x")
    refused = strongroom("restore", "latest", "--target", str(tmp_path / "full"), code=1)
    assert "not an empty folder" in refused.stderr
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["x"]
    assert "no folder" in strongroom("restore", "latest", "-t", str(tmp_path / "b"), "--path", "zz", code=1).stderr
    strongroom("frobnicate", code=2)


@pytest.fixture
def many(strongroom: Command, source: Path) -> list[str]:
    """Create a repository with four snapshots. Return their ids, oldest first."""
    repository = Repository.init(LocalBackend(strongroom.repository), PASSPHRASE, cost=CHEAP)
    ids = []
    for number in range(4):
        (source / "a.txt").write_bytes(os.urandom(100_000))
        options = ArchiveOptions(paths=["/source"], tags=[f"run{number % 2}"], lock_timing=Timing(settle=0))
        ids.append(str(archive(repository, [OnDisk(b"source", os.fsencode(source))], options).snapshot.id))
    return ids


def test_forget_by_rules_and_prune(strongroom: Command, many: list[str]) -> None:
    shown = strongroom("forget", "--keep-last", "2", "--dry-run", "--grace-hours", "0").stdout
    assert [line.split("\t")[:2] for line in shown.splitlines()[1:6]] == [
        ["Decision", "ID"],
        ["keep", many[3][:8]],
        ["keep", many[2][:8]],
        ["remove", many[1][:8]],
        ["remove", many[0][:8]],
    ]
    assert "beyond the 2 most recent" in shown
    assert "2 snapshots would be forgotten" in shown
    assert "would be freed" in shown
    tagged = json.loads(strongroom("forget", "--keep-last", "1", "--tag", "run0", "--dry-run", "--json").stdout)
    assert tagged["removed"] == [many[0]]
    assert tagged["space"]["freed_bytes"] == 0
    assert tagged["space"]["young_bytes"] > 100_000
    done = json.loads(
        strongroom("forget", "--keep-last=2", "--prune", "--max-unused=0", "--grace-hours=0", "--json").stdout
    )
    assert sorted(done["removed"]) == sorted(many[:2])
    assert done["prune"]["freed_bytes"] > 200_000
    assert done["groups"][0]["snapshots"][0]["reasons"] == ["the most recent one"]
    assert "1 snapshots were forgotten" in strongroom("forget", many[2][:8]).stdout
    assert "0 bytes freed" in strongroom("prune").stdout
    assert "would be freed" in strongroom("prune", "--dry-run", "--grace-hours", "0").stdout
    assert json.loads(strongroom("prune", "--grace-hours", "0", "--json").stdout)["prune"]["freed_bytes"] > 50_000
    assert "no errors were found" in strongroom("check", "--read-data").stdout


def test_rules_apply_to_each_host_and_paths_separately(strongroom: Command, many: list[str]) -> None:
    repository = Repository.open(LocalBackend(strongroom.repository), PASSPHRASE)
    archive(repository, [], ArchiveOptions(paths=["/other"], lock_timing=Timing(settle=0)))
    report = json.loads(strongroom("forget", "--keep-last", "1", "--json").stdout)
    assert report["removed"] == sorted(many[:3])
    assert [group["paths"] for group in report["groups"]] == [["/other"], ["/source"]]


def test_a_refused_forget_or_prune_changes_nothing(strongroom: Command, many: list[str]) -> None:
    assert "begins with 'ffff'" in strongroom("forget", "ffff", code=1).stderr
    lock = strongroom.repository / "locks" / ("11" * 32)
    lock.write_bytes(b"unreadable")
    assert "unreadable lock" in strongroom("prune", code=11).stderr
    assert "unreadable lock" in strongroom("forget", "latest", "--prune", code=11).stderr
    lock.unlink()
    pack = max((strongroom.repository / "data").rglob("?" * 64), key=lambda path: path.stat().st_size)
    pack.unlink()
    for command in (["prune", "--dry-run"], ["forget", "--keep-last", "1", "--prune"]):
        assert f"pack {pack.name} is missing" in strongroom(*command, code=1).stderr
    assert len(list((strongroom.repository / "snapshots").iterdir())) == len(many)


def test_forget_needs_ids_or_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forget"]) == 2
    assert "Neither ids nor rules" in capsys.readouterr().err
    assert main(["forget", "--tag", "a"]) == 2
    assert "Neither ids nor rules" in capsys.readouterr().err
    for rule in (["--keep-last", "1"], ["--tag", "a"], ["--tag", "a", "--keep-daily", "1"]):
        assert main(["forget", "abcd", *rule]) == 2
        assert "Both ids and rules" in capsys.readouterr().err
    for wrong, words in (
        (["forget", "--keep-last", "0"], "at least 1"),
        (["prune", "--max-unused", "nan"], "at least 0"),
        (["prune", "--grace-hours=-1"], "at least 0"),
    ):
        with pytest.raises(SystemExit) as left:
            main(wrong)
        assert left.value.code == 2
        assert words in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_accepts_the_completion_script(strongroom: Command, shell: str, tmp_path: Path) -> None:
    script = strongroom("completion", shell, STRONGROOM_REPOSITORY="", BACKUP_PASSWORD="").stdout
    assert "keep-daily" in script
    if shutil.which(shell):
        (tmp_path / "script").write_text(script)
        subprocess.run([shell, "-n", str(tmp_path / "script")], check=True)


def test_bash_completes_commands_options_and_folders(strongroom: Command, tmp_path: Path) -> None:
    script = strongroom("completion", "bash").stdout
    (tmp_path / "folder").mkdir()
    asked = (
        script
        + """
ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _shtab_strongroom; echo "${COMPREPLY[@]}"; }
ask strongroom for
ask strongroom forget --keep-w
ask strongroom restore --target fol
"""
    )
    done = subprocess.run(["bash"], input=asked, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.split() == ["forget", "--keep-within-days", "--keep-weekly", "folder"]


def test_days_begin_in_the_time_zone_of_the_machine() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    program = """
from datetime import UTC, datetime
from strongroom.cli.forget_prune import SystemZone
for text in ("2026-07-01T22:30", "2026-01-01T22:30", "2026-10-25T00:30", "2026-10-25T01:30"):
    at = datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone(SystemZone())
    print(at.isoformat(), at.tzname())
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env={**environment(), "TZ": "Europe/Berlin"},
    )
    times = ("2026-07-01T22:30", "2026-01-01T22:30", "2026-10-25T00:30", "2026-10-25T01:30")
    expected = [datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone(berlin) for text in times]
    assert done.stdout.splitlines() == [f"{at.isoformat()} {at.tzname()}" for at in expected]


def test_salvage_reads_a_damaged_repository(strongroom: Command, source: Path, tmp_path: Path) -> None:
    strongroom.have_repository()
    strongroom("backup", str(source))
    index = next((strongroom.repository / "index").iterdir())
    index.chmod(0o600)
    index.write_bytes(index.read_bytes()[:-1] + b"?")
    assert f"index/{index.name}" in strongroom("check", code=1).stderr
    assert "repair index" in strongroom("restore", "latest", "-t", str(tmp_path / "a")).stderr
    config = strongroom.repository / "config"
    config.chmod(0o600)
    config.write_bytes(b"nonsense")
    assert "config" in strongroom("check", code=1).stderr
    (strongroom.repository / "locks" / ("11" * 32)).write_bytes(b"nonsense")
    done = strongroom("restore", "latest", "--salvage", "-t", str(tmp_path / "b"), "--path", str(source))
    assert "warning:" in done.stderr
    assert look(tmp_path / "b") == look(source)


def test_a_foreign_lock_has_an_exit_code(strongroom: Command, source: Path) -> None:
    strongroom.have_repository()
    (strongroom.repository / "locks" / ("11" * 32)).write_bytes(b"unreadable")
    assert "unreadable lock" in strongroom("backup", str(source), code=11).stderr


def test_an_empty_passphrase_needs_an_option(strongroom: Command, source: Path) -> None:
    strongroom("init", "--insecure-no-password", BACKUP_PASSWORD="")
    strongroom("backup", "--insecure-no-password", str(source))
    strongroom("snapshots", code=12)


def test_a_closed_pipe_is_no_error(strongroom: Command, tmp_path: Path) -> None:
    build(tmp_path / "many", {b"%04d" % number: File(b"") for number in range(5000)})
    strongroom.have_repository()
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


def test_a_terminal_asks_for_the_passphrase(strongroom: Command) -> None:
    strongroom.have_repository()
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
    assert b"yes  " in output
    assert PASSPHRASE.encode() not in output


def test_the_command_works_without_django(strongroom: Command) -> None:
    """Django is not even imported."""
    done = subprocess.run(
        [sys.executable, "-c", "import strongroom.cli, sys; print([m for m in sys.modules if m.startswith('django')])"],
        check=True,
        capture_output=True,
        text=True,
        env=strongroom.variables,
    )
    assert done.stdout == "[]\n"


def test_a_reader_that_has_gone_ends_a_command_quietly(strongroom: Command, many: list[str]) -> None:
    command = f"{sys.executable} -m strongroom.cli"
    for asked in ("ls latest", "snapshots", "find '*' --json", "completion bash"):
        # `true` has gone before the command prints anything.
        done = subprocess.run(
            ["bash", "-c", f"{{ sleep 0.2; exec {command} {asked}; }} | true; exit ${{PIPESTATUS[0]}}"],
            check=False,
            capture_output=True,
            text=True,
            env=strongroom.variables,
        )
        assert (done.returncode, done.stderr) == (141, ""), asked
