"""Beat: the schedules in the database, those of hosts whose Beat does not read it, and real minutes that come."""

import contextlib
import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from tests.backup.testing.brokers import rabbitmq_program
from tests.backup.testing.executor_hosts import Host, Running, new_host

QUEUE = "backups-of-beat"
MINUTELY = {"backups": {"task": "backup.run_due", "schedule": 1.0}}
PERSISTENT = "celery.beat:PersistentScheduler"
DAILY = """
from datetime import time
from apps.backup.services.configurations import ConfigurationValues, configuration_create
configuration_create(
    ConfigurationValues(name="daily", backup_type="FILES", frequency="DAILY", schedule_time=time(%d, %d))
)
"""


@dataclasses.dataclass
class Waiting:
    """A host with Beat and a worker, and a configuration that is due at the next full minute."""

    host: Host
    beat: Running
    due: datetime | None = None


@pytest.fixture(scope="module")
def minute(configured_home, tmp_path_factory, request):
    """Hosts that wait for the same minute: it is waited for once."""
    kinds = {"redis": ("prefork", ""), "rabbitmq": ("threads", QUEUE)}
    if rabbitmq_program() is None:
        del kinds["rabbitmq"]
    waiting = {}
    with contextlib.ExitStack() as stack:
        for kind, (pool, queue) in kinds.items():
            broker = request.getfixturevalue("shared_redis" if kind == "redis" else kind)
            host = stack.enter_context(new_host(configured_home, tmp_path_factory.mktemp(kind)))
            host.use(broker.url, **({"BACKUP_CELERY_QUEUE": queue} if queue else {}))
            host.worker(pool=pool, queue=queue)
            waiting[kind] = Waiting(host, host.beat())
        due = (datetime.now(UTC) + timedelta(seconds=70)).replace(second=0, microsecond=0)
        made = [one.host.start("shell", "-c", DAILY % (due.hour, due.minute)) for one in waiting.values()]
        for process in made:
            _out, err = process.communicate(timeout=60)
            assert process.returncode == 0, err
        assert datetime.now(UTC) < due, "this machine is too slow to be ready before the minute comes"
        for one in waiting.values():
            one.due = due
        yield waiting


@pytest.mark.parametrize("kind", ["redis", "rabbitmq"])
def test_beat_wakes_a_worker_that_runs_the_slot_once(minute, request, kind, measured):
    # Says why it is skipped where there is none.
    request.getfixturevalue("shared_redis" if kind == "redis" else kind)
    host, beat, due = minute[kind].host, minute[kind].beat, minute[kind].due
    host.wait_until(lambda: host.jobs("daily"), seconds=120)
    (job,) = host.wait_for_end("daily")
    assert (job.status, job.attempt, job.woken_by) == ("COMPLETED", 1, "BEAT")
    ((slot, queued),) = host.rows("SELECT slot, queued_at FROM backup_backupjob")
    assert datetime.fromisoformat(slot) == due.replace(tzinfo=None)
    measured("seen after seconds", (datetime.fromisoformat(queued) - datetime.fromisoformat(slot)).total_seconds())
    assert beat.said.count("Sending due task backup-daily") == 1
    assert len(list((host.storage / "repository/snapshots").iterdir())) == 1
    assert beat.stop() == 0


def test_a_host_whose_beat_does_not_read_the_database_is_told_and_can_be_helped(host, redis):
    host.use(redis.url, CELERY_BEAT_SCHEDULER=PERSISTENT, CELERY_BEAT_SCHEDULE={})
    assert "backup.W006" in host.run("check", "--tag", "backup").stderr
    host.use(redis.url, CELERY_BEAT_SCHEDULER=PERSISTENT, CELERY_BEAT_SCHEDULE=MINUTELY)
    assert "backup.W006" not in host.run("check", "--tag", "backup").stderr
    host.worker()
    beat = host.beat()
    host.make_due("one", "two")
    host.wait_for_end("one", "two")
    # Every look of Beat's after the first one finds nothing.
    seen = beat.said.count("Sending due task backups")
    beat.wait_for("Sending due task backups", times=seen + 3)
    for name in ("one", "two"):
        job = host.job(name)
        assert (job.status, job.attempt, job.woken_by) == ("COMPLETED", 1, "BEAT")
        assert host.snapshots(name) == [job.snapshot]


def test_a_beat_that_is_killed_and_started_again_runs_no_slot_twice(host, redis):
    host.use(redis.url, CELERY_BEAT_SCHEDULER=PERSISTENT, CELERY_BEAT_SCHEDULE=MINUTELY)
    first = host.beat()
    host.make_due("one")
    first.wait_for("Sending due task backups", times=2)
    first.process.kill()
    first.process.wait()
    second = host.beat()
    second.wait_for("Sending due task backups", times=2)
    worker = host.worker()
    worker.wait_for("Task backup.run_due", times=8)
    host.wait_for_end("one")
    assert (host.job("one").status, host.job("one").attempt) == ("COMPLETED", 1)
    assert len(host.snapshots("one")) == 1
