"""Restores over HTTP, done by the agent to a real EDMS while its web server runs."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.backup.testing.edms import Edms
from tests.backup.testing.restoring import System, running
from tests.backup.testing.serving import token_of

from apps.backup.sources.engines.sqlite.online_copy import checkpoint_log
from apps.backup.sources.files import RESTORE_MARK
from demo.private_postgres import private_postgres, server_binaries


@pytest.fixture
def equipment():
    """Nothing of what tests in this process need."""


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    if not server_binaries():
        pytest.skip("postgresql is not installed")
    with private_postgres(tmp_path_factory.mktemp("postgres")) as server:
        server.create_database("edms")
        yield server


@pytest.fixture(scope="module")
def system(migrated_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One for all tests here; each leaves it whole."""
    edms = Edms.copied(migrated_home, tmp_path_factory.mktemp("system") / "home")
    edms.have_repository()
    with running(edms) as made:
        yield made


@pytest.fixture(scope="module")
def backup(system: System) -> dict:
    return system.edms.json("trigger_backup", "--type", "FULL")


def change(system: System) -> None:
    """Another state than the one that was backed up."""
    system.add_user("later")
    (system.edms.media / "papers/paper-00001.bin").write_bytes(b"other")
    (system.edms.media / "new.bin").write_bytes(b"new")


def there(system: System, backup: dict) -> dict:
    """Changed and restored: everything is as it was, and the catalogue knows. The restore."""
    files, users = system.files(), system.users()
    change(system)
    assert (system.files() != files, system.users() != users) == (True, True)
    restore, operation = system.restore(backup, safety_backup=False)
    assert (operation["status"], restore["status"]) == ("COMPLETED", "COMPLETED"), operation
    assert (system.files(), system.users()) == (files, users)
    assert restore["rollback_state"] == "AVAILABLE"
    assert restore["counts"]["files"] == len(files)
    assert [phase["phase"] for phase in restore["phases"]][-2:] == ["carrying the catalogue over", "swapping"]
    assert restore["requested_by"] == "admin"
    assert operation["result"]["restore"] == restore["uuid"]
    return restore


def back(system: System, restore: dict) -> None:
    where = f"restores/{restore['uuid']}/"
    rolled = system.operation(system.post(f"{where}rollback/", {}, expect=202))
    assert rolled["status"] == "COMPLETED", rolled
    assert "later" in system.users()
    assert system.files()["new.bin"]
    assert system.get(where)["rollback_state"] == "ROLLED_BACK"
    assert system.ask("POST", f"{where}release/", {})[0] == 409
    system.edms.run("backup_audit", "--verify")


def test_there_and_back_with_sqlite(system, backup):
    back(system, there(system, backup))
    again, _ = system.restore(backup, safety_backup=False)
    released = system.operation(system.post(f"restores/{again['uuid']}/release/", {}, expect=202))
    assert released["status"] == "COMPLETED", released
    assert system.get(f"restores/{again['uuid']}/")["rollback_state"] == "RELEASED"
    assert leftovers(system) == []


def test_a_user_who_is_not_in_the_backup_sees_the_end_of_the_restore(system, backup):
    newcomer = {"Authorization": f"Token {token_of(system.edms, 'newcomer')}"}
    values = {"backup": backup["job"], "confirm": system.name(backup), "safety_backup": False}
    made = system.post("restores/", values, expect=201, headers=newcomer)
    where = f"restores/{made['restore']['uuid']}/"
    ticket = {"X-Restore-Ticket": system.post(f"{where}watch/", {}, expect=201, headers=newcomer)["ticket"]}
    system.operation(made["operation"])
    assert system.server.get(where, newcomer)[0] == 401
    status, _, body = system.server.get(f"{where}watch/", {"Authorization": "", **ticket})
    shown = json.loads(body)
    assert (status, shown["status"], shown["rollback_state"]) == (200, "COMPLETED", "AVAILABLE")
    assert shown["counts"]["files"] == len(system.files())
    system.operation(system.post(f"{where}release/", {}, expect=202))


@pytest.mark.postgresql
def test_there_and_back_with_postgresql(edms, postgres):
    edms.database.unlink()
    edms.environment["DATABASE_URL"] = postgres.url("edms")
    edms.run("migrate", "-v0")
    edms.have_repository()
    with running(edms, postgres) as system:
        backup = system.edms.json("trigger_backup", "--type", "FULL")
        back(system, there(system, backup))


