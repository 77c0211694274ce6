"""Workers and jobs that are killed: the slot is completed once, and nothing runs for ever in the catalogue."""

import os
import signal

from tests.backup.testing.executor_hosts import parent_of

MOMENTS = ("one", "two", "three")


def hold_at_their_moments(host):
    """Stop three jobs where they are: claimed, storing, stored but not completed; their processes."""
    moments = {
        "one": lambda: True,
        "two": lambda: host.packs("two") > 0,
        "three": lambda: host.snapshots("three"),
    }
    held_at = {}

    def all_held():
        running = {job.configuration: job.pid for job in host.jobs() if job.status == "RUNNING"}
        for name, has_come in moments.items():
            if name not in held_at and name in running and has_come():
                host.hold(running[name])
                held_at[name] = running[name]
        return len(held_at) == len(moments)

    host.wait_until(all_held, pause=0.002)
    assert host.snapshots("two") == []
    assert len(host.snapshots("three")) == 1
    assert [job.status for job in host.jobs()] == ["RUNNING"] * 3
    return held_at


def completed_once(host, name):
    job = host.job(name)
    assert (job.status, job.trust, job.attempt) == ("COMPLETED", "VERIFIED", 2), job
    (snapshot,) = host.restic_says_clean(name)
    ((uuid,),) = host.rows("SELECT uuid FROM backup_backupjob WHERE configuration_name = ?", name)
    assert snapshot["id"] == job.snapshot
    assert f"job={uuid}".replace("-", "") in [tag.replace("-", "") for tag in snapshot["tags"]]
    host.wait_until(lambda: host.is_clean(name))


def test_jobs_that_are_killed_are_completed_by_their_next_attempt(busy, redis):
    busy.use(redis.url)
    worker = busy.worker()
    busy.make_due(*MOMENTS)
    busy.send("backup.run_due")
    for pid in hold_at_their_moments(busy).values():
        os.kill(pid, signal.SIGKILL)
    busy.wait_until(lambda: [job.status for job in busy.jobs()] == ["PENDING"] * 3)
    assert all("killed by signal 9" in job.error for job in busy.jobs())
    assert busy.rows("SELECT count(*) FROM backup_backupjob WHERE not_before IS NULL") == [(0,)]
    worker.kill_all_but_jobs()
    busy.try_again_now()
    busy.worker()
    busy.wait_for_end(*MOMENTS)
    for name in MOMENTS:
        completed_once(busy, name)


def test_a_machine_that_is_lost_leaves_nothing_running(busy, redis):
    busy.use(redis.url)
    worker = busy.worker()
    busy.make_due(*MOMENTS)
    busy.send("backup.run_due")
    pids = hold_at_their_moments(busy).values()
    worker.kill_all_but_jobs()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert [job.status for job in busy.jobs()] == ["RUNNING"] * 3
    busy.worker()
    busy.wait_until(lambda: [job.status for job in busy.jobs()] == ["PENDING"] * 3)
    assert all("is gone" in job.error for job in busy.jobs())
    busy.try_again_now()
    busy.wait_for_end(*MOMENTS)
    for name in MOMENTS:
        completed_once(busy, name)


def test_a_job_outlives_its_worker_and_is_not_started_by_the_next_one(host, rabbitmq):
    queue = "backups-loss"
    host.use(rabbitmq.url, BACKUP_CELERY_QUEUE=queue)
    first = host.worker(queue=queue)
    host.make_due("one", "two")
    host.send("backup.run_due", queue=queue)
    with host.held(host.wait_for_running("one")) as one, host.held(host.wait_for_running("two")):
        os.kill(parent_of(one), signal.SIGKILL)
        first.wait_for("'RUNNING: another delivery of this message has started it.'")
        first.kill_all_but_jobs()
        second = host.worker(queue=queue)
        # The message of "two", and that of "one" if it had not been acknowledged yet.
        second.wait_for("'RUNNING: another delivery of this message has started it.'")
        assert [job.status for job in host.jobs()] == ["RUNNING", "RUNNING"]
    host.wait_for_end("one", "two")
    assert host.events("Started by") == 2
    for name in ("one", "two"):
        assert (host.job(name).error, host.job(name).status, host.job(name).attempt) == ("", "COMPLETED", 1)
        assert host.snapshots(name) == [host.job(name).snapshot]
        host.restic_says_clean(name)
