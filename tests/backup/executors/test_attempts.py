"""Failures that may pass are tried again with pauses that grow; others end at once; time limits end jobs in order."""

import json
from datetime import datetime, timedelta

import pytest
from tests.backup.testing.brokers import free_port

from strongroom.backends import LocalBackend
from strongroom.repository import Repository


def archive(server, port):
    """A database whose data is backed up besides the catalogue's."""
    return {
        "archive": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "NAME": "migrated",
            "USER": server.user,
            "PASSWORD": server.password,
        }
    }


@pytest.mark.postgresql
def test_a_server_that_is_away_is_tried_three_times(host, postgres):
    host.use(databases=archive(postgres, free_port()))
    host.make_due("one", backup_type="DATABASE")
    pauses = []
    for attempt in (1, 2):
        host.run("backup_run_due", expect=1)
        job = host.job("one")
        assert (job.status, job.attempt) == ("PENDING", attempt)
        assert "archive" in job.error
        ((ended, again),) = host.rows("SELECT heartbeat_at, not_before FROM backup_backupjob")
        pauses.append(datetime.fromisoformat(again) - datetime.fromisoformat(ended))
        # The job does not start before its time.
        host.run("backup_run_due")
        assert host.job("one").attempt == attempt
        host.try_again_now()
    assert timedelta(seconds=50) < pauses[0] < timedelta(seconds=100)
    assert timedelta(seconds=200) < pauses[1] < timedelta(seconds=300)
    host.run("backup_run_due", expect=1)
    job = host.job("one")
    assert (job.status, job.attempt, job.snapshot) == ("FAILED", 3, "")
    assert host.events("To be tried again from") == 2
    host.wait_until(lambda: host.is_clean("one"))


@pytest.mark.postgresql
def test_a_server_that_comes_back_is_backed_up(host, postgres):
    host.use(databases=archive(postgres, free_port()))
    host.make_due("one", backup_type="DATABASE")
    host.run("backup_run_due", expect=1)
    host.use(databases=archive(postgres, postgres.port))
    host.try_again_now()
    host.run("backup_run_due")
    job = host.job("one")
    assert (job.status, job.attempt, job.error) == ("COMPLETED", 2, "")


def test_a_wrong_passphrase_is_not_tried_again(host):
    host.make_due("one")
    host.run("backup_run_due")
    host.make_due("one")
    host.run("backup_run_due", expect=1, BACKUP_PASSWORD="another one")
    job = host.jobs("one")[-1]
    assert (job.status, job.attempt) == ("FAILED", 1)
    assert "another one" not in job.error


def test_a_full_disk_is_not_tried_again(busy):
    process = busy.start("backup_run_due", before=["bash", "-c", 'ulimit -f 6000; exec "$@"', "limited"])
    process.communicate(timeout=60)
    busy.make_due("one")
    process = busy.start("backup_run_due", before=["bash", "-c", 'ulimit -f 6000; exec "$@"', "limited"])
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1, out + err
    job = busy.job("one")
    assert (job.status, job.attempt) == ("FAILED", 1)
    busy.wait_until(lambda: busy.is_clean("one"))


def test_a_scheduled_job_waits_for_the_lock_of_a_repository(host):
    host.make_due("one")
    host.run("backup_run_due")
    place = LocalBackend(host.repository("one"))
    host.agent()
    with Repository.open(place, host.environment["BACKUP_PASSWORD"]).lock(exclusive=True):
        host.make_due("one")
        host.wait_until(lambda: any("waiting for the repository" in text for text in phases(host)))
        assert host.jobs("one")[-1].status == "RUNNING"
    (job,) = host.wait_for_end("one")
    assert (job.status, job.attempt) == ("COMPLETED", 1)


def phases(host):
    return [json.loads(text).get("phase", "") for (text,) in host.rows("SELECT progress FROM backup_backupjob")]


def test_a_job_whose_time_is_up_ends_in_order(endless):
    endless.use(BACKUP_TIME_LIMIT_MINUTES=0.05)
    endless.make_due("one")
    endless.run("backup_run_due", expect=1)
    job = endless.job("one")
    assert (job.status, job.attempt, job.snapshot) == ("TIMEOUT", 1, "")
    assert "time limit" in job.error
    ((started, ended),) = endless.rows("SELECT started_at, completed_at FROM backup_backupjob")
    took = datetime.fromisoformat(ended) - datetime.fromisoformat(started)
    assert timedelta(seconds=3) <= took < timedelta(seconds=10)
    assert endless.snapshots("one") == []
    endless.wait_until(lambda: endless.is_clean("one"))
    assert endless.processes() == {}
