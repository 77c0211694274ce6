"""Jobs that are told to stop do so within five seconds, whatever they wait for, and leave nothing behind."""

import contextlib
import os
import signal
import threading
import time
from datetime import datetime, timedelta

import pytest

FIVE_SECONDS = timedelta(seconds=5)


def cancel(host, name="one", *, expect="CANCELLED"):
    ((uuid,),) = host.rows("SELECT uuid FROM backup_backupjob WHERE configuration_name = ?", name)
    result = host.json("backup_jobs", "--cancel", str(uuid), "--reason", "not today")
    assert result["status"] == expect


def seconds_until_it_had_stopped(host, measured, name="one"):
    ((asked, ended),) = host.rows(
        "SELECT cancel_requested_at, completed_at FROM backup_backupjob WHERE configuration_name = ?", name
    )
    took = moment(ended) - moment(asked)
    measured("cancelled after seconds", took.total_seconds())
    return took


def moment(value):
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def cancelled_in_time(host, measured, name="one"):
    assert seconds_until_it_had_stopped(host, measured, name) < FIVE_SECONDS
    job = host.job(name)
    assert (job.status, job.error, job.snapshot, job.attempt) == ("CANCELLED", "not today", "", 1)
    assert host.snapshots(name) == []
    host.wait_until(lambda: host.is_clean(name))


@pytest.mark.parametrize("executor", ["agent", "celery"])
def test_a_job_that_reads_an_endless_file(endless, request, executor, measured):
    if executor == "celery":
        endless.use(request.getfixturevalue("redis").url)
        endless.worker()
        endless.make_due("one")
        endless.send("backup.run_due")
    else:
        endless.agent()
        endless.make_due("one")
    pid = endless.wait_for_running("one")
    endless.wait_until(lambda: endless.events("Storing."))
    cancel(endless)
    cancelled_in_time(endless, measured)
    endless.wait_until(lambda: pid not in endless.processes())


def test_a_job_that_is_reading_back(busy, measured):
    busy.agent()
    busy.make_due("one")
    pid = busy.wait_for_running("one")
    busy.wait_until(lambda: busy.snapshots("one"), pause=0.002)
    with busy.held(pid):
        busy.write("UPDATE backup_backupjob SET cancel_requested_at = queued_at, cancel_reason = 'not today'")
        # It looks once a second; afterwards it is late for its next look, which is then the first thing that it does.
        time.sleep(1.1)
    (job,) = busy.wait_for_end("one")
    # The stored backup stays, with its name in the catalogue, and is not trusted.
    assert (job.status, job.error, job.trust) == ("CANCELLED", "not today", "STORED")
    assert busy.snapshots("one") == [job.snapshot]
    busy.wait_until(lambda: busy.is_clean("one"))


def test_a_job_that_does_not_hear_is_killed(host):
    host.agent()
    host.make_due("one")
    with host.held(host.wait_for_running("one")):
        host.write("UPDATE backup_backupjob SET cancel_requested_at = '2026-01-01 00:00:00', cancel_reason = 'x'")
        (job,) = host.wait_for_end("one")
    assert (job.status, job.attempt) == ("CANCELLED", 1)
    assert host.snapshots("one") == []
    # Its leftovers do not block the next job.
    host.make_due("one")
    host.wait_until(lambda: len(host.jobs("one")) == 2)
    (job,) = host.wait_for_end("one")
    assert job.status == "COMPLETED"
    host.wait_until(lambda: host.is_clean("one"))
    host.restic_says_clean("one")


def test_a_job_that_waits_is_never_started(host):
    host.make_due("one", "two")
    host.run("backup_run_due", "--no-wait")
    cancel(host)
    host.agent()
    host.wait_for_end("two")
    assert (host.job("one").status, host.job("one").attempt, host.job("one").error) == ("CANCELLED", 0, "not today")
    assert host.job("two").status == "COMPLETED"
    refused = host.run("backup_jobs", "--cancel", str(host.rows("SELECT uuid FROM backup_backupjob")[0][0]), expect=1)
    assert "nothing to cancel" in refused.stderr


@pytest.fixture
def database(postgres_host):
    """A catalogue and documents in PostgreSQL, with a table that the backup counts and one that only pg_dump reads."""
    postgres_host.write("UPDATE backup_backupconfiguration SET backup_type = 'DATABASE'")
    postgres_host.write("CREATE TABLE parent (id int) PARTITION BY LIST (id)")
    postgres_host.write("CREATE TABLE late (id int)")
    return postgres_host


def waiting(host):
    """The statements that wait for a lock."""
    return [query for (query,) in host.rows("SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock'")]


@contextlib.contextmanager
def locked(host, table):
    with contextlib.closing(host.connect()) as connection, connection.transaction():
        connection.execute(f"LOCK TABLE ONLY {table} IN ACCESS EXCLUSIVE MODE")
        yield


@pytest.mark.postgresql
@pytest.mark.parametrize(("table", "statement"), [("late", "SELECT count(*)"), ("parent", "LOCK TABLE")])
def test_a_job_that_waits_for_a_table(database, table, statement, measured):
    database.agent()
    with locked(database, table):
        database.make_due("one")
        database.wait_until(lambda: any(query.startswith(statement) for query in waiting(database)))
        cancel(database)
        cancelled_in_time(database, measured)
        # In the server as well: what waits there would hold the locks that it has got.
        database.wait_until(lambda: waiting(database) == [], seconds=10)
        assert not any("pg_dump" in line for line in database.processes().values())


@pytest.mark.postgresql
def test_a_job_that_is_killed_leaves_no_session_waiting_in_the_server(database):
    database.agent()
    with locked(database, "late"):
        database.make_due("one")
        pid = database.wait_for_running("one")
        database.wait_until(lambda: waiting(database))
        os.kill(pid, signal.SIGKILL)
        database.wait_until(lambda: waiting(database) == [], seconds=30)


@pytest.mark.postgresql
def test_a_migration_and_a_backup_do_not_wait_for_each_other_for_ever(database):
    database.agent()
    with locked(database, "parent"):
        database.make_due("one")
        database.wait_until(lambda: any(query.startswith("LOCK TABLE") for query in waiting(database)))
        # It waits for the backup's transaction, which has counted the table; and pg_dump waits behind it, next.
        migration = threading.Thread(target=database.write, args=["ALTER TABLE late ADD COLUMN more int"])
        migration.start()
        database.wait_until(lambda: any(query.startswith("ALTER TABLE") for query in waiting(database)))
    migration.join(60)
    assert not migration.is_alive(), database.report()
    assert database.rows("SELECT more FROM late") == []
    database.wait_until(lambda: database.job("one").status == "PENDING")
    assert "LOCK TABLE" in database.job("one").error
    database.try_again_now()
    (job,) = database.wait_for_end("one")
    assert (job.status, job.attempt) == ("COMPLETED", 2)
