"""Restores over HTTP, done by the agent to a real EDMS while its web server runs."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Iterator

import pytest
from tests.backup.api.restoring import System, running
from tests.backup.conftest import Edms

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


@pytest.fixture
def system(edms: Edms) -> Iterator[System]:
    edms.have_repository()
    with running(edms) as made:
        yield made


def there_and_back(system: System) -> None:
    """Planned, restored, rolled back, restored again and released; to a folder and a database besides."""
    system.add_user("kept")
    files, users = system.files(), system.users()
    backup = system.edms.json("trigger_backup", "--type", "FULL")
    system.add_user("later")
    (system.edms.media / "papers/paper-00001.bin").write_bytes(b"other")
    (system.edms.media / "new.bin").write_bytes(b"new")
    changed = system.files()

    choices = {"backup": backup["job"], "safety_backup": False}
    planned = system.operation(system.post("restores/plan/", choices, expect=202))
    assert planned["status"] == "COMPLETED", planned
    assert planned["result"]["blocking"] == []
    assert {one["kind"] for one in planned["result"]["replacements"]} == {"database", "files"}
    assert (system.files(), system.users()) == (changed, [*users, "later"])
    other = system.post(
        "restores/",
        {**choices, "safety_backup": True, "plan": planned["uuid"], "confirm": system.name(backup)},
        expect=400,
    )
    assert [error["field"] for error in other["errors"]] == ["plan"]

    restore, operation = system.restore(backup, safety_backup=False, plan=planned["uuid"])
    assert (operation["status"], restore["status"]) == ("COMPLETED", "COMPLETED"), operation
    assert (system.files(), system.users()) == (files, users)
    assert restore["rollback_state"] == "AVAILABLE"
    assert restore["counts"]["files"] == len(files)
    assert [phase["phase"] for phase in restore["phases"]][-2:] == ["carrying the ledger over", "swapping"]
    assert restore["requested_by"] == "admin"
    assert operation["result"]["restore"] == restore["uuid"]
    assert operation["started_at"] < operation["completed_at"]

    where = f"restores/{restore['uuid']}/"
    rolled = system.operation(system.post(f"{where}rollback/", {}, expect=202))
    assert rolled["status"] == "COMPLETED", rolled
    assert (system.files(), system.users()) == (changed, [*users, "later"])
    assert system.get(where)["rollback_state"] == "ROLLED_BACK"
    assert system.ask("POST", f"{where}release/", {})[0] == 409

    again, _ = system.restore(backup, only="files", safety_backup=False)
    assert (system.files(), system.users()) == (files, [*users, "later"])
    released = system.operation(system.post(f"restores/{again['uuid']}/release/", {}, expect=202))
    assert released["status"] == "COMPLETED", released
    assert system.get(f"restores/{again['uuid']}/")["rollback_state"] == "RELEASED"
    system.edms.run("backup_audit", "--verify")


def elsewhere(system: System) -> None:
    backup = system.edms.json("trigger_backup", "--type", "FULL")
    restore, operation = system.restore(backup, target="folder", name="look")
    assert operation["status"] == "COMPLETED", operation
    folder = system.edms.storage / "restored" / "look"
    assert folder.stat().st_mode & 0o777 == 0o700
    for name in system.files():
        assert (folder / "files/media" / name).read_bytes() == (system.edms.media / name).read_bytes()
    assert (restore["status"], restore["rollback_state"]) == ("COMPLETED", "NONE")
    again, refused = system.restore(backup, target="folder", name="look")
    assert (again["status"], refused["status"]) == ("FAILED", "FAILED")
    assert "is not empty" in refused["error_message"]
    restore, operation = system.restore(backup, target="database", name="scratch_1")
    assert operation["status"] == "COMPLETED", operation
    return operation["result"]["place"]


def test_there_and_back_with_sqlite(system):
    there_and_back(system)
    place = elsewhere(system)
    assert place == str(system.edms.storage.resolve() / "restored" / "scratch_1")
    with sqlite3.connect(place) as connection:
        assert connection.execute("SELECT count(*) FROM auth_user").fetchone() == (3,)
    connection.close()


@pytest.mark.postgresql
def test_there_and_back_with_postgresql(edms, postgres):
    edms.database.unlink()
    edms.environment["DATABASE_URL"] = postgres.url("edms")
    edms.run("migrate", "-v0")
    edms.have_repository()
    with running(edms) as system:
        there_and_back(system)
        assert elsewhere(system) == "scratch_1"
        with postgres.connect("scratch_1") as connection:
            assert connection.execute("SELECT count(*) FROM auth_user").fetchone() == (3,)


def test_names_that_lead_elsewhere_are_refused(system):
    backup = system.edms.json("trigger_backup", "--type", "FILES")
    for name in ("../out", "a/b", ".hidden", "", "/tmp/x", "a\0b", "é"):
        values = {"backup": backup["job"], "target": "folder", "name": name}
        assert [one["field"] for one in system.post("restores/", values, expect=400)["errors"]] == ["name"]
    for name in ("1a", "a-b", 'a"b', "a" * 64):
        values = {"backup": backup["job"], "target": "database", "name": name}
        assert [one["field"] for one in system.post("restores/", values, expect=400)["errors"]] == ["name"]
    root = system.edms.storage / "restored"
    root.mkdir()
    (root / "link").symlink_to(system.edms.home)
    _, operation = system.restore(backup, target="folder", name="link")
    assert operation["status"] == "FAILED"
    assert "leads out" in operation["error_message"]


def test_a_running_restore_is_cancelled_and_leaves_nothing(system):
    backup = system.edms.json("trigger_backup", "--type", "FULL")
    files = system.files()
    made = system.post("restores/", {"backup": backup["job"], "confirm": system.name(backup)}, expect=201)
    with system.held():
        asked = system.post(f"restores/{made['restore']['uuid']}/cancel/", {"reason": "wrong one"}, expect=202)
        assert (asked["status"], asked["cancel_requested_at"] is None) == ("RUNNING", False)
    ended = system.operation(made["operation"])
    assert (ended["status"], ended["error_message"]) == ("CANCELLED", "wrong one")
    restore = system.get(f"restores/{made['restore']['uuid']}/")
    assert restore["status"] == "CANCELLED"
    assert system.files() == files
    assert leftovers(system) == []
    # Nothing stands in the way of the next one.
    _, operation = system.restore(backup, safety_backup=False)
    assert operation["status"] == "COMPLETED", operation


def test_one_that_is_killed_is_found_dead_and_leaves_nothing(system):
    backup = system.edms.json("trigger_backup", "--type", "FULL")
    made = system.post("restores/", {"backup": backup["job"], "confirm": system.name(backup)}, expect=201)
    with system.held() as pid:
        os.kill(pid, signal.SIGKILL)
    ended = system.operation(made["operation"])
    assert ended["status"] == "FAILED"
    assert "killed by signal 9" in ended["error_message"]
    assert system.get(f"restores/{made['restore']['uuid']}/")["status"] == "FAILED"
    assert leftovers(system) == []


def test_the_next_agent_settles_what_was_killed_with_the_last(system):
    backup = system.edms.json("trigger_backup", "--type", "FULL")
    made = system.post("restores/", {"backup": backup["job"], "confirm": system.name(backup)}, expect=201)
    with system.held() as pid:
        system.agent.kill()
        system.agent.communicate()
        os.kill(pid, signal.SIGKILL)
    system.start_agent()
    ended = system.operation(made["operation"])
    assert ended["status"] == "FAILED"
    assert "is gone" in ended["error_message"]


def leftovers(system: System) -> list[str]:
    return [str(path) for path in system.edms.home.rglob("*backup-restore*")]
