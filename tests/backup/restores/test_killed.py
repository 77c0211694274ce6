"""kill -9 at every step of a swap and of a rollback: old or new afterwards, never a mixture."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.backup.testing.edms import BACKEND, PASSPHRASE

SCRIPT = Path(__file__).parents[1] / "testing" / "kill_swaps.py"


def run(home, *arguments, **variables):
    environment = {
        "PATH": os.environ["PATH"],
        "EDMS_HOME": str(home),
        "PYTHONPATH": str(BACKEND),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "BACKUP_PASSWORD": PASSPHRASE,
        **variables,
    }
    result = subprocess.run(  # noqa: PLW1510  the caller looks at the exit code
        [sys.executable, str(SCRIPT), *arguments], env=environment, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("what", ["swap", "rollback"])
def test_at_every_change_of_a_name(tmp_path, what):
    kills = run(tmp_path / "home", what)
    require_old_or_new(what, kills)
    # The folder is never away: it is exchanged in one step. A link goes by two renames.
    assert {kill["before"]["media"] for kill in kills} == {"old", "new"}
    assert {kill["before"]["link"] for kill in kills} == {"old", "new", "absent"}


def test_at_every_change_of_a_name_where_two_cannot_be_exchanged(tmp_path):
    kills = run(tmp_path / "home", "swap", NO_EXCHANGE="1")
    require_old_or_new("swap", kills)
    # Between its two renames a folder is away, until the restore is completed.
    assert {kill["before"]["media"] for kill in kills} == {"old", "new", "absent"}


@pytest.mark.mariadb
@pytest.mark.parametrize("what", ["swap", "rollback"])
def test_at_every_statement_to_mariadb(tmp_path, what, mariadb):
    kills = run(tmp_path / "home", what, "default", DATABASE_URL=mariadb.url("live"))

    require_old_or_new(what, kills)
    assert not any("new" in kill["left"] for kill in kills)
    assert len({kill["before"]["mysql"] for kill in kills}) > 2, "no kill was between a table and its triggers"


def require_old_or_new(what, kills):
    assert len(kills) > 20
    assert kills[-1]["killed"] is False
    assert any(len(set(kill["before"].values())) > 1 for kill in kills), "no kill was in the middle"
    for kill in kills:
        assert len(set(kill["after"].values())) == 1, kill
        assert set(kill["after"].values()) <= {"old", "new"}, kill
        assert kill["again"] == [], kill
        expected = {
            "swap": {"undone": "old", "finished": "new", "swapped": "new"},
            "rollback": {"finished": "new", "rolled-back": "old"},
        }[what]
        assert kill["after"]["db"] == expected[kill["state"]], kill
        if kill["state"] in {"undone", "rolled-back"}:
            assert kill["left"] == [], kill


@pytest.mark.postgresql
@pytest.mark.parametrize("what", ["swap", "rollback"])
def test_at_every_statement_to_postgresql(tmp_path, what, postgres):
    kills = run(tmp_path / "home", what, "default", DATABASE_URL=postgres.url("live"))

    assert any(kill["before"]["postgresql"].startswith("barred") for kill in kills), "no kill was in the middle"
    assert kills[-1]["killed"] is False
    for kill in kills:
        assert len(set(kill["after"].values())) == 1, kill
        assert set(kill["after"].values()) <= {"old", "new"}, kill
