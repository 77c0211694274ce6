"""Writes between the backup of the live state and the swap wait, or are counted and named."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import signal
from pathlib import Path

import pytest
from django.http import HttpResponse
from tests.backup.testing.edms import kill
from tests.backup.testing.serving import serving, wait_until
from tests.backup.testing.stored_backup import ROOT

from apps.backup.core.application_hold import Scope, held, scope_of, write_lock
from apps.backup.middleware import HoldWrites

pytestmark = pytest.mark.slow

# A restore during which another program writes: after the backup of the live state, and before the swap.
WRITING = """
import contextlib, json, sys
from pathlib import Path
from django.conf import settings
from django.db import OperationalError, connection
from apps.backup.core.progress import Tracker
from apps.backup.backups.resolve import resolve_backup
from apps.backup.policies.restore_request import RestoreRequest
from apps.backup.restores import Restore, open_origin, plan_restore
from hostproject.models import Everything

@contextlib.contextmanager
def write():
    {writes}
    connection.close()
    yield

ref, choice = resolve_backup("{backup}"), RestoreRequest()
with open_origin(ref) as origin:
    plan = plan_restore(ref, origin, choice, safety_backup=True, progress=lambda files, size: None)
    result = Restore(ref, origin, plan, choice, Tracker(), lambda: None, point_of_no_return=write).run()
print(json.dumps({{"restore": str(result.restore), "notes": result.notes, "changes": result.changes.to_json()}}))
"""


WRITES = """
    Everything.objects.filter(pk__lt=4).delete()
    assert Everything.objects.filter(pk__in=(10, 11)).update(char="changed, says the server") == 2
    Path(settings.MEDIA_ROOT, "late.txt").write_text("saved, says the server")
    with connection.cursor() as cursor:
        cursor.execute('CREATE TABLE "100% sure" (id integer)')
"""
# Another session may read, and does not get to write.
IS_HELD = """
    assert Everything.objects.count() == 60
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")
        try:
            Everything.objects.filter(pk=10).update(char="changed")
        except OperationalError as error:
            assert "lock timeout" in str(error)
        else:
            raise AssertionError("the server says that it is saved")
