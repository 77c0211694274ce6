"""The choice of the process in which a job or an operation runs: this one, a new one, or that of another executor.

`submit` hands a job over and does not wait for it. If its executor dies, the job's row is enough to go on: a PENDING
job is found again, and a RUNNING one whose process has ended is found dead. The same applies to operations.
"""

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Iterator
from datetime import datetime
from types import FrameType
from typing import IO

from django.utils import timezone

from strongroom.errors import StrongroomError

from .. import conf
from ..core.processes import command_line
from ..core.progress import Observer, Progress
from ..errors import BackupError, JobKilled, JobNotFound, LedgerUnavailable
from ..jobs.run import run_job
from ..ledger import renew_connection
from ..models import BackupJob, JobStatus, OperationStatus
from ..operations import run_operation, settle_dead
from ..selectors import job_by_uuid, operation_by_uuid
from ..services.dead_jobs import job_fail_dead, job_kill_overdue
from ..services.jobs import job_hand_over
from ..services.operation_runs import operation_hand_over
from ..storage.private_files import make_private_folder
from .celery_messages import send_job, send_operation

_POLL_SECONDS = 0.5
_MOST_STDERR = 2000
"""The most bytes of a failed process's error output in the reason of the failure."""
DETACHED_LOG = "detached.log"


class Child:
    """A process that does the work of one row. It has a session of its own, so that it outlives its parent."""

    def __init__(self, command: str, row: uuid.UUID) -> None:
        self.row = row
        # Closed with the object; the child has a descriptor of its own.
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = _start(command, row, stderr=self._stderr)
        self._stop_sent = False

    def stop(self) -> None:
        """Tell the process to end its work, or not to begin it."""
        self._stop_sent = True
        self.process.send_signal(signal.SIGTERM)

    def report(self) -> str:
        """Return the result of the work in words, after the process has ended, and write an early end to the row.

        Can be called again after `LedgerUnavailable`.
        """
        raise NotImplementedError

    def _early_end(self, work: str) -> str:
        """Say how the process ended before its work did, with the end of its error output."""
        code = self.process.returncode
        self._stderr.seek(max(0, self._stderr.seek(0, os.SEEK_END) - _MOST_STDERR))
        output = self._stderr.read().decode(errors="replace").strip()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code} before the {work} did"
        return f"The process {self.process.pid} of the {work} {how}." + (
            f" Its error output: {output}" if output else ""
        )


class ChildJob(Child):
    """The process of a job."""

    def __init__(self, job: uuid.UUID) -> None:
        super().__init__("backup_run_job", job)

    def settle(self) -> BackupJob:
        """Return the job's row after its process has ended. Raises `JobKilled` if the process left it unfinished.

        Then the row has the reason, and says whether the job is tried again. Can be called again after
        `LedgerUnavailable`.
        """
        pid, row = self.process.pid, _job_row(self.row)
        # Its own process put the job off, or was told not to begin.
        waits = row.not_before is not None or row.worker_pid == pid or self._stop_sent
        if row.status == JobStatus.PENDING and waits:
            return row
        reason = self._early_end("job")
        if not job_fail_dead(self.row, pid=pid, reason=reason, now=timezone.now()):
            return _job_row(self.row)
        raise JobKilled(reason)

    def report(self) -> str:
        row = self.settle()
        facts = {"error": row.error_message, "again from": str(row.not_before or "")}
        return f"{row.job_name} is {row.status}" + "".join(
            f", {name}: {value}" for name, value in facts.items() if value
        )


class ChildOperation(Child):
    """The process of an operation."""

    def __init__(self, operation: uuid.UUID) -> None:
        super().__init__("backup_run_operation", operation)

    def report(self) -> str:
        row = operation_by_uuid(self.row)
        if row is None:
            return f"The operation {self.row} is gone with the catalogue that was replaced; see the restore's own row."
        is_unfinished = row.status == OperationStatus.RUNNING and row.worker_pid == self.process.pid
        was_never_begun = row.status == OperationStatus.PENDING and not self._stop_sent
        if is_unfinished or was_never_begun:
            settle_dead(row, self._early_end("operation"), now=timezone.now())
            row = operation_by_uuid(self.row) or row
        return f"{row}" + (f": {row.error_message}" if row.error_message else "")


