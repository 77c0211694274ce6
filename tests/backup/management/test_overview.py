"""`manage.py backup`, and the look of all tables on a terminal and in a pipe."""

from __future__ import annotations

import json
import re

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rich.cells import cell_len
from tests.backup.testing.shell import Shell

from apps.backup.doctor.health import examine
from apps.backup.management.overview import look, rendered
from apps.backup.management.terminal import age
from apps.backup.models import BackupJob, JobStatus

pytestmark = pytest.mark.slow

SECTIONS = ["Protection", "Running", "Next runs", "Last runs", "Findings"]


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "")


def test_the_overview_answers_whether_the_system_is_protected(shell: Shell) -> None:
    before = shell.run("python manage.py backup").splitlines()
    assert [line for line in before if not line.startswith(" ")] == SECTIONS
    assert before[1] == "  UNPROTECTED"
    assert "  no job has ended" in before
    assert any(line.startswith("  CRITICAL backup.W012 executor: ") for line in before)
    shell.edms.have_repository()
    shell.run("python manage.py trigger_backup --config production_daily_full")
    shell.edms.write(
        "UPDATE backup_backupjob SET status = 'RUNNING', lease_token = ?, lease_expires_at = '2100-01-01',"
        " progress = ?",
        "0" * 32,
        json.dumps({"phase": "files", "files_done": 3, "bytes_done": 4000, "bytes_total": 8000}),
    )
    assert re.search(
        r"Running\n  production_daily_full-\w+  files 3 files, 4.0 kB of about 8.0 kB\n",
        shell.run("python manage.py backup"),
    )
    shell.edms.write("UPDATE backup_backupjob SET status = 'COMPLETED', lease_token = NULL")
    told = json.loads(shell.run("python manage.py backup --json"))
    assert told["verdict"]["state"] == "AT_RISK"
    assert [one["configuration"] for one in told["last_runs"]] == ["production_daily_full"]
    assert told["next_runs"][0]["configuration"] == "production_daily_full"
    bare = shell.run("python manage.py backup --no-header").splitlines()
    assert all(line.startswith("  ") for line in bare)


def test_watching_ends_quietly_with_ctrl_c(shell: Shell) -> None:
    command = "stty cols 100 rows 60; python manage.py backup --watch --every 1"
    shown = plain(shell.on_terminal(command, [("Findings", "\x03")]))
    assert "UNPROTECTED" in shown
    assert "Traceback" not in shown
    assert "needs a terminal" in shell.edms.run("backup", "--watch", expect=2).stderr
    for pause in ("0", "nan", "inf", "1e300"):
        assert "from 1 to 3,600" in shell.edms.run("backup", "--watch", "--every", pause, expect=2).stderr


def test_watching_survives_a_database_that_goes_away(shell: Shell) -> None:
    database = shell.edms.home / "edms.sqlite3"
    away = database.with_suffix(".away")
    events = [
        ("Findings", lambda: database.rename(away)),
        ("Next attempt in 1 seconds", lambda: away.rename(database)),
        ("Findings", "\x03"),
    ]
    shown = plain(shell.on_terminal("stty cols 100 rows 60; python manage.py backup --watch --every 1", events))
    # The lines of the reason are wrapped at the width of the terminal.
    assert "does not exist" in " ".join(shown.split())
    assert "Traceback" not in shown


@pytest.mark.parametrize("line", ["backup", "backup --json"])
def test_a_full_disk_behind_stdout_is_an_error(shell: Shell, line: str) -> None:
    said = shell.run(f"python manage.py {line} 2>&1 >/dev/full", expect=1)
    assert said.endswith(" and run the command again.\n")
    assert said.startswith("error: The output cannot be written: No space left on device.")


@pytest.mark.django_db
def test_an_update_takes_two_queries_however_many_jobs_there_are() -> None:
    call_command("manage_backup_configs", "--install-production")
    health = examine(now=timezone.now())
    for count in (1, 30):
        for number in range(count):
            BackupJob.objects.create(
                job_name=f"job-{count}-{number}", backup_type="FULL", status=JobStatus.PENDING, queued_at=timezone.now()
            )
        with CaptureQueriesContext(
            connection,
        ) as queries:
            rendered(look(health, now=timezone.now()))
        assert len(queries) == 2


def test_a_narrow_terminal_shows_every_column(shell: Shell) -> None:
    listed = "python manage.py manage_backup_configs --list"
    titles = shell.run(listed).splitlines()[0].split("\t")
    wide, narrow = (plain(shell.on_terminal(f"stty cols {width}; {listed}", [])) for width in (200, 80))
    assert wide.splitlines()[0].split("  ")[0] == "Name"
    assert [line for line in wide.splitlines() if line.startswith(" ")] == []
    assert max(map(cell_len, narrow.splitlines())) <= 80
    for title in titles:
        assert title in wide
        assert title in narrow
    assert "    Schedule: daily at 02:00" in narrow
    assert "Retention: 30 days / 30 backups" in narrow
    assert narrow.splitlines()[0].split() == ["Name", "Type", "State"]
    assert shell.run(f"{listed} --no-header") == shell.run(listed).partition("\n")[2]


def test_times_have_a_zone_and_are_utc_on_request(shell: Shell) -> None:
    command = "python manage.py manage_backup_configs --next production_daily_full --no-header"
    there = shell.run(f"EDMS_TIME_ZONE=Europe/Berlin {command}").split("\t")[0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d 02:00 CES?T", there)
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d 0[01]:00 UTC", shell.run(f"EDMS_TIME_ZONE=Europe/Berlin {command} --utc").split("\t")[0]
    )


def test_latest_is_the_newest_job_that_the_filters_leave(shell: Shell) -> None:
    shell.edms.have_repository()
    for line in ("--config production_daily_full", "--type DATABASE"):
        shell.run(f"python manage.py trigger_backup {line}")
    newest = shell.edms.json("backup_jobs", "--show", "latest")
    assert newest["type"] == "DATABASE"
    assert newest["job"] == shell.edms.json("backup_jobs")["jobs"][0]["job"]
    named = shell.edms.json("backup_jobs", "--log", "latest", "--config", "production_daily_full")
    assert named["job"] == shell.edms.json("backup_jobs")["jobs"][1]["job"]
    assert "pinned" in shell.run("python manage.py backup_jobs --pin latest --type FULL")


def test_ages_are_rounded() -> None:
    assert [age(one) for one in (None, 0.0, 0.5, 3.2, 47.0, 72.0)] == [
        "never",
        "0 min ago",
        "30 min ago",
        "3 h ago",
        "47 h ago",
        "3 d ago",
    ]
