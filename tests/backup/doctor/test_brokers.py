"""Celery, asked for real: a broker that is down, no worker, a wrong queue, a worker without our tasks, a wrong Beat."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator

import pytest
from celery import Celery
from django.utils import timezone
from tests.backup.testing.edms import BACKEND, Edms

from apps.backup.doctor.brokers import worker_findings
from apps.backup.errors import BrokerUnavailable
from apps.backup.executors.celery_messages import send_job

REDIS = shutil.which("redis-server") or shutil.which("valkey-server")
pytestmark = pytest.mark.skipif(REDIS is None, reason="there is no redis-server here")
OTHER_APP = """
from celery import Celery
app = Celery("other", broker={url!r})
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def running(arguments: list[str], **options: object) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def broker(tmp_path_factory) -> Iterator[str]:
    port = free_port()
    arguments = [str(REDIS), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with running(arguments, cwd=tmp_path_factory.mktemp("redis")):
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            assert time.monotonic() < deadline, f"Waited 20 seconds for Redis to listen on port {port}"
            time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture
def celery(edms, broker) -> Edms:
    """An EDMS whose jobs are for Celery, with a policy."""
    edms.environment |= {"BACKUP_EXECUTOR": "celery", "CELERY_BROKER_URL": broker}
    edms.run("manage_backup_configs", "--create", "--name", "nightly", "--frequency", "DAILY", "--time", "02:00")
    return edms


def found(project: Edms, **environment: str) -> dict[str, str]:
    """Return what `backup_health` and `check --deploy` say about Celery; both say the same."""
    told = project.run("backup_health", expect=None, **environment)
    lines = re.findall(r"^\w+ backup\.(W0\d\d) (.*)$", told.stdout, re.M)
    mine = {name: text for name, text in lines if name in {"W006", "W007", "W008", "W009", "W012"}}
    checked = project.run("check", "--tag", "backup", "--deploy", **environment).stderr
    assert set(re.findall(r"backup\.(W006|W007|W008|W009|W012)", checked)) == set(mine)
    # Nothing has been backed up yet, which is critical by itself.
    assert told.returncode == 2, told.stdout
    return mine


@contextlib.contextmanager
def worker(project: Edms, *arguments: str, app: str = "config", where: str = str(BACKEND)) -> Iterator[None]:
    environment = {"PATH": os.environ["PATH"], "EDMS_HOME": str(project.home), **project.environment}
    command = [sys.executable, "-m", "celery", "-A", app, "worker", "--pool", "solo", "-l", "ERROR", *arguments]
    with running(command, cwd=where, env=environment) as process:
        deadline = time.monotonic() + 60
        ask = [sys.executable, "-m", "celery", "-A", app, "inspect", "ping", "--timeout", "1"]
        while (pinged := subprocess.run(ask, cwd=where, env=environment, capture_output=True, check=False)).returncode:
            assert process.poll() is None
            assert time.monotonic() < deadline, f"Waited 60 seconds for the worker's ping; seen last: {pinged}"
        yield


def test_a_broker_that_cannot_be_reached(celery):
    secret = f"redis://:very-secret@127.0.0.1:{free_port()}/0"
    started = time.monotonic()
    said = found(celery, CELERY_BROKER_URL=secret)
    assert set(said) == {"W009"}
    assert "very-secret" not in str(said)
    assert time.monotonic() - started < 40


def test_a_broker_that_celery_cannot_speak_to(edms):
    edms.environment |= {"BACKUP_EXECUTOR": "celery", "CELERY_BROKER_URL": "pigeon://host"}
    assert "No such transport: pigeon" in found(edms)["W009"]
    refused = edms.run("trigger_backup", "--type", "FILES", "--detach", expect=1)
    assert "Celery cannot speak to the broker" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_client_of_the_broker_of_another_version(monkeypatch):
    monkeypatch.setattr("redis.VERSION", (4, 5, 0))
    monkeypatch.setattr("celery.current_app", Celery("host", broker="redis://127.0.0.1:9/0"))
    with pytest.raises(BrokerUnavailable, match=r"requires redis-py versions .*install .* edms-backup\[celery\]"):
        send_job(uuid.uuid4(), now=timezone.now())
    found = list(worker_findings([]))
    assert [(one.id, "requires redis-py versions" in one.what) for one in found] == [("backup.W009", True)]


def test_no_worker_the_wrong_queue_the_wrong_worker_and_the_right_one(celery, broker, tmp_path):
    assert set(found(celery)) == {"W012"}
    with worker(celery, "-Q", "mail,thumbnails"):
        said = found(celery)
        assert set(said) == {"W007"}
        assert "mail, thumbnails" in said["W007"]
        # The queue can be named instead.
        assert found(celery, BACKUP_CELERY_QUEUE="mail") == {}
    celery.write("DELETE FROM backup_executor")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "other.py").write_text(OTHER_APP.format(url=broker))
    with worker(celery, app="other", where=str(tmp_path / "other")):
        said = found(celery)
        assert set(said) == {"W008"}
        assert "backup.run_due, backup.run_job" in said["W008"]
        assert "Restart this worker" in said["W008"]
    with worker(celery):
        assert found(celery) == {}


def test_a_beat_that_does_not_read_the_database(celery, tmp_path):
    with worker(celery):
        (tmp_path / "persistent.py").write_text(
            "from config.settings import *\nCELERY_BEAT_SCHEDULER = 'celery.beat:PersistentScheduler'\n"
        )
        path = os.pathsep.join([str(tmp_path), str(BACKEND)])
        said = found(celery, DJANGO_SETTINGS_MODULE="persistent", PYTHONPATH=path)
        assert set(said) == {"W006"}
        assert "celery.beat:PersistentScheduler" in said["W006"]
        (tmp_path / "persistent.py").write_text(
            "from config.settings import *\nCELERY_BEAT_SCHEDULER = 'celery.beat:PersistentScheduler'\n"
            "CELERY_BEAT_SCHEDULE = {'backups': {'task': 'backup.run_due', 'schedule': 60}}\n"
        )
        assert found(celery, DJANGO_SETTINGS_MODULE="persistent", PYTHONPATH=path) == {}
