"""The services as they are started in containers: up, asked, checked, told to run what is due, and stopped."""

import contextlib
import http.client
import json
import os
import re
import signal
import time
from pathlib import Path

import pytest
from tests.backup.testing import mission
from tests.backup.testing.mission import text_of
from tests.containers.conftest import USER, answer

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]

# The mission document's commands after `docker compose exec backend`, word for word.
LIST, PERIODIC_TASKS, NEXT_RUN, ONE_TASK, UUID = (
    text_of(snippet)
    for snippet in (mission.LIST, mission.PERIODIC_TASKS, mission.NEXT_RUN, mission.ONE_TASK, mission.UUID)
)
SCHEDULES = ["backup-daily-full", "backup-monthly-archive", "backup-weekly-export"]

# A heartbeat that was sent long ago: Beat sends the next one as soon as it is up.
SILENT = r"""
from datetime import timedelta
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask
minute, _ = IntervalSchedule.objects.get_or_create(every=60, period="seconds")
long_ago = timezone.now() - timedelta(hours=2)
PeriodicTask.objects.create(name="edms-heartbeat", task="edms.heartbeat", interval=minute, last_run_at=long_ago)
"""
# A policy that is due right now. Workers find slots of the past by themselves.
DUE = r"""
from datetime import timedelta
from django.utils import timezone
from apps.backup.models import BackupConfiguration
from apps.backup.services.configurations import ConfigurationValues, configuration_create
from django_celery_beat.models import PeriodicTask
configuration_create(ConfigurationValues(name="due", backup_type="FULL", frequency="HOURLY"))
BackupConfiguration.objects.filter(name="due").update(next_slot=timezone.now())
PeriodicTask.objects.filter(name="backup-due").update(last_run_at=timezone.now() - timedelta(hours=2))
"""
JOBS = "SELECT status, trust, trigger, woken_by, error_message, worker_pid FROM backup_backupjob ORDER BY id"
ENDED = ("COMPLETED", "INCOMPLETE", "FAILED", "CANCELLED", "TIMEOUT", "MISSED")


@pytest.fixture(scope="module")
def asked(stack):
    """A check of the worker, begun while there is none: until it gives up, other tests are run."""
    return stack.ask("celery_worker")


@pytest.fixture(scope="module")
def backend(stack, asked):
    with stack.service("backend") as process:
        yield process


def get(stack, path):
    connection = http.client.HTTPConnection("127.0.0.1", stack.web_port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"Host": "localhost"})
        answer = connection.getresponse()
        return answer, answer.read()


def owner(process):
    return Path(f"/proc/{process.pid}").stat().st_uid


def last_job(stack, *states):
    """The last job as soon as it is in one of these states."""
    deadline = time.monotonic() + 60
    with contextlib.closing(stack.database.connect("edms")) as connection:
        while True:
            rows = connection.execute(JOBS).fetchall()
            if rows and rows[-1][0] in states:
                return rows[-1]
            logs = stack.log("celery_worker").read_text() + stack.log("celery_beat").read_text()
            assert time.monotonic() < deadline, f"Waited 60 seconds for a job in {states}; seen last: {rows}\n{logs}"
            time.sleep(0.02)


def has_waiting(pid, number):
    """Whether a signal waits until that process goes on."""
    status = Path(f"/proc/{pid}/status").read_text()
    return bool(int(re.search(r"ShdPnd:\s*([0-9a-f]+)", status)[1], 16) & 1 << (number - 1))


@pytest.fixture(scope="module")
def worker(stack, backend):
    with stack.service("celery_worker") as process:
        yield process


def test_stopped_services_are_unhealthy(stack):
    code, said = stack.check("backend")
    assert code == 1
    assert "Connection refused" in said
    code, said = stack.check("celery_beat")
    assert code == 1
    assert "does not exist" in said


