"""Every command of the mission document that begins with `docker compose exec backend`, in the built image."""

import re
import time

import pytest
from tests.backup.testing import mission
from tests.backup.testing.mission import PREFIX, text_of
from tests.containers.conftest import SECONDS
from tests.containers.test_services import worker  # noqa: F401  a fixture

SAID = {
    "LIST": "production_database_hourly",
    "STATS": r"configurations: 5 ",
    "ENABLE": "production_database_hourly is enabled",
    "DISABLE": "production_daily_full is disabled",
    "TRIGGER_CONFIG": r"status: COMPLETED\ntrust: VERIFIED",
    "TRIGGER_TYPE": r"status: COMPLETED\ntrust: VERIFIED",
    "CLEANUP": "No configurations to clean up",
    "PERIODIC_TASKS": "backup-weekly-export: Enabled",
    "NEXT_RUN": "backup-monthly-archive: Next run in ",
    "ONE_TASK": r"Schedule: 0 2 \* \* \*",
    "UUID": r"UUID: [0-9a-f-]{36}",
}


@pytest.fixture(scope="module")
def backend(stack):
    with stack.service("backend") as process:
        yield process


def test_none_is_forgotten():
    typed = {name for name, text in vars(mission).items() if isinstance(text, str) and text.startswith(PREFIX)}
    assert typed - {"PREFIX"} == set(SAID)


@pytest.mark.parametrize("name", SAID)
def test_it_works_word_for_word(stack, backend, worker, name):  # noqa: F811
    if name == "ONE_TASK":
        # The document has disabled it before.
        stack.shell("backend", "python manage.py manage_backup_configs --enable production_daily_full")
    said = stack.shell("backend", text_of(getattr(mission, name)))
    assert re.search(SAID[name], said), said


def test_the_scheduler_is_restarted(stack, backend, worker):  # noqa: F811
    for _ in range(2):
        process = stack.up("celery_beat")
        try:
            deadline = time.monotonic() + SECONDS
            while "DatabaseScheduler: Schedule changed" not in (said := stack.log("celery_beat").read_text()):
                assert process.poll() is None, said
                assert time.monotonic() < deadline, said
                time.sleep(0.1)
        finally:
            stack.stop("celery_beat", process)
        assert process.returncode == 0


def test_a_restore_brings_the_documents_back(stack, backend, worker):  # noqa: F811
    (stack.work / "edms/media").mkdir(exist_ok=True)
    stack.run(
        "backend",
        "sh",
        "-c",
        "mkdir -p /tmp/in && echo lease > /tmp/in/lease.txt && python manage.py import_documents /tmp/in",
    )
    stack.run("backend", "python", "manage.py", "trigger_backup", "--type", "FULL")
    stack.run("backend", "sh", "-c", "rm -rf /srv/edms/media/*")
    assert "status: COMPLETED" in stack.run("backend", "python", "manage.py", "restore_backup", "latest", "--yes")
    stack.run("backend", "python", "manage.py", "verify_documents")
    assert [path.read_text() for path in (stack.work / "edms/media").rglob("*.txt")] == ["lease\n"]


def test_nothing_of_the_image_can_be_written(stack):
    for path in ("/app/backend/config/settings.py", "/opt/venv/bin/python", "/etc/passwd", "/usr/bin/env"):
        stack.run("backend", "sh", "-c", f"! touch {path}")
