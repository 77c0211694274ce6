"""The agent: awake in time, idle for nothing, stopped in order, killed without harm."""

import os
import re
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.backup.testing.executor_hosts import NAMES, new_host, stored

from strongroom.backends import LocalBackend
from strongroom.repository import Repository

MANY = """
from datetime import timedelta
from django.utils import timezone
from apps.backup.models import BackupConfiguration
BackupConfiguration.objects.bulk_create(
    BackupConfiguration(name=f"c{number}", frequency="HOURLY", schedule_start=timezone.now(), schedule_zone="UTC",
                        next_slot=timezone.now() + timedelta(hours=1)) for number in range(%d))
"""


def test_a_slot_is_seen_within_a_second_and_run(host, measured):
    agent = host.agent()
    slot = host.make_due("one", at=datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3))
    host.wait_for_end("one")
    ((queued, started),) = host.rows("SELECT queued_at, started_at FROM backup_backupjob WHERE slot = ?", stored(slot))
    delay = datetime.fromisoformat(queued) - slot.replace(tzinfo=None)
    measured("seen after seconds", delay.total_seconds())
    measured("running after seconds", str(datetime.fromisoformat(started) - slot.replace(tzinfo=None)))
    assert timedelta() <= delay < timedelta(seconds=1)
    job = host.job("one")
    assert (job.status, job.attempt, job.woken_by) == ("COMPLETED", 1, "AGENT")
    assert host.rows("SELECT kind FROM backup_executor") == [("AGENT",)]
    assert agent.stop() == 0
    assert host.rows("SELECT kind FROM backup_executor") == []


def test_a_running_agent_follows_a_change_of_the_passphrase(host, tmp_path):
    secret, following = tmp_path / "secrets" / "passphrase", tmp_path / "next"
    secret.parent.mkdir()
    secret.write_text(f"{host.environment.pop('BACKUP_PASSWORD')}\n")
    following.write_text("a horse of another colour\n")
    host.environment["BACKUP_PASSWORD_FILE"] = str(secret)
    agent = host.agent()
    host.make_due("one")
    host.wait_for_end("one")
    host.run("backup_rekey", "--new-password-file", str(following), "--yes")
    host.make_due("one")
    host.wait_until(lambda: len(host.jobs("one")) == 2)
    host.wait_for_end("one")
    ends = [(job.status, job.woken_by) for job in host.jobs("one")]
    assert agent.stop() == 0

    assert secret.read_text() == "a horse of another colour\n"
    assert ends == [("COMPLETED", "AGENT")] * 2
    keys = Repository.open(LocalBackend(host.home / "backups/one/repository"), "a horse of another colour").list_keys()
    assert len(keys) == 1, "the old passphrase opens nothing any more"


def test_an_agent_that_is_stopped_gives_its_job_to_the_next_one(busy):
    agent = busy.agent()
    busy.make_due("one")
    busy.wait_for_running("one")
    busy.wait_until(lambda: busy.packs("one"), pause=0.01)
    assert agent.stop(seconds=20) == 0
    job = busy.job("one")
    assert (job.status, job.attempt) == ("PENDING", 1)
    assert "SIGTERM" in job.error
    assert busy.processes() == {}
    busy.wait_until(lambda: busy.is_clean("one"))
    assert busy.snapshots("one") == []
    busy.agent()
    # At once: nothing was wrong that a pause could mend.
    busy.wait_for_end("one")
    job = busy.job("one")
    assert (job.status, job.attempt) == ("COMPLETED", 2)
    assert [one["id"] for one in busy.restic_says_clean("one")] == [job.snapshot]


def test_an_agent_may_be_stopped_as_often_as_one_likes(host):
    host.make_due("one")
    # A failure would be the end of it.
    host.use(BACKUP_ATTEMPTS=1)
    for attempt in (1, 2):
        agent = host.agent()
        with host.held(host.wait_for_running("one")) as pid:
            agent.process.send_signal(signal.SIGTERM)
            host.wait_until(lambda pid=pid: has_waiting(pid, signal.SIGTERM))
        assert agent.process.wait(30) == 0
        assert (host.job("one").status, host.job("one").attempt) == ("PENDING", attempt)
    host.agent()
    host.wait_for_end("one")
    assert (host.job("one").status, host.job("one").attempt) == ("COMPLETED", 3)


def test_a_job_that_has_not_begun_when_the_agent_stops_is_no_failure(host):
    agent = host.agent()
    host.run(
        "shell",
        "-c",
        "from apps.backup.services.jobs import *\nfrom django.utils import timezone\n"
        "job = job_create(JobRequest('FILES'), now=timezone.now()); job_hand_over(job.uuid, now=timezone.now())",
    )
    agent.wait_for(" starts as process ")
    assert agent.stop() == 0
    ((status, attempt),) = host.rows("SELECT status, attempt FROM backup_backupjob")
    # Stopped before its claim, the job waits; after it, a manual job is cancelled.
    assert (status, attempt) in {("PENDING", 0), ("CANCELLED", 1)}