def test_the_log_in_page_comes_with_its_styles(stack, backend):
    answer, page = get(stack, "/admin/login/")
    assert answer.status == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    styles = re.findall(r'href="(/static/[^"]+\.css)"', page.decode())
    assert styles
    for path in styles:
        answer, content = get(stack, path)
        assert (answer.status, answer.headers["Content-Type"].split(";")[0]) == (200, "text/css")
        assert content


def test_it_runs_as_the_user_of_the_image(stack, backend):
    if stack.user is not None:
        assert owner(backend) == USER


def test_documented_commands_work(stack, backend):
    listed = stack.shell("backend", LIST)
    for name in ("daily_full", "weekly_export", "monthly_archive", "database_hourly", "pre_deployment"):
        assert f"production_{name}" in listed
    assert sorted(stack.shell("backend", PERIODIC_TASKS).splitlines()) == [f"{name}: Enabled" for name in SCHEDULES]
    assert stack.shell("backend", NEXT_RUN).count("Next run in ") == len(SCHEDULES)
    assert "Enabled: True" in stack.shell("backend", ONE_TASK)
    assert re.search("^UUID: [0-9a-f-]{36}$", stack.shell("backend", UUID), re.MULTILINE)


def test_the_engine_alone_is_at_hand(stack):
    assert "strongroom" in stack.run("backend", "strongroom", "--help")


def test_errors_are_in_the_log(stack, backend):
    get(stack, "/nothing-of-that-name/")
    deadline = time.monotonic() + 10
    while "Not Found: /nothing-of-that-name/" not in stack.log("backend").read_text():
        assert time.monotonic() < deadline, f"Waited 10 seconds for the 404:\n{stack.log('backend').read_text()}"
        time.sleep(0.1)


def test_a_beat_that_has_fallen_silent_is_not_healthy(stack, backend):
    stack.run("backend", "python", "-c", SILENT)
    code, said = stack.check("celery_beat")
    assert code == 1
    assert re.search("Beat sent edms-heartbeat last 72.. seconds ago", said)


def test_a_worker_that_is_not_there_is_not_healthy(asked):
    code, said = answer(asked)
    assert code == 1
    assert "does not answer within 10 seconds" in said


def test_a_due_policy_is_run(stack, worker):
    stack.run("backend", "python", "-c", DUE)
    with stack.service("celery_beat"):
        job = last_job(stack, *ENDED)
    assert job[:5] == ("COMPLETED", "VERIFIED", "SCHEDULED", "BEAT", "")
    assert "Sending due task backup-due" in stack.log("celery_beat").read_text()
    assert "Sending due task edms-heartbeat" in stack.log("celery_beat").read_text()
    place = stack.here("--repo /srv/backups/repository --password-file /run/secrets/backup_passphrase")
    assert json.loads(stack.shell("backend", f"strongroom snapshots {place} --json"))


def test_the_health_of_the_backups_is_told(stack, worker):
    # Storage and documents lie on one disk here, which is a warning.
    told = stack.run("backend", "python", "manage.py", "backup_health", expect=1)
    assert told.startswith("BACKUP WARNING: ")
    assert "last good backup 0 min ago" in told
    assert "executors: Celery worker" in told


def test_a_worker_that_is_stopped_stops_its_job(stack, worker):
    stack.run("backend", "python", "manage.py", "trigger_backup", "--config", "due", "--detach")
    pid = last_job(stack, "RUNNING", *ENDED)[5]
    # The job is held where it is until it has been told to end: it must not be ready before.
    os.kill(pid, signal.SIGSTOP)
    worker.send_signal(signal.SIGQUIT)
    deadline = time.monotonic() + 30
    while not has_waiting(pid, signal.SIGTERM):
        assert time.monotonic() < deadline, (
            f"Waited 30 seconds for SIGTERM to reach {pid}; the worker's log:\n{stack.log('celery_worker').read_text()}"
        )
        time.sleep(0.05)
    os.kill(pid, signal.SIGCONT)
    assert worker.wait(30) == 0
    job = last_job(stack, *ENDED)
    assert job[0] == "CANCELLED"
    assert "SIGTERM" in job[4]
    assert list((stack.storage / "repository/locks").iterdir()) == []
