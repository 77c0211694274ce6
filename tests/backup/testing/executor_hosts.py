"""An EDMS whose jobs are run by agents, workers and cron: real processes, a real broker, a catalogue to look into."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import celery
import psycopg
from tests.backup.testing.edms import BACKEND, Edms
from tests.waiting import timed_out

from demo.private_postgres import RunningServer
from strongroom.ids import is_storage_name

PROJECTS = Path(__file__).parent / "projects" / "executors"
NAMES = ("one", "two", "three", "four")
"""The configurations that each host has; none of them is switched on, each has a repository of its own."""
PATIENCE = 60
NEVER = datetime.min.replace(tzinfo=UTC)
ENDED = ("COMPLETED", "INCOMPLETE", "FAILED", "CANCELLED", "TIMEOUT", "MISSED")
JOB = "status, attempt, error_message, snapshot_id, worker_pid, woken_by, configuration_name, trust"

CONFIGURE = f"""
from datetime import timedelta
from django.utils import timezone
from apps.backup.services.configurations import ConfigurationValues, configuration_create
# A time that does not come while the tests run.
at = (timezone.now() + timedelta(hours=12)).time().replace(second=0, microsecond=0)
values = dict(backup_type="FILES", frequency="DAILY", schedule_time=at, is_enabled=False)
for name in {NAMES}:
    configuration_create(ConfigurationValues(name=name, storage_path=name, **values))