def test_a_plan_is_shown_and_kept_to(system, backup):
    files = system.files()
    choices = {"backup": backup["job"], "target": "folder", "name": "look"}
    planned = system.operation(system.post("restores/plan/", choices, expect=202))
    assert (planned["status"], planned["result"]["blocking"]) == ("COMPLETED", []), planned
    wanted = {**choices, "plan": planned["uuid"]}
    other = system.post("restores/", {**wanted, "name": "other"}, expect=400)
    assert [error["field"] for error in other["errors"]] == ["plan"]
    made = system.post("restores/", wanted, expect=201)
    assert made["restore"]["plan"] == planned["result"]
    assert system.operation(made["operation"])["status"] == "COMPLETED"
    folder = system.edms.storage / "restored" / "look"
    assert folder.stat().st_mode & 0o777 == 0o700
    for name in files:
        assert (folder / "files/media" / name).read_bytes() == (system.edms.media / name).read_bytes()

    planned = system.operation(system.post("restores/plan/", choices, expect=202))
    assert "is not empty" in planned["result"]["blocking"][0]
    refused = system.post("restores/", {**choices, "plan": planned["uuid"]}, expect=409)
    assert "is not empty" in refused["detail"]
    restore, operation = system.restore(backup, target="folder", name="look")
    assert (restore["status"], operation["status"]) == ("FAILED", "FAILED")
    assert "is not empty" in operation["error_message"]

    _, operation = system.restore(backup, target="database", name="scratch_1")
    assert operation["status"] == "COMPLETED", operation
    place = operation["result"]["place"]
    assert place == str(system.edms.storage.resolve() / "restored" / "scratch_1")
    with contextlib.closing(sqlite3.connect(place)) as connection:
        assert connection.execute("SELECT count(*) FROM auth_user").fetchone() == (1,)


def test_a_plan_says_whose_access_comes_back_and_is_of_that_choice(system, backup):
    asked = {"backup": backup["job"], "target": "live"}
    name = system.get(f"jobs/{backup['job']}/")["job_name"]
    plans = {}
    for drop in (None, True):
        planned = system.operation(system.post("restores/plan/", {**asked, "drop_access": drop}, expect=202))
        plans[drop] = planned["result"]
        said = planned["result"]["access"]
        assert any(line.startswith("users (auth.User): 1 in the backup, ") for line in said), planned
        assert planned["arguments"]["drop_access"] is drop
    # A backup of this system, which signs no user out unless it is asked to.
    assert (plans[None]["drop_access"], plans[True]["drop_access"]) == (False, True)
    other = system.post("restores/", {**asked, "confirm": name, "plan": planned["uuid"]}, expect=400)
    assert [error["field"] for error in other["errors"]] == ["plan"]


def test_a_part_of_a_backup(system, backup):
    names = sorted(system.files())[:2]
    paths = [f"files/media/{name}" for name in names]
    folder = {"target": "folder", "name": "part", "paths": paths}
    restore, operation = system.restore(backup, **folder)
    assert restore["plan"]["paths"] == paths
    assert (restore["status"], restore["restore_type"]) == ("COMPLETED", "SELECTIVE_RESTORE"), operation
    place = system.edms.storage / "restored" / "part"
    found = {str(path.relative_to(place)): path.stat().st_size for path in place.rglob("*") if path.is_file()}
    assert sorted(found) == paths
    assert restore["counts"] == {"databases": 0, "files": 2, "bytes": sum(found.values())}

    tables = system.get(f"jobs/{backup['job']}/tables/", until=None)["results"]
    assert {"database": "default", "name": "auth_user", "rows": 1} in tables
    restore, operation = system.restore(backup, target="database", name="users", tables=["auth_user"])
    assert (restore["status"], restore["restore_type"]) == ("COMPLETED", "SELECTIVE_RESTORE"), operation
    assert restore["counts"] == {"databases": 1, "tables": 1, "rows": 1, "files": 0}
    with contextlib.closing(sqlite3.connect(operation["result"]["place"])) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        assert tables.fetchall() == [("auth_user",)]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("paths", {"target": "live", "paths": ["files"]}),
        ("paths", {"target": "database", "name": "x", "paths": ["files"]}),
        ("paths", {"target": "folder", "name": "x", "paths": ["/"]}),
        ("paths", {"target": "folder", "name": "x", "paths": ["files/../x"]}),
        ("paths", {"target": "folder", "name": "x", "paths": ["files/\ud800"]}),
        ("paths", {"target": "folder", "name": "x", "paths": ["project/.env"]}),
        ("paths", {"target": "folder", "name": "x", "paths": ["x" * 4097]}),
        ("paths", {"target": "folder", "name": "x", "paths": ["x"] * 1001}),
        ("tables", {"target": "live", "tables": ["x"]}),
        ("tables", {"target": "folder", "name": "x", "tables": ["x"]}),
        ("leave_out", {"target": "database", "name": "x", "tables": ["x"], "leave_out": ["x"]}),
        ("drop_access", {"target": "folder", "name": "x", "drop_access": True}),
        ("drop_access", {"target": "live", "only": "files", "drop_access": False}),
        ("drop_access", {"target": "live", "drop_access": "perhaps"}),
    ],
)
def test_parts_that_are_refused(system, backup, field, values):
    refused = system.post("restores/", {"backup": backup["job"], **values}, expect=400)
    assert [one["field"].partition(".")[0] for one in refused["errors"]] == [field]


