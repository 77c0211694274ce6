"""Jobs that are stopped, killed, or lose their database: nothing is left in the way, and the catalogue says why."""

import json
import signal
import subprocess
import time
import uuid

import pytest
from tests.backup.testing.edms import kill

from demo.private_postgres import private_postgres
from strongroom.backends import LocalBackend
from strongroom.repository import Repository

RUNNING = "status = 'RUNNING'"


@pytest.fixture
def busy(edms):
    """An EDMS whose backup takes a few seconds."""
    edms.add_files(40, size=2_000_000, folder="scans")
    return edms


def packs(edms) -> int:
    return sum(path.is_file() for path in (edms.storage / "repository" / "data").rglob("*"))


def wait_for_packs(edms, process) -> None:
    deadline = time.monotonic() + 60
    while not packs(edms):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "Waited 60 seconds for the first pack in the repository; there is none"
        time.sleep(0.01)


def restic_says_clean(edms) -> None:
    subprocess.run(
        ["restic", "-r", str(edms.storage / "repository"), "check", "--read-data", "--no-cache"],
        env={"RESTIC_PASSWORD": edms.environment["BACKUP_PASSWORD"], "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        check=True,
        capture_output=True,
    )


@pytest.mark.parametrize("moment", ["claimed", "storing"])
def test_after_a_kill_the_next_backup_runs(busy, moment):
    first = busy.json("trigger_backup", "--type", "FILES")
    busy.add_files(40, size=2_000_000, folder="new")
    before = packs(busy)
    process = busy.start("trigger_backup", "--type", "FULL")
    busy.wait_for_job(RUNNING, process=process)
    while moment == "storing" and packs(busy) == before:
        assert process.poll() is None, process.communicate()
    kill(process)
    assert busy.rows("SELECT count(*) FROM backup_backupjob WHERE status = 'RUNNING'") == [(1,)]
    second = busy.json("trigger_backup", "--type", "FULL")
    assert second["status"] == "COMPLETED"
    ((status, reason),) = busy.rows("SELECT status, error_message FROM backup_backupjob WHERE snapshot_id = ''")
    assert status == "FAILED"
    assert "is gone" in reason
    assert busy.json("verify_backup", first["job"])["trust"] == "VERIFIED"
    assert [path.name for path in (busy.storage / "staging").iterdir()] == [".held"]
    restic_says_clean(busy)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("executor", ["inline", "process"])
def test_a_stopped_job_is_cancelled_and_tidy(busy, number, executor):
    process = busy.start("trigger_backup", "--type", "FULL", BACKUP_EXECUTOR=executor)
    busy.wait_for_job(RUNNING, process=process)
    wait_for_packs(busy, process)
    process.send_signal(number)
    _out, err = process.communicate(timeout=60)
    ((status, reason, snapshot),) = busy.rows("SELECT status, error_message, snapshot_id FROM backup_backupjob")
    assert (status, snapshot) == ("CANCELLED", "")
    assert number.name in reason
    assert process.returncode == 130, err
    repository = busy.storage / "repository"
    assert list((repository / "locks").iterdir()) == []
    assert list((repository / "snapshots").iterdir()) == []
    assert [path.name for path in (busy.storage / "staging").iterdir()] == [".held"]


def test_a_second_run_of_a_configuration_is_refused_and_leaves_nothing_waiting(busy):
    script = "from apps.backup.services.configurations import *; configuration_create(ConfigurationValues(name='n'))"
    busy.run("shell", "-c", script)
    process = busy.start("trigger_backup", "--config", "n")
    busy.wait_for_job(RUNNING, process=process)
    second = busy.json("trigger_backup", "--config", "n", expect=1)
    assert second["status"] == "CANCELLED"
    assert "has a running job" in second["error"]
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    assert busy.rows("SELECT status FROM backup_backupjob ORDER BY id") == [("COMPLETED",), ("CANCELLED",)]


def test_a_full_disk_fails_the_job_and_harms_nothing(busy):
    first = busy.json("trigger_backup", "--type", "DATABASE")
    limited = ["bash", "-c", 'ulimit -f 6000; exec "$@"', "limited"]
    process = busy.start("trigger_backup", "--type", "FULL", "--json", before=limited)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    result = json.loads(out)
    assert (result["status"], result["snapshot_id"]) == ("FAILED", "")
    assert busy.rows("SELECT error_message FROM backup_backupjob WHERE status = 'FAILED'") == [(result["error"],)]
    assert [path.name for path in (busy.storage / "repository" / "snapshots").iterdir()] == [first["snapshot_id"]]
    assert busy.json("trigger_backup", "--type", "FULL")["status"] == "COMPLETED"
    restic_says_clean(busy)


def test_a_locked_repository_has_its_exit_code(edms):
    edms.json("trigger_backup", "--type", "FILES")
    place = LocalBackend(edms.storage / "repository")
    with Repository.open(place, edms.environment["BACKUP_PASSWORD"]).lock(exclusive=True):
        result = edms.json("trigger_backup", "--type", "FILES", expect=11)
        assert result["status"] == "FAILED"
        assert "lock" in result["error"]
    assert edms.json("trigger_backup", "--type", "FILES")["status"] == "COMPLETED"


def test_the_parent_notes_the_death_of_its_child(busy):
    process = busy.start("trigger_backup", "--type", "FULL", "--json", BACKUP_EXECUTOR="process")
    busy.wait_for_job(RUNNING, process=process)
    ((pid,),) = busy.rows("SELECT worker_pid FROM backup_backupjob")
    assert pid != process.pid
    subprocess.run(["kill", "-9", str(pid)], check=True)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "killed by signal 9" in err
    assert "killed by signal 9" in json.loads(out)["error"]
    ((status, reason),) = busy.rows("SELECT status, error_message FROM backup_backupjob")
    assert status == "FAILED"
    assert "killed by signal 9" in reason


def test_of_many_deliveries_one_runs(edms):
    script = (
        "from apps.backup.services.jobs import *; from django.utils import timezone\n"
        "print(job_create(JobRequest('FILES'), now=timezone.now()).uuid)"
    )
    job = edms.run("shell", "-c", script).stdout.splitlines()[-1]
    uuid.UUID(job)
    deliveries = [edms.start("backup_run_job", job) for _ in range(3)]
    ends = sorted((process.communicate(timeout=120)[1], process.returncode) for process in deliveries)
    assert sorted(code for _said, code in ends) == [0, 1, 1]
    assert sum("cannot be started" in said for said, _code in ends) == 2
    assert edms.rows("SELECT status, attempt FROM backup_backupjob") == [("COMPLETED", 1)]
    assert len(list((edms.storage / "repository" / "snapshots").iterdir())) == 1


def test_a_job_declared_dead_publishes_nothing(busy):
    process = busy.start("trigger_backup", "--type", "FULL")
    busy.wait_for_job(RUNNING, process=process)
    busy.write("UPDATE backup_backupjob SET status = 'FAILED', error_message = 'declared dead'")
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "does not belong to this process any more" in err
    assert list((busy.storage / "repository" / "snapshots").iterdir()) == []
    assert busy.rows("SELECT status, error_message FROM backup_backupjob") == [("FAILED", "declared dead")]


def test_a_database_that_vanishes_is_an_error_that_says_so(busy):
    process = busy.start("trigger_backup", "--type", "FULL")
    wait_for_packs(busy, process)
    for file in busy.home.glob("*.sqlite3*"):
        file.unlink()
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "does not exist" in err
    assert "could not be written down" in err
    assert list((busy.storage / "repository" / "snapshots").iterdir()) == []
    assert list((busy.storage / "repository" / "locks").iterdir()) == []
    assert list(busy.home.glob("*.sqlite3*")) == []


@pytest.mark.postgresql
def test_a_server_that_vanishes_is_an_error_that_says_so(busy, tmp_path):
    with private_postgres(tmp_path / "server") as server:
        server.create_database("edms")
        busy.environment["DATABASE_URL"] = server.url("edms")
        busy.run("migrate", "-v0")
        assert busy.json("trigger_backup", "--type", "FULL")["status"] == "COMPLETED"
        busy.add_files(60, size=2_000_000, folder="new")
        before = packs(busy)
        process = busy.start("trigger_backup", "--type", "FULL")
        while packs(busy) == before:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        with server.connect() as connection:
            connection.autocommit = True
            connection.execute("ALTER DATABASE edms ALLOW_CONNECTIONS false")
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'edms'")
        _out, err = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "could not be written down" in err
        assert len(list((busy.storage / "repository" / "snapshots").iterdir())) == 1
        with server.connect() as connection:
            connection.autocommit = True
            connection.execute("ALTER DATABASE edms ALLOW_CONNECTIONS true")
        assert busy.json("trigger_backup", "--type", "FULL")["status"] == "COMPLETED"
        with server.connect("edms") as connection:
            rows = connection.execute("SELECT status FROM backup_backupjob ORDER BY id").fetchall()
        assert [status for (status,) in rows] == ["COMPLETED", "FAILED", "COMPLETED"]
