"""A catalogue in PostgreSQL, whose server is stopped and started again under agents, workers and jobs."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.postgresql


class Control:
    """Stops and starts a server whose data lie in a folder."""

    def __init__(self, server):
        with contextlib.closing(server.connect()) as connection:
            ((folder,),) = connection.execute("SHOW data_directory").fetchall()
        self.folder = Path(folder)
        self.program = str(server.bin / "pg_ctl")
        self.options = (self.folder / "postmaster.opts").read_text().strip().partition(" ")[2]

    def stop(self):
        self._run("stop", "-m", "fast")

    def start(self):
        self._run("start", "-o", self.options, "-l", str(self.folder.parent / "again.log"))

    def _run(self, action, *words):
        owner = self.folder.stat().st_uid
        subprocess.run(
            [self.program, action, "-D", str(self.folder), "-w", "-s", *words],
            check=True,
            cwd="/",
            user=owner if os.geteuid() == 0 else None,
            extra_groups=[] if os.geteuid() == 0 else None,
            stdin=subprocess.DEVNULL,
        )


@pytest.fixture
def control(postgres) -> Iterator[Control]:
    made = Control(postgres)
    yield made
    if not (made.folder / "postmaster.pid").exists():
        made.start()


def test_a_worker_runs_a_slot_once(postgres_host, redis):
    postgres_host.use(redis.url)
    worker = postgres_host.worker()
    postgres_host.make_due("one", "two", backup_type="FULL")
    postgres_host.send("backup.run_due", times=3)
    postgres_host.wait_for_end("one", "two")
    for (job,) in postgres_host.rows("SELECT uuid FROM backup_backupjob"):
        postgres_host.send("backup.run_job", str(job), times=2)
    worker.wait_for("another delivery of this message", times=4)
    for name in ("one", "two"):
        job = postgres_host.job(name)
        assert (job.status, job.attempt, job.woken_by) == ("COMPLETED", 1, "BEAT")
        assert postgres_host.snapshots(name) == [job.snapshot]


def test_an_agent_and_its_job_outlast_a_restart_of_the_server(postgres_host, busy, control):
    agent = postgres_host.agent()
    postgres_host.make_due("one")
    pid = postgres_host.wait_for_running("one")
    # It asks the catalogue before it stores, and again before it publishes; in between it needs none.
    postgres_host.wait_until(lambda: postgres_host.packs("one"), pause=0.002)
    with postgres_host.held(pid):
        stored = postgres_host.packs("one")
        control.stop()
        agent.wait_for("The agent tries again in")
    postgres_host.wait_until(lambda: postgres_host.packs("one") > stored)
    control.start()
    postgres_host.wait_for_end("one")
    assert (postgres_host.job("one").status, postgres_host.job("one").attempt) == ("COMPLETED", 1)
    assert postgres_host.snapshots("one") == [postgres_host.job("one").snapshot]
    postgres_host.make_due("two")
    postgres_host.wait_for_end("two")
    assert postgres_host.job("two").status == "COMPLETED"
    assert agent.stop() == 0


def test_a_job_that_dies_while_the_server_is_away_is_noticed_afterwards(postgres_host, control):
    agent = postgres_host.agent()
    postgres_host.make_due("one")
    pid = postgres_host.wait_for_running("one")
    with postgres_host.held(pid):
        control.stop()
        os.kill(pid, signal.SIGKILL)
        # More than once: what is noticed the first time cannot be written down.
        agent.wait_for("The agent tries again in", times=3)
    control.start()
    postgres_host.wait_until(lambda: postgres_host.job("one").status == "PENDING")
    assert "killed" in postgres_host.job("one").error
    postgres_host.try_again_now()
    postgres_host.wait_for_end("one")
    assert (postgres_host.job("one").status, postgres_host.job("one").attempt) == ("COMPLETED", 2)
    assert agent.process.poll() is None
