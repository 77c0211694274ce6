"""The number of queries of every command is the same for ten configurations and for a thousand."""

import contextlib
import io
from datetime import timedelta

import pytest
from benchmarks.large_ledger import fill
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests.backup.testing.edms import PASSPHRASE

from apps.backup.executors.agent import Agent
from apps.backup.models import BackupConfiguration, BackupJob, JobEvent

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

JOBS, KEPT = 18, 14
"""Of each configuration: more than are kept, so that some are removed, and enough for one that failed."""

COMMANDS = [
    "manage_backup_configs --list",
    "manage_backup_configs --list --json",
    "manage_backup_configs --stats",
    "manage_backup_configs --next",
    "manage_backup_configs --next policy-0001",
    "manage_backup_configs --disable policy-0001",
    "manage_backup_configs --enable policy-0001",
    "backup_jobs",
    "backup_jobs --json --limit 300",
    "backup_jobs --status FAILED --status MISSED --type FULL",
    "backup_jobs --config policy-0001",
    "backup_jobs --show JOB",
    "backup_jobs --log JOB",
    "backup_prune --dry-run",
    "backup_prune --dry-run --all",
    "backup_health",
    "trigger_backup --config policy-0000 --dry-run",
    "backup_run_due --dry-run",
    "backup_run_due",
]


def run(command: str) -> int:
    """Run a command as it stands; the number of its queries."""
    job = BackupJob.objects.filter(configuration__name="policy-0001").latest("queued_at")
    words = [str(job.uuid)[:13] if word == "JOB" else word for word in command.split()]
    # `backup_health` tells what it finds by its exit code.
    ends = pytest.raises(SystemExit) if words[0] == "backup_health" else contextlib.nullcontext()
    with CaptureQueriesContext(connection) as caught, contextlib.redirect_stdout(io.StringIO()), ends:
        call_command(*words, stdout=io.StringIO(), stderr=io.StringIO())
    assert BackupJob.objects.filter(status="PENDING").count() == 0
    return len(caught)


def tick(agent: Agent) -> int:
    agent._last_housekeeping = agent._last_beat = float("-inf")
    with CaptureQueriesContext(connection) as caught:
        agent.tick(timezone.now())
    return len(caught)


def counts(configurations: int) -> dict[str, int]:
    now = timezone.now()
    fill(configurations, JOBS, now=now, kept=KEPT)
    assert BackupJob.objects.count() == configurations * JOBS
    agent = Agent(jobs_at_once=2, log=lambda _line: None)
    # Those that say that they are there make their row the first time, and change it from then on.
    run("backup_run_due")
    tick(agent)
    found = {command: run(command) for command in COMMANDS}
    found["a tick of the agent"] = tick(agent)
    # The slots are of tomorrow: none of the commands has started a job.
    assert BackupConfiguration.objects.filter(next_slot__lte=now + timedelta(seconds=1)).count() == 0
    for model in (JobEvent, BackupJob, BackupConfiguration):
        # At once, without a look at each of them.
        model.objects.all()._raw_delete(connection.alias)
    return found


def test_ten_or_a_thousand(monkeypatch):
    monkeypatch.setenv("BACKUP_PASSWORD", PASSPHRASE)
    few, many = counts(10), counts(1000)
    assert few == many
    assert max(few.values()) <= 50
