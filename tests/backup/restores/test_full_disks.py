"""A full disk: the restore says what it left, and goes on when there is room."""

import contextlib
import json
import resource
import shutil
import signal
import sqlite3

import pytest
from tests.backup.restores.test_failures import begun

from apps.backup.errors import JournalUnwritable, StorageFull
from apps.backup.restores.engines.sqlite.carry_ledger import carry_sqlite


def test_a_journal_that_does_not_fit_on_the_disk_leaves_the_one_before(settings, tmp_path):
    settings.BACKUP_STORAGE_ROOT = tmp_path
    settings.BACKUP_FALLBACK_ROOT = tmp_path / "fallback"
    folder = tmp_path / "restores"
    folder.mkdir()
    journal = begun()
    before = journal.path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    journal.plan = {"warnings": "x" * 2000}
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        with pytest.raises(JournalUnwritable, match=f"{journal.path} .* too large. Make room there"):
            journal.save()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert journal.path.read_bytes() == before
    assert list(folder.iterdir()) == [journal.path]


FULL = """
import errno, os, pathlib
sync = os.fsync
def full(descriptor):
    file = pathlib.Path(f"/proc/self/fd/{descriptor}")
    if file.is_file() and b'"state": "STATE"' in file.read_bytes():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    sync(descriptor)
os.fsync = full
"""
"""The disk of the storage, as a journal in that state finds it."""
COMMAND = """
from django.core.management import call_command
call_command("restore_backup", "latest", "--yes", "--no-safety-backup", "--only", "files")
"""
OPERATION = """
from django.contrib.auth.models import User
from django.utils import timezone
from apps.backup.models import BackupJob, RestoreJob
from apps.backup.operations import run_operation
from apps.backup.policies.restore_request import RestoreRequest
from apps.backup.services.restore_requests import release_request, restore_request
user, now = User.objects.get_or_create(username="admin")[0], timezone.now()
def restore():
    job = BackupJob.objects.get()
    choices = RestoreRequest(backup=job.uuid, only="files", safety_backup=False)
    return restore_request(choices, user=user, now=now, confirm=job.job_name)
def release():
    return release_request(RestoreJob.objects.get().uuid, user=user, now=now)
run_operation(WISH().uuid)
"""
SETTLE = """
from django.utils import timezone
from apps.backup.models import *
from apps.backup.operations import settle_operations
settle_operations(now=timezone.now())
restore = RestoreJob.objects.get()
print(restore.status, restore.rollback_state, *Operation.objects.order_by("queued_at").values_list("status", flat=True))
"""


def on_a_full_disk(host, state, code):
    done = host.run("shell", "-c", FULL.replace("STATE", state) + code, expect=None)
    assert done.returncode != 0
    assert "put back" not in done.stderr
    return done.stderr


def test_a_disk_that_is_full_when_all_is_live_does_not_say_that_the_old_state_is_back(sqlite_host):
    host = sqlite_host
    host.json("trigger_backup", "--type", "FULL")
    backed_up = host.tree()
    (host.media / "later.txt").write_text("written since")

    said = on_a_full_disk(host, "swapped", COMMAND)

    assert "The restored state is live, and the replaced state is kept. But: The journal " in said
    assert host.tree() == backed_up
    completed = host.run("restore_backup", "--list", HOST_REBUILDS="manage.py update_index")
    assert "it was completed, and what it replaced is kept" in completed.stderr
    # The page of the restore shows the same as if nothing had happened.
    ((phases, log),) = host.rows("SELECT phases, log FROM backup_restorejob")
    assert json.loads(log)[-1] == "rebuild now: manage.py update_index"
    assert "restoring the files" in phases
    assert host.run("shell", "-v0", "-c", SETTLE).stdout.split() == ["COMPLETED", "AVAILABLE"]


def test_an_operation_that_a_full_disk_cut_off_ends_when_there_is_room(sqlite_host):
    host = sqlite_host
    host.json("trigger_backup", "--type", "FULL")
    on_a_full_disk(host, "swapped", OPERATION.replace("WISH", "restore"))
    assert host.run("shell", "-v0", "-c", SETTLE).stdout.split() == ["COMPLETED", "AVAILABLE", "COMPLETED"]
    assert "is not complete: The journal " in on_a_full_disk(host, "released", OPERATION.replace("WISH", "release"))
    assert host.run("shell", "-v0", "-c", SETTLE).stdout.split() == ["COMPLETED", "RELEASED", "COMPLETED", "COMPLETED"]


def test_a_ledger_that_finds_no_room_is_not_given_up(migrated_home, tmp_path):
    """It went on without: what was newer than the backup was forgotten, for want of some kilobytes."""
    [database] = migrated_home.glob("*.sqlite3")
    live, staged = shutil.copy(database, tmp_path / "live"), shutil.copy(database, tmp_path / "staged")
    with contextlib.closing(sqlite3.connect(live)) as connection, connection:
        columns = connection.execute("PRAGMA table_info(backup_upload)").fetchall()
        values = ["x" * 2_000_000 if "char" in column[2] else 1 for column in columns]
        connection.execute(f"INSERT INTO backup_upload VALUES ({', '.join('?' * len(values))})", values)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (database.stat().st_size + 100_000, hard))
        with pytest.raises(StorageFull, match=f"no space left in {tmp_path} .* Nothing live was changed"):
            carry_sqlite(live, staged)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert carry_sqlite(live, staged) == ""


NO_ROOM = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER no_room BEFORE INSERT ON backup_backupjob FOR EACH ROW
WHEN (current_database() <> '{name}') EXECUTE FUNCTION no_room()
"""


def test_a_ledger_that_finds_no_room_on_a_server_is_not_given_up(postgres_host, postgres):
    host = postgres_host
    with postgres.connect(host.name) as connection:
        connection.execute(NO_ROOM.format(name=host.name))
    backup = host.json("trigger_backup", "--type", "DATABASE")
    refused = host.json("restore_backup", backup["job"], "--yes", "--no-safety-backup", expect=1)
    assert "no space left on the server" in refused["error"]
    assert "Nothing live was changed" in refused["error"]
    assert host.leftovers() == []