"""


@dataclasses.dataclass
class Job:
    """A job as the catalogue has it."""

    status: str
    attempt: int
    error: str
    snapshot: str
    pid: int | None
    woken_by: str
    configuration: str
    trust: str


@dataclasses.dataclass
class Host(Edms):
    """`server` holds its database; without one it is SQLite."""

    broker: str = ""
    server: RunningServer | None = None
    started: list[Running] = dataclasses.field(default_factory=list)
    last_slot: datetime = NEVER

    def use(self, broker: str = "", databases: dict[str, object] | None = None, **settings: object) -> None:
        """Have settings that differ from the EDMS's own, and a broker; Celery runs the jobs if there is one."""
        self.environment["PYTHONPATH"] = f"{PROJECTS}{os.pathsep}{BACKEND}"
        self.environment["DJANGO_SETTINGS_MODULE"] = "executor_host"
        given = json.loads(self.environment.get("HOST_SETTINGS", "{}"))
        if broker:
            self.broker = self.environment["CELERY_BROKER_URL"] = broker
            self.environment["BACKUP_EXECUTOR"] = "celery"
            # Clients of an unavailable broker give up soon.
            given["CELERY_BROKER_TRANSPORT_OPTIONS"] = {"socket_connect_timeout": 2}
        self.environment["HOST_SETTINGS"] = json.dumps({**given, **settings})
        self.environment["HOST_DATABASES"] = json.dumps(databases or {})

    # Processes.

    def launch(self, *command: str, **changes: str) -> Running:
        """Start a process in a session of its own; what it says goes to a file."""
        log = self.home.parent / f"{len(self.started):02}-{'-'.join(Path(word).name for word in command[1:4])}.log"
        environment = {"PATH": os.environ["PATH"], "EDMS_HOME": str(self.home), **self.environment, **changes}
        with log.open("w") as output:
            process = subprocess.Popen(
                command,
                env=environment,
                cwd=BACKEND,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started.append(Running(process, log))
        return self.started[-1]

    def agent(self, *options: str, **changes: str) -> Running:
        running = self.launch(sys.executable, "manage.py", "backup_agent", *options, **changes)
        running.wait_for("The agent runs as process")
        return running

    def worker(self, *options: str, pool: str = "prefork", at_once: int = 4, queue: str = "") -> Running:
        name = f"w{len(self.started)}@localhost"
        words = ["-A", "config", "worker", "-l", "INFO", "-n", name, "-P", pool, "-c", str(at_once)]
        # Nothing to say to other workers, and so no second to wait for them.
        words += ["--without-gossip", "--without-mingle", *(["-Q", queue] if queue else []), *options]
        running = self.launch(str(Path(sys.executable).with_name("celery")), *words)
        running.wait_for(" ready.")
        return running

    def beat(self) -> Running:
        words = ["-A", "config", "beat", "-l", "INFO", "-s", str(self.home / "beat-schedule"), "--pidfile="]
        running = self.launch(str(Path(sys.executable).with_name("celery")), *words)
        running.wait_for("beat: Starting...")
        return running

    def processes(self) -> dict[int, str]:
        """Everything that runs with this home: process numbers and command lines."""
        mark = f"EDMS_HOME={self.home}".encode()
        found = {}
        for place in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if place.name.isdigit() and mark in (place / "environ").read_bytes().split(b"\0"):
                    found[int(place.name)] = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found

    def end(self) -> None:
        """Kill whatever still runs."""
        deadline = time.monotonic() + 30
        while found := self.processes():
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            assert time.monotonic() < deadline, f"Waited 30 seconds for killed processes to end; left: {found}"
            for running in self.started:
                running.process.poll()
            time.sleep(0.02)
        for running in self.started:
            running.process.wait(30)

    # Its catalogue.

    def rows(self, query: str, *parameters: object) -> list[tuple]:
        if self.server is None:
            return super().rows(query, *parameters)
        with contextlib.closing(self.connect()) as connection:
            return connection.execute(query.replace("?", "%s"), parameters).fetchall()

    def write(self, query: str, *parameters: object) -> None:
        if self.server is None:
            with contextlib.closing(sqlite3.connect(self.database, timeout=60)) as connection, connection:
                connection.execute(query, parameters)
            return
        with contextlib.closing(self.connect()) as connection:
            connection.execute(query.replace("?", "%s"), parameters)

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        assert self.server is not None
        connection = self.server.connect(self.environment["DATABASE_URL"].rpartition("/")[2])
        connection.execute("SET TIME ZONE 'UTC'")
        return connection

    def make_due(self, *names: str, at: datetime | None = None, seconds_ago: int = 5, **columns: object) -> datetime:
        """Switch these configurations on, with a slot that was due a moment ago, or is due then.

        It is another slot than the time before, even within the same second: a slot has one job.
        """
        ago = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=seconds_ago)
        self.last_slot = slot = at or max(ago, self.last_slot + timedelta(seconds=1))
        values = {"is_enabled": True, "next_slot": stored(slot), "schedule_start": stored(slot), **columns}
        words = ", ".join(f"{column} = ?" for column in values)
        for name in names:
            self.write(f"UPDATE backup_backupconfiguration SET {words} WHERE name = ?", *values.values(), name)
        return slot

    def jobs(self, name: str = "") -> list[Job]:
        where = "WHERE configuration_name = ?" if name else ""
        found = self.rows(f"SELECT {JOB} FROM backup_backupjob {where} ORDER BY id", *([name] if name else []))
        return [Job(*row) for row in found]

    def job(self, name: str) -> Job:
        """The only job of this configuration."""
        (job,) = self.jobs(name)
        return job

    def try_again_now(self) -> None:
        """End the wait of a job for its next attempt."""
        # `not_before` stays set: it shows the parent of an ended process that the job was put off.
        waited = "UPDATE backup_backupjob SET not_before = ? WHERE status = 'PENDING' AND not_before IS NOT NULL"
        self.write(waited, stored(datetime.now(UTC) - timedelta(seconds=1)))

    def wait_until(self, true: Callable[[], object], *, seconds: float = PATIENCE, pause: float = 0.05) -> None:
        deadline = time.monotonic() + seconds
        while not (seen := true()):
            assert time.monotonic() < deadline, f"{timed_out(true, seen, seconds=seconds)}\n{self.report()}"
            time.sleep(pause)

    def events(self, text: str) -> int:
        """How many lines of the jobs' logs hold this text."""
        return sum(text in line for (line,) in self.rows("SELECT text FROM backup_jobevent"))

    def wait_for_end(self, *names: str) -> list[Job]:
        """The last job of each of these, as soon as none of them waits or runs."""
        self.wait_until(lambda: all(jobs and jobs[-1].status in ENDED for jobs in map(self.jobs, names)))
        return [self.jobs(name)[-1] for name in names]

    def wait_for_running(self, name: str) -> int:
        """The process of this configuration's job as soon as it runs."""
        self.wait_until(lambda: any(job.status == "RUNNING" for job in self.jobs(name)), pause=0.005)
        (pid,) = [job.pid for job in self.jobs(name) if job.status == "RUNNING"]
        assert pid is not None
        return pid

    @contextlib.contextmanager
    def held(self, pid: int) -> Iterator[int]:
        """Keep a job's process where it is."""
        self.hold(pid)
        try:
            yield pid
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def hold(self, pid: int) -> None:
        """Stop a job's process, but not while it keeps others from writing to the catalogue or from making theirs."""
        deadline = time.monotonic() + PATIENCE
        os.kill(pid, signal.SIGSTOP)
        while not (self._can_be_written() and self._can_be_staged()):
            assert time.monotonic() < deadline, f"Waited {PATIENCE:g} s for {pid} to leave its locks\n{self.report()}"
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.002)
            os.kill(pid, signal.SIGSTOP)

    def _can_be_written(self) -> bool:
        if self.server is not None:
            return True
        with contextlib.closing(sqlite3.connect(self.database, timeout=0.2, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
            connection.execute("ROLLBACK")
            return True

    def _can_be_staged(self) -> bool:
        try:
            descriptor = os.open(self.storage / "staging" / ".held", os.O_RDWR)
        except FileNotFoundError:
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
        return True

    def report(self) -> str:
        """Return the jobs, events, logs and processes, for the message of a wait that failed."""
        said = [f"--- {log.name}\n{log.read_text()[-3000:]}" for log in sorted(self.home.parent.glob("*.log"))]
        events = self.rows("SELECT at, text FROM backup_jobevent ORDER BY id")
        return "\n".join([*map(str, self.jobs()), *map(str, events), *said, *map(str, self.processes().items())])

    # Its storage and its broker.

    def repository(self, name: str) -> Path:
        return self.storage / name / "repository"

    def snapshots(self, name: str) -> list[str]:
        folder = self.repository(name) / "snapshots"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def packs(self, name: str) -> int:
        return sum(path.is_file() for path in (self.repository(name) / "data").rglob("*"))

    def restic_says_clean(self, name: str) -> list[dict]:
        """The snapshots as the stock restic lists them, after it has read everything."""
        environment = {"RESTIC_PASSWORD": self.environment["BACKUP_PASSWORD"], "PATH": "/usr/bin:/bin", "HOME": "/none"}
        base = ["restic", "-r", str(self.repository(name)), "--no-cache", "--json"]
        subprocess.run([*base, "check", "--read-data"], env=environment, check=True, capture_output=True)
        listed = subprocess.run([*base, "snapshots"], env=environment, check=True, capture_output=True).stdout
        return json.loads(listed)

    def is_clean(self, name: str) -> bool:
        """Return whether neither locks nor working folders are left.

        A partly written file of a killed process is no lock.
        """
        staging = self.storage / "staging"
        left = [path.name for path in staging.iterdir() if path.name != ".held"] if staging.is_dir() else []
        locks = [path.name for path in (self.repository(name) / "locks").iterdir()]
        return not left and not [lock for lock in locks if is_storage_name(lock)]

    def send(self, task: str, *arguments: str, times: int = 1, queue: str = "celery", **named: str) -> None:
        with celery.Celery("sender", broker=self.broker, set_as_current=False) as app:
            for _ in range(times):
                app.send_task(task, args=arguments, kwargs=named, queue=queue)


@dataclasses.dataclass
class Running:
    """A process, and the file that holds what it says."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_for(self, text: str, *, times: int = 1, seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while self.said.count(text) < times:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, f"Waited {seconds:g} seconds for {text!r}; seen last:\n{self.said}"
            time.sleep(0.02)

    def stop(self, number: int = signal.SIGTERM, *, seconds: float = PATIENCE) -> int:
        """Send a signal and wait; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def kill_all_but_jobs(self) -> None:
        """End it and the processes of its pool as a machine without memory would. Jobs have sessions of their own."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def stored(moment: datetime) -> str:
    """A moment as Django writes it into SQLite; PostgreSQL takes it for one of its session's zone, which is UTC."""
    return str(moment.astimezone(UTC).replace(tzinfo=None))


@contextlib.contextmanager
def new_host(configured_home: Path, folder: Path) -> Iterator[Host]:
    """An EDMS with a few files in a folder of its own; its processes end with the block."""
    made = Host.copied(configured_home, folder / "home")
    for name in NAMES:
        made.have_repository(name)
    made.use()
    try:
        yield made
    finally:
        made.end()