def test_a_job_outlives_an_agent_that_is_killed_and_is_not_started_twice(host):
    first = host.agent()
    host.make_due("one")
    with host.held(host.wait_for_running("one")):
        first.process.kill()
        first.process.wait()
        second = host.agent()
        host.make_due("two")
        host.wait_for_end("two")
        assert host.job("one").status == "RUNNING"
    host.wait_for_end("one")
    assert second.process.poll() is None
    assert second.said.count(" starts as process ") == 1
    assert (host.job("one").status, host.job("one").attempt) == ("COMPLETED", 1)
    assert len(host.snapshots("one")) == 1


def test_a_job_that_is_killed_with_its_agent_is_done_by_the_next_one(host):
    first = host.agent()
    host.make_due("one")
    pid = host.wait_for_running("one")
    with host.held(pid):
        first.process.kill()
        first.process.wait()
        os.kill(pid, signal.SIGKILL)
    host.agent()
    host.wait_until(lambda: host.job("one").status == "PENDING")
    host.try_again_now()
    host.wait_for_end("one")
    assert (host.job("one").status, host.job("one").attempt) == ("COMPLETED", 2)
    assert len(host.snapshots("one")) == 1


def test_locks_of_killed_jobs_do_not_block_retention(busy):
    busy.agent()
    busy.make_due("one", max_backups=1)
    busy.wait_for_end("one")
    before = busy.packs("one")
    busy.add_files(20, size=2_000_000, folder="more")
    busy.make_due("one", max_backups=1)
    busy.wait_until(lambda: len(busy.jobs("one")) == 2)
    pid = busy.wait_for_running("one")
    busy.wait_until(lambda: busy.packs("one") > before, pause=0.01)
    os.kill(pid, signal.SIGKILL)
    busy.wait_until(lambda: busy.jobs("one")[-1].status == "PENDING")
    assert not busy.is_clean("one")
    busy.try_again_now()
    busy.wait_for_end("one")
    busy.wait_until(lambda: busy.rows("SELECT 1 FROM backup_backupjob WHERE removed_at IS NOT NULL"))
    kept = busy.jobs("one")[-1]
    assert (kept.status, kept.attempt) == ("COMPLETED", 2)
    assert busy.snapshots("one") == [kept.snapshot]
    busy.wait_until(lambda: busy.is_clean("one"))
    busy.restic_says_clean("one")


def test_agents_and_cron_at_the_same_time_run_each_slot_once(host):
    for _ in range(2):
        host.agent("--jobs", "2")
    host.make_due(*NAMES)
    crons = [host.start("backup_run_due") for _ in range(3)]
    for cron in crons:
        out, err = cron.communicate(timeout=120)
        assert cron.returncode == 0, out + err
    host.wait_for_end(*NAMES)
    assert host.events("Started by") == len(NAMES)
    for name in NAMES:
        job = host.job(name)
        assert (job.status, job.attempt) == ("COMPLETED", 1)
        assert host.snapshots(name) == [job.snapshot]


def test_an_idle_agent_costs_next_to_nothing(configured_home, tmp_path, measured):
    """Other work on the machine only adds to the measured time, so the least of some windows is the true value."""
    seconds, most, shares = 10.0, {50: 0.01, 1000: 0.02}, []
    with new_host(configured_home, tmp_path / "few") as few, new_host(configured_home, tmp_path / "many") as many:
        agents = {}
        for count, host in ((50, few), (1000, many)):
            host.run("shell", "-c", MANY % count)
            agents[count] = host.agent()
            # Its first round has more to do than those after it.
            host.wait_until(lambda host=host: host.rows("SELECT 1 FROM backup_executor"))
        time.sleep(2)
        while len(shares) < 6:
            before = {count: processor_seconds(agent.process.pid) for count, agent in agents.items()}
            # Elapsed time is measured, so there is nothing else to wait for.
            time.sleep(seconds)
            used = {count: processor_seconds(agent.process.pid) - before[count] for count, agent in agents.items()}
            shares.append({count: share / seconds for count, share in used.items()})
            if all(shares[-1][count] < share for count, share in most.items()):
                break
    for count, share in shares[-1].items():
        measured(f"share of a processor with {count} configurations", share)
    assert all(shares[-1][count] < share for count, share in most.items()), shares


def has_waiting(pid, number):
    """Whether a signal waits until that process goes on.

    One that came while it was still on its way to its stop has been taken by a thread, which blocks it and is stopped.
    """
    threads = [(place / "status").read_text() for place in Path(f"/proc/{pid}/task").iterdir()]
    masks = re.findall(r"(?:ShdPnd|SigBlk):\s*([0-9a-f]+)", "".join(threads))
    return any(int(mask, 16) & 1 << (number - 1) for mask in masks)


def processor_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