def submit(job: uuid.UUID, *, now: datetime) -> str:
    """Hand a PENDING job to the executor of BACKUP_EXECUTOR; return its name.

    Raises `BrokerUnavailable`; with the executor "inline" also the errors of `run_job`.
    """
    executor = conf.load().executor
    if executor == "celery":
        send_job(job, now=now)
    elif executor == "process":
        run_detached(job)
    elif executor == "inline":
        run_job(job)
    else:
        job_hand_over(job, now=now)
    return executor


def run_waiting(job: uuid.UUID, *, executor: str, observer: Observer | None = None) -> BackupJob:
    """Run a PENDING job, wait for its end and return its row. For "process" it has a process of its own.

    Raises the errors of `run_job`, or `JobKilled`.
    """
    if executor != "process":
        return run_job(job, observer=observer)
    child = ChildJob(job)
    with _passing_signals_to(child.process):
        _wait(child, observer)
    return child.settle()


def run_detached(job: uuid.UUID) -> int:
    """Start a process of its own for a PENDING job, do not wait for it, and return the process number."""
    return _detach("backup_run_job", job)


def submit_operation(operation: uuid.UUID, *, now: datetime) -> None:
    """Hand a PENDING operation to the executor of BACKUP_EXECUTOR.

    Raises `BrokerUnavailable`. With the executor "inline" errors of the operation are in its row.
    """
    executor = conf.load().executor
    if executor == "celery":
        send_operation(operation, now=now)
    elif executor == "process":
        _detach("backup_run_operation", operation)
    elif executor == "inline":
        with contextlib.suppress(BackupError, StrongroomError, OSError):
            run_operation(operation)
    else:
        operation_hand_over(operation, now=now)


def run_operation_waiting(operation: uuid.UUID) -> str:
    """Run a PENDING operation in a process of its own, wait for its end, and return the result in words."""
    child = ChildOperation(operation)
    with _passing_signals_to(child.process):
        child.process.wait()
    # It may have replaced the database of our connection.
    renew_connection()
    return child.report()


def _detach(command: str, row: uuid.UUID) -> int:
    """Start a process whose error output goes to `detached.log` in BACKUP_STORAGE_ROOT; return its number."""
    folder = conf.load().storage_root.resolve()
    make_private_folder(folder)
    descriptor = os.open(folder / DETACHED_LOG, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    with open(descriptor, "ab") as log:
        return _start(command, row, stderr=log).pid


def _start(command: str, row: uuid.UUID, *, stderr: IO[bytes]) -> subprocess.Popen[bytes]:
    arguments, environment = command_line(command, str(row), environment=os.environ)
    return subprocess.Popen(
        arguments,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        start_new_session=True,
    )


def _job_row(job: uuid.UUID) -> BackupJob:
    row = job_by_uuid(job)
    if row is None:
        raise JobNotFound(f"The catalogue has no job {job}.")
    return row


def _wait(child: ChildJob, observer: Observer | None) -> None:
    while True:
        try:
            child.process.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            try:
                _enforce_and_observe(child.row, observer)
            except LedgerUnavailable:
                # The job itself decides for how long it can work without the catalogue.
                renew_connection()
        else:
            return


def _enforce_and_observe(job: uuid.UUID, observer: Observer | None) -> None:
    job_kill_overdue(now=timezone.now())
    row = None if observer is None else job_by_uuid(job)
    if observer is not None and row is not None and row.progress:
        observer(Progress(**row.progress))


@contextlib.contextmanager
def _passing_signals_to(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Pass SIGTERM and SIGINT on to the child while the block runs. It ignores a signal that comes twice."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def pass_on(number: int, _frame: FrameType | None) -> None:
        process.send_signal(number)

    previous = {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
