"""`make demo` as a user sees it: the whole story on a small folder, and what it says when it cannot be told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def documents(tmp_path):
    folder = tmp_path / "documents"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number}.txt").write_bytes(os.urandom(number * 500))
    (folder / os.fsdecode(b"caf\xe9")).write_bytes(b"")
    return folder


def tell(**variables):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BACKUP_", "EDMS_", "DATABASE_"))}
    return subprocess.run(
        [sys.executable, "-m", "demo"],
        cwd=ROOT,
        env=kept | {"PYTHONPATH": str(ROOT / "backend")} | {name: str(value) for name, value in variables.items()},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_the_story_ends_well(documents, tmp_path, database):
    before = {path.name: path.read_bytes() for path in documents.iterdir()}
    home = tmp_path / "kept"
    done = tell(DATABASE=database, DOCUMENTS=documents, KEEP=home, BACKUP_PASSWORD="a secret of this test")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\nidentical\n" in done.stdout
    assert done.stdout.count("identical: ") == 2
    assert "a secret of this test" not in done.stdout + done.stderr
    assert {path.name: path.read_bytes() for path in documents.iterdir()} == before
    assert not (home / "passphrase").exists()
    assert list((home / "edms" / "backups").rglob("config"))


@pytest.mark.slow
def test_a_story_that_breaks_off_says_where_and_leaves_what_it_has(documents, tmp_path):
    done = tell(DOCUMENTS=documents, TMPDIR=tmp_path, BACKUP_PASSWORD_COMMAND="false")
    assert done.returncode == 1
    assert "The story broke off: backend/manage.py trigger_backup --type FULL --json" in done.stderr
    assert "\nidentical\n" not in done.stdout
    (home,) = tmp_path.glob("edms-demo-*")
    assert f"Left in {home}" in done.stdout
    assert (home / "edms" / "edms.sqlite3").exists()


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"DATABASE": "oracle"}, "DATABASE=oracle: it can be sqlite or postgresql."),
        ({"DOCUMENTS": "{}/nothing"}, "is not a folder"),
        ({"KEEP": "{}"}, "is not empty"),
        ({"KEEP": "{}/documents/kept", "DOCUMENTS": "{}/documents"}, "lies inside"),
        ({"KEEP": "/proc/nothing"}, "cannot be used"),
    ],
)
def test_invalid_demo_options(documents, tmp_path, variables, words):
    before = sorted(tmp_path.rglob("*"))
    done = tell(**{name: value.format(tmp_path) for name, value in variables.items()})
    assert done.returncode == 2
    assert words in done.stderr
    assert sorted(tmp_path.rglob("*")) == before