"""


def restore_while_written_to(host, backup, writes=WRITES, **variables):
    done = host.run("shell", "-v0", "-c", WRITING.format(backup=backup, writes=writes), **variables)
    return json.loads(done.stdout.splitlines()[-1])


def test_late_writes_are_counted_named_and_can_be_looked_at(host):
    backup = host.json("trigger_backup", "--type", "FULL")["job"]
    done = restore_while_written_to(host, backup, HOST_HOLDS_NOTHING="1")
    restore, tables, (files,) = done["restore"], done["changes"]["tables"], done["changes"]["files"]
    shown = host.json("restore_backup", "--release", restore, "--dry-run")["only_there"]
    closed = admits(host)
    tried = host.json("restore_backup", "--open-kept", restore, "--dry-run")
    still_closed = admits(host)
    opened = host.json("restore_backup", "--open-kept", restore)
    trail = host.json("backup_audit")["events"]
    way = "--release" if host.server is None else "--rollback"
    ended = host.run("restore_backup", way, restore, "--yes", "--no-safety-backup")

    (table,) = [one for one in tables if one["table"].endswith("hostproject_everything")]
    assert (table["before"], table["after"], table["written"]) == (60, 57, 3), "the third lost its parent"
    assert not [one for one in tables if "backup_" in one["table"]], "the catalogue was carried over"
    assert (files["root"], files["written"], files["examples"]) == ("media", 1, ["late.txt"])
    assert files["after"] == files["before"] + 1
    assert (done["changes"]["unknown"], done["changes"]["uncounted"]) == ([], [])
    assert any(
        "hostproject_everything: 60 rows in the backup, 57 at the swap, 3 of them added or changed" in line
        for line in shown
    )
    assert any("late.txt" in line for line in shown)
    assert any(f"--open-kept {restore}" in line for line in done["notes"])
    assert tried["look"] == opened["look"]
    assert len(opened["look"]) == 2
    assert (closed, still_closed) == (([], []) if host.server is None else ([False], [False]))
    assert "restore.open_kept" in {event["action"] for event in trail}
    if host.server is None:
        assert "late.txt" in ended.stderr
        assert "60 rows in the backup, 57 at the swap" in " ".join(ended.stdout.split())
        assert host.leftovers() == []
    else:
        assert "rolled-back" in ended.stdout
        assert (host.media / "late.txt").exists()


def test_other_sessions_of_postgresql_wait_with_their_writes(postgres_host):
    backup = postgres_host.json("trigger_backup", "--type", "FULL")["job"]
    done = restore_while_written_to(postgres_host, backup, IS_HELD)

    assert (done["changes"]["tables"], done["changes"]["unknown"]) == ([], [])
    assert not [note for note in done["notes"] if "could write" in note]
    # The backup before a rollback holds them as well, and the swap ends the session that does.
    assert "rolled-back" in postgres_host.run("restore_backup", "--rollback", done["restore"], "--yes").stdout


def admits(host):
    """Whether the kept databases let connections in."""
    if host.server is None:
        return []
    with host.server.connect() as connection:
        rows = connection.execute(
            "SELECT datallowconn FROM pg_database WHERE datname LIKE %s", (f"{host.name}\\_old%",)
        )
        return [row[0] for row in rows]


def test_restores_say_how_long_they_took_and_are_in_the_audit_trail(sqlite_host, tmp_path):
    backup = sqlite_host.json("trigger_backup", "--type", "FULL")["job"]
    folder, database = tmp_path / "looked-at", tmp_path / "copy.sqlite3"
    to_folder = sqlite_host.json("restore_backup", backup, "--to-folder", str(folder))
    to_database = sqlite_host.json("restore_backup", backup, "--to-database", str(database))
    live = sqlite_host.json("restore_backup", backup, "--yes")
    events = sqlite_host.json("backup_audit")["events"]
    completed = [event["details"] for event in events if event["action"] == "restore.complete"]

    assert {one["target"] for one in completed} == {f"folder {folder}", f"database {database}", "live"}
    assert all(float(one["seconds"]) > 0 for one in completed)
    rows = sqlite_host.rows("SELECT target, status, rollback_state FROM backup_restorejob ORDER BY id")
    assert rows == [
        (f"folder {folder}", "COMPLETED", "NONE"),
        (f"database {database}", "COMPLETED", "NONE"),
        ("live", "COMPLETED", "AVAILABLE"),
    ]
    assert all(one["seconds"] > 0 for one in (to_folder, to_database, live))
    assert (live["changes"]["tables"], live["changes"]["files"], live["changes"]["unknown"]) == ([], [], [])
    assert any("nothing was written between" in note for note in live["notes"])


def test_writes_wait_while_a_restore_holds_and_go_on_when_its_process_is_gone(new_edms):
    new_edms.have_repository()
    new_edms.run("trigger_backup", "--type", "FULL")
    restore = new_edms.start("restore_backup", "latest", "--yes")
    hold = new_edms.storage / "restores" / ".hold"
    wait_until(lambda: hold.exists() and hold.stat().st_size)
    restore.send_signal(signal.SIGSTOP)
    try:
        with serving(new_edms, "uvicorn", "") as server:

            def ask(method, address):
                connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
                connection.request(method, address)
                answer = connection.getresponse()
                connection.close()
                return answer.status, answer.headers["Retry-After"]

            reading = ask("GET", "/admin/login/")
            saving = ask("POST", "/admin/login/")
            ours = ask("POST", f"{ROOT}system/status/")
            swapping = swap_letter(hold, lambda: ask("GET", "/admin/login/"))
            kill(restore)
            after = ask("POST", "/admin/login/")
    finally:
        restore.kill()
    assert reading == (200, None)
    assert saving == (503, "30")
    assert ours[0] in {401, 403, 405}
    assert swapping == (503, "5")
    assert after[0] == 403, "there is no CSRF token; the middleware has let it in"
    assert hold.stat().st_size


def swap_letter(hold: Path, ask):
    """As it is during the swap, without one: the restore has stopped, and holds its lock."""
    hold.write_text(Scope.EVERYTHING)
    try:
        return ask()
    finally:
        hold.write_text(Scope.WRITES)


def test_the_middleware_without_an_event_loop(tmp_path, settings, rf):
    settings.BACKUP_STORAGE_ROOT = str(tmp_path)
    (tmp_path / "restores").mkdir()
    seen = []
    middleware = HoldWrites(lambda request: seen.append(request.method) or HttpResponse("done"))
    with held(tmp_path) as hold:
        refused, read = middleware(rf.post("/admin/")), middleware(rf.get("/admin/"))
        hold.enter(Scope.EVERYTHING)
        swapping = middleware(rf.get("/admin/"))
        ours = middleware(rf.get(f"{ROOT}jobs/"))
    let_in = middleware(rf.post("/admin/"))
    assert [one.status_code for one in (refused, read, swapping, let_in)] == [503, 200, 503, 200]
    assert (ours.status_code, ours["Content-Type"]) == (503, "application/problem+json")
    assert json.loads(ours.content)["type"] == "urn:edms-backup:problem:unavailable"
    assert (refused["Retry-After"], swapping["Retry-After"]) == ("30", "5")
    assert seen == ["GET", "POST"]


def test_a_restore_waits_for_requests_that_are_writing(tmp_path, monkeypatch):
    monkeypatch.setattr("apps.backup.core.application_hold.PATIENCE", 0.2)
    (tmp_path / "restores").mkdir()
    with write_lock(tmp_path), held(tmp_path) as hold:
        assert "still writing" in hold.notes[0]
        assert scope_of(tmp_path) is Scope.WRITES
    with held(tmp_path) as hold:
        assert hold.notes == []
        hold.enter(Scope.EVERYTHING)
        assert scope_of(tmp_path) is Scope.EVERYTHING
    assert scope_of(tmp_path) is None


def test_a_letter_without_its_lock_holds_nothing(tmp_path):
    (tmp_path / "restores").mkdir()
    letter = tmp_path / "restores" / ".hold"
    letter.write_text(Scope.EVERYTHING)
    assert scope_of(tmp_path) is None
    with letter.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert scope_of(tmp_path) is Scope.EVERYTHING
    (tmp_path / "restores" / ".hold").unlink()
    os.mkfifo(letter)
    assert scope_of(tmp_path) is None