def test_names_that_lead_elsewhere_are_refused(system, backup):
    for name in ("../out", "a/b", ".hidden", "", "/tmp/x", "a\0b", "é"):
        values = {"backup": backup["job"], "target": "folder", "name": name}
        assert [one["field"] for one in system.post("restores/", values, expect=400)["errors"]] == ["name"]
    for name in ("1a", "a-b", 'a"b', "a" * 64):
        values = {"backup": backup["job"], "target": "database", "name": name}
        assert [one["field"] for one in system.post("restores/", values, expect=400)["errors"]] == ["name"]
    root = system.edms.storage / "restored"
    root.mkdir(exist_ok=True)
    (root / "link").symlink_to(system.edms.home)
    _, operation = system.restore(backup, target="folder", name="link")
    assert operation["status"] == "FAILED"
    assert "leads out" in operation["error_message"]


def test_a_running_restore_is_cancelled_and_leaves_nothing(system, backup):
    files, before = system.files(), leftovers(system)
    made = system.post("restores/", {"backup": backup["job"], "confirm": system.name(backup)}, expect=201)
    with system.held():
        asked = system.post(f"restores/{made['restore']['uuid']}/cancel/", {"reason": "wrong one"}, expect=202)
        assert (asked["status"], asked["cancel_requested_at"] is None) == ("RUNNING", False)
    ended = system.operation(made["operation"])
    assert (ended["status"], ended["error_message"]) == ("CANCELLED", "wrong one")
    restore = system.get(f"restores/{made['restore']['uuid']}/")
    assert restore["status"] == "CANCELLED"
    assert system.files() == files
    assert leftovers(system) == before
    # Nothing stands in the way of the next one.
    _, operation = system.restore(backup, safety_backup=False)
    assert operation["status"] == "COMPLETED", operation


def test_one_that_is_killed_is_found_dead_and_leaves_nothing(system, backup):
    before = leftovers(system)
    made = system.post("restores/", {"backup": backup["job"], "confirm": system.name(backup)}, expect=201)
    with system.held() as pid:
        os.kill(pid, signal.SIGKILL)
    ended = system.operation(made["operation"])
    assert ended["status"] == "FAILED"
    assert "killed by signal 9" in ended["error_message"]
    assert system.get(f"restores/{made['restore']['uuid']}/")["status"] == "FAILED"
    assert leftovers(system) == before


def test_the_next_agent_settles_what_was_killed_with_the_last(system, backup):
    made = system.post("restores/", {"backup": backup["job"], "confirm": system.name(backup)}, expect=201)
    with system.held() as pid:
        system.agent.kill()
        system.agent.communicate()
        os.kill(pid, signal.SIGKILL)
    system.start_agent()
    ended = system.operation(made["operation"])
    assert ended["status"] == "FAILED"
    assert "is gone" in ended["error_message"]


def test_one_that_is_killed_while_there_is_no_database_is_completed_by_the_agent(system, backup):
    """As after a kill between the moves of the old file and the new one: only the journal knows."""
    restore, operation = system.restore(backup, only="database", safety_backup=False)
    half = "UPDATE backup_restorejob SET status = 'RUNNING', rollback_state = 'NONE' WHERE uuid = ?"
    system.agent.send_signal(signal.SIGSTOP)
    system.edms.write(half, uuid.UUID(restore["uuid"]).hex)
    half = "UPDATE backup_operation SET status = 'RUNNING', result = '{}' WHERE uuid = ?"
    system.edms.write(half, uuid.UUID(operation["uuid"]).hex)
    path = system.edms.storage / f"restores/{restore['uuid']}.json"
    journal = json.loads(path.read_text())
    journal["state"], journal["components"][0]["step"] = "swapping", "new-in"
    path.write_text(json.dumps(journal))
    # Data that a web server's connection has left in the log would stay behind.
    checkpoint_log(system.edms.database)
    Path(journal["components"][0]["live"]).rename(journal["components"][0]["staged"])
    system.agent.send_signal(signal.SIGCONT)

    ended = system.operation(operation)
    assert (ended["status"], ended["result"]["restore"]) == ("COMPLETED", restore["uuid"])
    assert ended["result"]["notes"]
    found = system.get(f"restores/{restore['uuid']}/")
    assert (found["status"], found["rollback_state"]) == ("COMPLETED", "AVAILABLE")
    assert system.users() == ["admin"]


def leftovers(system: System) -> list[str]:
    """The folders kept of restores for their rollback, and whatever else they have left."""
    return sorted([str(path) for path in system.edms.home.rglob(f"*{RESTORE_MARK}*")])
