"""Where jobs and operations run: in this process, in one of their own that was started fresh, or with whoever takes
them over.

`submit` is for jobs that nobody waits for. Whatever happens to whoever took one over, the job's row tells: a PENDING
one is found again, a RUNNING one whose process is gone is found dead. The same holds of operations.
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
from ..services.dead_jobs import job_enforce, job_fail_dead
from ..services.jobs import job_hand_over
from ..services.operation_runs import operation_hand_over
from ..storage.private_files import make_private_folder
from .celery_messages import send_job, send_operation

_POLL_SECONDS = 0.5
_LAST_WORDS = 2000
DETACHED_LOG = "detached.log"


class Child:
    """A process of its own. Its session is its own too: what ends the parent does not end it."""

    def __init__(self, command: str, row: uuid.UUID) -> None:
        self.row = row
        # Closed when the object goes; the child has a descriptor of its own.
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = _start(command, row, stderr=self._stderr)
        self._told_to_stop = False

    def stop(self) -> None:
        """Tell the process to end its work, or not to begin it."""
        self._told_to_stop = True
        self.process.send_signal(signal.SIGTERM)

    def report(self) -> str:
        """What became of its work, in words, after the process has ended; the row says the same then.

        Can be called again after `LedgerUnavailable`.
        """
        raise NotImplementedError

    def _last_words(self, work: str) -> str:
        code = self.process.returncode
        self._stderr.seek(max(0, self._stderr.seek(0, os.SEEK_END) - _LAST_WORDS))
        said = self._stderr.read().decode(errors="replace").strip()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code} before the {work} did"
        return f"The process {self.process.pid} of the {work} {how}." + (f" It said: {said}" if said else "")


class ChildJob(Child):
    """Of a job."""

    def __init__(self, job: uuid.UUID) -> None:
        super().__init__("backup_run_job", job)

    def settle(self) -> BackupJob:
        """The job's row after its process has ended. Raises `JobKilled` if the process left it unfinished.

        The row says why then, and whether the job is tried again. Can be called again after `LedgerUnavailable`.
        """
        pid, row = self.process.pid, _row(self.row)
        # It waits for a better time, as its own process has written down; or we had told that process not to begin.
        waits = row.not_before is not None or row.worker_pid == pid or self._told_to_stop
        if row.status == JobStatus.PENDING and waits:
            return row
        reason = self._last_words("job")
        if not job_fail_dead(self.row, pid=pid, reason=reason, now=timezone.now()):
            return _row(self.row)
        raise JobKilled(reason)

    def report(self) -> str:
        row = self.settle()
        facts = {"error": row.error_message, "again from": str(row.not_before or "")}
        return f"{row.job_name} is {row.status}" + "".join(
            f", {name}: {value}" for name, value in facts.items() if value
        )


class ChildOperation(Child):
    """Of an operation."""

    def __init__(self, operation: uuid.UUID) -> None:
        super().__init__("backup_run_operation", operation)

    def report(self) -> str:
        row = operation_by_uuid(self.row)
        if row is None:
            return f"The operation {self.row} is gone with the ledger that was replaced; see the restore's own row."
        begun = row.status == OperationStatus.RUNNING and row.worker_pid == self.process.pid
        never = row.status == OperationStatus.PENDING and not self._told_to_stop
        if begun or never:
            settle_dead(row, self._last_words("operation"), now=timezone.now())
            row = operation_by_uuid(self.row) or row
        return f"{row}" + (f": {row.error_message}" if row.error_message else "")


def submit(job: uuid.UUID, *, now: datetime) -> str:
    """Hand a PENDING job to whoever runs jobs here; who that is. Raises `BrokerUnavailable`, or as `run_job` does."""
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
    """Run a PENDING job and wait, in a process of its own for "process", else in this one; its row as it ended.

    Raises as `run_job` does, or `JobKilled`.
    """
    if executor != "process":
        return run_job(job, observer=observer)
    child = ChildJob(job)
    with _passing_signals_to(child.process):
        _wait(child, observer)
    return child.settle()


def run_detached(job: uuid.UUID) -> int:
    """Start a process of its own for a PENDING job and leave it; the process number."""
    return _detach("backup_run_job", job)


def submit_operation(operation: uuid.UUID, *, now: datetime) -> None:
    """Hand a PENDING operation to whoever runs jobs here.

    Raises `BrokerUnavailable`; with the executor "inline" what went wrong is in the operation's row.
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
    """Run a PENDING operation in a process of its own and wait; what became of it, in words."""
    child = ChildOperation(operation)
    with _passing_signals_to(child.process):
        child.process.wait()
    # It may have exchanged the database that our connection is to.
    renew_connection()
    return child.report()


def _detach(command: str, row: uuid.UUID) -> int:
    """What the process has to say besides the row goes to `detached.log` in BACKUP_STORAGE_ROOT."""
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


def _row(job: uuid.UUID) -> BackupJob:
    row = job_by_uuid(job)
    if row is None:
        raise JobNotFound(f"The ledger has no job {job}.")
    return row


def _wait(child: ChildJob, observer: Observer | None) -> None:
    while True:
        try:
            child.process.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            try:
                _look_after(child.row, observer)
            except LedgerUnavailable:
                # The job itself decides for how long it can do without.
                renew_connection()
        else:
            return


def _look_after(job: uuid.UUID, observer: Observer | None) -> None:
    job_enforce(now=timezone.now())
    row = None if observer is None else job_by_uuid(job)
    if observer is not None and row is not None and row.progress:
        observer(Progress(**row.progress))


@contextlib.contextmanager
def _passing_signals_to(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """The child decides what SIGTERM and SIGINT do to the job; we wait for it. It ignores a signal that comes twice."""
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
