"""A failed restore ends with a clear message and exit code 1, and leaves the live system as it was."""

import datetime
import json
import os
import threading
import time
import uuid

import msgspec
import pytest
from django.db import connections
from tests.backup.testing.edms import kill
from tests.backup.testing.hosting import start_with_file_limit
from tests.backup.testing.stored_backup import MANIFEST

from apps.backup.core import mounts
from apps.backup.core.manifest import FileRootRecord
from apps.backup.errors import RestoreRefused, RestoreUnfinished
from apps.backup.policies.restore_request import RestoreRequest
from apps.backup.restores.engines.registry import DATABASE_ENGINES
from apps.backup.restores.journal import Component, Journal, Kind, State
from apps.backup.restores.planning.databases import _plan_file
from apps.backup.restores.planning.live import _plan_root, require_leave_out
from apps.backup.restores.planning.plan import Plan
from apps.backup.restores.swap import kept_journal, recover, swap


@pytest.mark.parametrize("only", ["database", "files"])
def test_disk_full_in_the_middle(sqlite_host, only):
    host = sqlite_host
    (host.media / "large.bin").write_bytes(os.urandom(3_000_000))
    backup = host.json("trigger_backup", "--type", "FULL")
    rows, files = host.dump(), host.tree()

    result = start_with_file_limit(
        host, 300, "restore_backup", backup["job"], "--yes", "--no-safety-backup", "--only", only
    )

    assert result.returncode == 1
    assert "CommandError" in result.stderr
    assert "Traceback" not in result.stderr
    assert (host.dump(), host.tree()) == (rows, files)
    assert host.leftovers() == []
    state = host.json("restore_backup", "--list")["restores"][0]["state"]
    assert state == "undone"


def test_a_killed_restore_leaves_the_old_state_and_is_cleaned_up(host):
    backup = host.json("trigger_backup", "--type", "FULL")
    rows, files = host.dump(), host.tree()
    process = host.start("restore_backup", backup["job"], "--yes", "--no-safety-backup")
    journals = host.storage / "restores"
    deadline = time.monotonic() + 60
    while not any(json.loads(path.read_text())["components"] for path in journals.glob("*.json")):
        assert process.poll() is None
        assert time.monotonic() < deadline, f"Waited 60 seconds for components in a journal of {journals}"
        time.sleep(0.002)
    kill(process)

    recovered = host.run("restore_backup", "--list")

    assert "was cut off" in recovered.stderr
    assert (host.dump(), host.tree()) == (rows, files)
    if "undone" in recovered.stdout:
        assert host.leftovers() == []
        state = "from apps.backup.models import *; print(RestoreJob.objects.get().status)"
        assert host.run("shell", "-c", state).stdout.split()[-1] == "FAILED"


def test_no_room_is_seen_in_the_plan(sqlite_host, tmp_path):
    host = sqlite_host
    with (host.media / "sparse.bin").open("wb") as file:
        file.truncate(1 << 42)
    assert os.statvfs(host.media).f_bavail * os.statvfs(host.media).f_frsize < 1 << 42
    # A whole package or snapshot of such a file takes too long here: the plan needs the manifest's numbers only.
    (host.media / "sparse.bin").unlink()
    backup = host.json("trigger_backup", "--type", "FULL")
    code = (
        "import msgspec; from apps.backup.backups.resolve import resolve_backup; from apps.backup.restores import *;"
        "from apps.backup.policies.restore_request import RestoreRequest;"
        "ref = resolve_backup('latest')\n"
        "with open_origin(ref) as origin:\n"
        "    root = msgspec.structs.replace(origin.manifest.files[0], bytes=1 << 42)\n"
        "    origin.manifest = msgspec.structs.replace(origin.manifest, files=[root])\n"
        "    nothing = lambda files, size: None\n"
        "    plan = plan_restore(ref, origin, RestoreRequest(), safety_backup=False, progress=nothing)\n"
        "print(plan.blocking)"
    )
    assert backup["status"] == "COMPLETED"
    # Of what it needs and what stays free the message says both: else they may seem to fit.
    assert " to spare; make room" in host.run("shell", "-c", code).stdout


