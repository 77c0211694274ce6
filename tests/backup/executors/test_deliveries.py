"""Messages that come twice, late, or never: each slot is run once, and none is forgotten."""

import pytest

POOLS = [("prefork", True), ("threads", False)]


@pytest.fixture(params=POOLS, ids=["prefork-late", "threads-early"])
def pool(request):
    return request.param


@pytest.mark.parametrize("kind", ["redis", "rabbitmq"])
def test_a_slot_is_run_once_however_many_messages_come(host, request, pool, kind):
    name, late = pool
    queue = f"backups-{name}"
    url = request.getfixturevalue(kind).url
    host.use(url, CELERY_TASK_ACKS_LATE=late, BACKUP_CELERY_QUEUE=queue)
    worker = host.worker(pool=name, queue=queue)
    host.make_due("one", "two")
    host.send("backup.run_due", times=5, queue=queue)
    host.wait_for_end("one", "two")
    for (job,) in host.rows("SELECT uuid FROM backup_backupjob"):
        host.send("backup.run_job", job, times=3, queue=queue)
    worker.wait_for("another delivery of this message", times=6)
    assert worker.stop() == 0
    for one in ("one", "two"):
        job = host.job(one)
        assert (job.status, job.attempt, job.woken_by) == ("COMPLETED", 1, "BEAT")
        assert host.snapshots(one) == [job.snapshot]


def test_messages_that_come_all_at_once_start_one_job(host, redis):
    host.use(redis.url)
    host.make_due("one")
    host.run("backup_run_due", "--no-wait")
    ((job,),) = host.rows("SELECT uuid FROM backup_backupjob")
    host.send("backup.run_job", job, times=3)
    worker = host.worker()
    host.wait_for_end("one")
    worker.wait_for(" succeeded in ", times=4)
    assert "raised unexpected" not in worker.said
    assert host.events("Started by") == 1
    assert (host.job("one").status, host.job("one").attempt) == ("COMPLETED", 1)
    assert len(host.snapshots("one")) == 1


def test_a_message_that_is_delivered_again_while_its_job_runs_changes_nothing(host, redis):
    often = {"unacked_restore_interval": 1, "unacked_restore_throttle": 1}
    host.use(redis.url, CELERY_BROKER_TRANSPORT_OPTIONS={"visibility_timeout": 1, **often})
    worker = host.worker()
    host.make_due("one")
    host.send("backup.run_due")
    with host.held(host.wait_for_running("one")):
        worker.wait_for("'RUNNING: another delivery of this message has started it.'")
    host.wait_for_end("one")
    assert (host.job("one").status, host.job("one").attempt) == ("COMPLETED", 1)
    assert host.events("Started by") == 1
    assert len(host.snapshots("one")) == 1


VERIFY = """
from django.contrib.auth.models import User
from django.utils import timezone
from apps.backup.executors.dispatch import submit_operation
from apps.backup.models import BackupJob
from apps.backup.services.operation_requests import verify_request
user, now = User.objects.create(username="somebody"), timezone.now()
operation = verify_request(BackupJob.objects.get().uuid, user=user, now=now)
submit_operation(operation.uuid, now=now)
print(operation.uuid)
"""


def test_an_operation_is_done_once_however_many_messages_come(host, redis):
    host.use(redis.url)
    host.make_due("one")
    worker = host.worker()
    host.send("backup.run_due")
    host.wait_for_end("one")
    worker.wait_for(" succeeded in ", times=2)
    operation = host.run("shell", "-c", VERIFY).stdout.split()[-1]
    host.send("backup.run_operation", operation, times=3)
    worker.wait_for(" succeeded in ", times=6)
    assert "raised unexpected" not in worker.said
    ((status, trust),) = host.rows("SELECT status, json_extract(result, '$.trust') FROM backup_operation")
    assert (status, trust) == ("COMPLETED", "VERIFIED")
    assert host.rows("SELECT count(*) FROM backup_auditevent WHERE action = 'operation.completed'") == [(1,)]


def test_a_broker_that_is_away_loses_no_slot(host, redis):
    host.use(redis.url)
    worker = host.worker()
    redis.kill()
    worker.wait_for("Connection to broker lost")
    host.make_due("one")
    refused = host.run("backup_run_due", "--no-wait", expect=1)
    assert "The broker did not take the message" in refused.stderr
    assert host.job("one").status == "PENDING"
    redis.restart()
    host.wait_for_end("one")
    assert (host.job("one").status, host.job("one").attempt) == ("COMPLETED", 1)
    assert worker.process.poll() is None


def test_worker_runs_due_jobs_after_beat_and_broker_return(host, redis):
    host.use(redis.url)
    host.make_due("one", seconds_ago=3600)
    host.worker()
    host.wait_for_end("one")
    job = host.job("one")
    assert (job.status, job.attempt, job.woken_by) == ("COMPLETED", 1, "WORKER")


def test_a_message_that_the_broker_has_lost_is_sent_again(host, redis):
    host.use(redis.url)
    host.make_due("one")
    host.run("backup_run_due", "--no-wait")
    redis.forget_everything()
    host.write("UPDATE backup_backupjob SET dispatched_at = '2026-01-01 00:00:00'")
    host.worker()
    host.wait_for_end("one")
    assert (host.job("one").status, host.job("one").attempt) == ("COMPLETED", 1)


def test_a_job_whose_configuration_is_busy_runs_as_soon_as_it_is_free(host, redis):
    host.use(redis.url)
    worker = host.worker()
    host.make_due("one")
    host.send("backup.run_due")
    with host.held(host.wait_for_running("one")):
        host.make_due("one")
        host.send("backup.run_due")
        host.wait_until(lambda: host.events("Due at") == 2)
        host.send("backup.run_job", *host.rows("SELECT uuid FROM backup_backupjob ORDER BY id DESC LIMIT 1")[0])
        # Both messages for it have been seen to.
        worker.wait_for("PENDING: another job", times=2)
        assert [job.status for job in host.jobs("one")] == ["RUNNING", "PENDING"]
    host.wait_until(lambda: host.jobs("one")[0].status == "COMPLETED")
    host.try_again_now()
    host.wait_for_end("one")
    assert [(job.status, job.attempt) for job in host.jobs("one")] == [("COMPLETED", 1), ("COMPLETED", 1)]
    assert len(host.snapshots("one")) == 2


def test_a_worker_that_is_there_for_other_work_leaves_the_jobs_to_the_agent(host, redis):
    host.use(redis.url)
    host.environment["BACKUP_EXECUTOR"] = "agent"
    host.agent("--jobs", "1")
    host.make_due("one")
    with host.held(host.wait_for_running("one")):
        # It waits for a free place, and its message was never sent: a worker's watch would send it.
        host.make_due("two", seconds_ago=3600)
        host.wait_until(lambda: host.jobs("two"))
        worker = host.worker()
        host.wait_until(lambda: host.rows("SELECT 1 FROM backup_executor WHERE kind = 'WORKER'"))
        assert worker.stop() == 0
        assert host.job("two").status == "PENDING"
    host.wait_for_end("one", "two")
    assert "backup.run_job[" not in worker.said
    assert [(job.status, job.woken_by) for job in host.jobs()] == [("COMPLETED", "AGENT")] * 2