def test_damaged_snapshot_changes_nothing(host):
    backup = host.json("trigger_backup", "--type", "FULL")
    rows, files = host.dump(), host.tree()
    pack = max(
        (host.storage / "repository" / "data").rglob("*"), key=lambda path: path.is_file() and path.stat().st_size
    )
    content = bytearray(pack.read_bytes())
    for place in range(2000, len(content) - 2000, len(content) // 50):
        content[place] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(content)

    host.run("restore_backup", backup["job"], "--yes", "--no-safety-backup", expect=1)

    assert (host.dump(), host.tree()) == (rows, files)
    assert host.leftovers() == []


def test_mounts_inside_a_file_root_are_seen_in_the_plan(settings, tmp_path, monkeypatch):
    """They would go with what is replaced: the next boot mounts them over what was restored."""
    media = settings.MEDIA_ROOT = tmp_path / "the media"
    (media / "scans").mkdir(parents=True)
    table = tmp_path / "mountinfo"
    monkeypatch.setattr(mounts, "_TABLE", table)
    root = FileRootRecord(name="media", path=str(media), files=0, folders=0, others=0, bytes=0)

    def planned(*places):
        table.write_text("".join(f"1 2 8:1 / {str(place).replace(' ', chr(92) + '040')} rw\n" for place in places))
        plan, needed = Plan("a backup", "", "FILES_RESTORE", ""), {}
        _plan_root(plan, root, needed)
        return plan.blocking, [*needed]

    assert planned("/", tmp_path) == ([], [tmp_path])
    # One of a folder of the same disk, which cannot be renamed either.
    assert planned("/", media) == ([], [media])
    ((said,), _) = planned("/", media / "scans")
    assert f"has mounts inside ({media / 'scans'})" in said
    # A folder that a restore leaves alone may be one.
    settings.BACKUP_STORAGE_ROOT = media / "scans"
    assert planned("/", media / "scans") == ([], [media])


def test_a_database_file_that_is_a_mount_is_seen_in_the_plan(tmp_path, monkeypatch):
    """A container may be given the file alone."""
    database, table = tmp_path / "edms.sqlite3", tmp_path / "mountinfo"
    database.touch()
    monkeypatch.setattr(mounts, "_TABLE", table)
    monkeypatch.setitem(connections["default"].settings_dict, "NAME", str(database))

    def planned(place):
        table.write_text(f"1 2 8:1 / {place} rw\n")
        plan = Plan("a backup", "", "DATABASE_RESTORE", "")
        _plan_file(plan, DATABASE_ENGINES["sqlite"], "default", {}, size=0, room=0, place=None)
        return plan.blocking

    assert planned(tmp_path) == []
    assert "is a mount of its own" in planned(database)[0]


def begun(*components):
    """The journal of a restore that has been begun."""
    journal = Journal(
        restore=uuid.uuid4(),
        backup="a backup",
        backup_job=None,
        restore_type="FILES_RESTORE",
        state=State.STAGING,
        created_at=datetime.datetime.now(datetime.UTC),
        components=list(components),
    )
    journal.save()
    return journal


def test_failed_undo_is_not_reported_as_done(settings, tmp_path):
    """The journal goes with the folder that is swapped, so nothing that follows can be done."""
    live, staged, kept = (tmp_path / name for name in ("live", "staged", "kept"))
    settings.BACKUP_STORAGE_ROOT = live / "backups"
    settings.BACKUP_FALLBACK_ROOT = tmp_path / "file" / "fallback"
    (tmp_path / "file").touch()
    (live / "backups" / "restores").mkdir(parents=True)
    staged.mkdir()
    component = Component(
        kind=Kind.FOLDER, name="media", live=str(live), staged=str(staged), kept=str(kept), had_live=True
    )
    journal = begun(component)
    with pytest.raises(RestoreUnfinished, match=f"could not be put back .*{kept} for {live}"):
        swap(journal)
    assert (kept / "backups").is_dir()


def test_a_release_that_cannot_go_on_keeps_nobody_from_backing_up(settings, tmp_path):
    settings.BACKUP_STORAGE_ROOT = tmp_path / "storage"
    (settings.BACKUP_STORAGE_ROOT / "restores").mkdir(parents=True)
    live = str(tmp_path / "live")
    component = Component(kind=Kind.FOLDER, name="media", live=live, staged=live + ".new", kept=live, had_live=True)
    journal = begun(component)
    journal.enter(State.RELEASING)

    (said,) = recover(lambda _: pytest.fail("it is not done"))

    assert "cannot be deleted yet" in said
    assert "would delete the live" in said
    with pytest.raises(RestoreRefused, match="is being released already"):
        kept_journal(str(journal.restore))


def test_a_file_in_the_way_of_the_target_folder(sqlite_host, tmp_path):
    backup = sqlite_host.json("trigger_backup", "--type", "FULL")
    (tmp_path / "target").write_text("mine")
    answer = sqlite_host.json("restore_backup", backup["job"], "--to-folder", str(tmp_path / "target"), expect=1)
    assert "is not a folder" in answer["error"]
    assert (tmp_path / "target").read_text() == "mine"


def test_unknown_restores_and_backups(sqlite_host):
    sqlite_host.json("trigger_backup", "--type", "DATABASE")
    assert "No restores" in sqlite_host.json("restore_backup", "--rollback", "ffff", "--yes", expect=1)["error"]
    assert "ffff" in sqlite_host.json("restore_backup", "ffffffff", "--yes", expect=1)["error"]
    answer = sqlite_host.json("restore_backup", "latest", "--yes", "--only", "files", expect=1)
    assert "holds nothing" in answer["error"]


@pytest.mark.parametrize("engine", ["oracle", "mysql", "sqlite"])
def test_a_manifest_may_name_any_engine(engine):
    """A package may come from anywhere: an unknown engine is refused with a message, as one without objects is."""
    (record,) = MANIFEST.databases
    manifest = msgspec.structs.replace(MANIFEST, databases=[msgspec.structs.replace(record, engine=engine)], data=[])
    with pytest.raises(RestoreRefused, match=r"this backup holds\s+neither"):
        require_leave_out(manifest, RestoreRequest(leave_out=frozenset({"extension:postgis"})))


def test_other_secret_and_engine_are_seen(postgres_host, tmp_path):
    host = postgres_host
    backup = host.json("trigger_backup", "--type", "FULL")
    plan = host.json("restore_backup", backup["job"], "--dry-run", HOST_SECRET="another")
    assert any("HOST_SECRET" in warning for warning in plan["warnings"])
    assert not any("SECRET_KEY" in warning for warning in plan["warnings"])

    elsewhere = host.json("restore_backup", backup["job"], "--dry-run", DATABASE_URL=None, expect=1)
    assert "sqlite here and was postgresql" in elsewhere["blocking"][0]


@pytest.mark.postgresql
def test_without_the_right_to_create_databases(postgres_host, postgres):
    host = postgres_host
    backup = host.json("trigger_backup", "--type", "FULL")
    rows = host.dump()
    with postgres.connect() as connection:
        connection.execute("DROP ROLE IF EXISTS poor")
        connection.execute("CREATE ROLE poor LOGIN PASSWORD 'poor'")
    url = postgres.url(host.name).replace(postgres.password, "poor").replace("edms:", "poor:")

    answer = host.json("restore_backup", backup["job"], "--yes", "--no-safety-backup", expect=1, DATABASE_URL=url)

    assert "CREATEDB" in answer["error"]
    assert "is not the owner" in answer["error"]
    assert host.dump() == rows


@pytest.mark.postgresql
def test_sessions_that_use_the_database_are_ended(postgres_host, postgres):
    host = postgres_host
    backup = host.json("trigger_backup", "--type", "FULL")
    rows = host.dump()
    stop = threading.Event()
    failures = []

    def insist():
        while not stop.is_set():
            try:
                with postgres.connect(host.name) as connection:
                    while not stop.is_set():
                        connection.execute("SELECT pg_sleep(0.01)")
            except Exception as error:  # noqa: BLE001
                failures.append(error)
                time.sleep(0.01)

    users = [threading.Thread(target=insist) for _ in range(3)]
    for user in users:
        user.start()
    try:
        host.json("restore_backup", backup["job"], "--yes", "--no-safety-backup")
    finally:
        stop.set()
        for user in users:
            user.join()
    assert failures
    assert host.dump() == rows


@pytest.mark.postgresql
def test_obstacles_to_a_rename_keep_the_database_open(postgres_host, postgres):
    """A prepared transaction, which no end of sessions ends, and a session that our role may not end."""
    host = postgres_host
    backup = host.json("trigger_backup", "--type", "FULL")
    done = host.json("restore_backup", backup["job"], "--yes", "--no-safety-backup")
    (old,) = [name for name in host.leftovers() if name.startswith(host.name)]
    with postgres.connect() as connection:
        connection.execute("DROP ROLE IF EXISTS ordinary")
        connection.execute("CREATE ROLE ordinary LOGIN CREATEDB PASSWORD 'ordinary'")
        for name in (host.name, old):
            connection.execute(f'ALTER DATABASE "{name}" OWNER TO ordinary')
    restored = host.tree()
    (host.media / "since").write_bytes(b"written since the restore")
    ordinary = postgres.url(host.name).replace(postgres.password, "ordinary").replace("edms:", "ordinary:")
    roll_back = ("restore_backup", "--rollback", done["restore"], "--yes", "--no-safety-backup")

    with postgres.connect(host.name) as connection:
        connection.execute("CREATE TABLE held ()")
        connection.execute("BEGIN")
        connection.execute("LOCK TABLE held")
        connection.execute("PREPARE TRANSACTION 'in doubt'")
        (obstacle,) = host.json("restore_backup", backup["job"], "--dry-run", expect=1)["blocking"]
        assert "'in doubt'" in obstacle
        assert "ROLLBACK PREPARED" in host.json(*roll_back, expect=1)["error"]
        assert "pg_prepared_xacts" in host.json("trigger_backup", "--type", "DATABASE", expect=1)["error"]
        connection.execute("ROLLBACK PREPARED 'in doubt'")

        assert "cannot be renamed" in host.json(*roll_back, expect=1, DATABASE_URL=ordinary)["error"]
        # It was not sent away, others are let in, no file was moved, and nothing is left to be completed.
        connection.execute("SELECT 1")
    assert (host.media / "since").is_file()
    assert host.json("restore_backup", "--list")["restores"][0]["state"] == "finished"
    host.json(*roll_back)
    assert host.tree() == restored
    assert host.leftovers() == []
