"""Where a job runs: in this process, or in one of its own that was started fresh."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import IO

from django.conf import settings
from django.utils import timezone

from . import conf
from .errors import JobKilled, JobNotFound
from .models import BackupJob, JobStatus
from .progress import Observer, Progress
from .runner import run_job
from .selectors import job_by_uuid
from .services.jobs import job_fail_dead
from .storage import make_private_folder

_POLL_SECONDS = 0.5
_LAST_WORDS = 2000
DETACHED_LOG = "detached.log"


def run_waiting(job: uuid.UUID, *, executor: str, observer: Observer | None = None) -> BackupJob:
    """Run a PENDING job with that executor and wait; its row as it ended. Raises as `run_job` does, or `JobKilled`."""
    if executor == "inline":
        return run_job(job, observer=observer)
    return _run_in_process(job, observer)


def run_detached(job: uuid.UUID) -> int:
    """Start a process of its own for a PENDING job and leave it; the process number.

    What it has to say besides the job's row goes to `detached.log` in BACKUP_STORAGE_ROOT.
    """
    folder = conf.load().storage_root.resolve()
    make_private_folder(folder)
    descriptor = os.open(folder / DETACHED_LOG, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    with open(descriptor, "ab") as log:
        process = _start(job, stderr=log, detached=True)
    return process.pid


def job_command(job: uuid.UUID, environment: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """The command line and the environment of a job's process. Nothing secret is in the command line."""
    child = dict(environment)
    child["DJANGO_SETTINGS_MODULE"] = str(settings.SETTINGS_MODULE)
    child["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    return [sys.executable, "-m", "django", "backup_run_job", str(job)], child


def _start(job: uuid.UUID, *, stderr: IO[bytes], detached: bool) -> subprocess.Popen[bytes]:
    arguments, environment = job_command(job, os.environ)
    return subprocess.Popen(
        arguments,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        start_new_session=detached,
    )


def _run_in_process(job: uuid.UUID, observer: Observer | None) -> BackupJob:
    with tempfile.TemporaryFile() as stderr:
        process = _start(job, stderr=stderr, detached=False)
        with _passing_signals_to(process):
            code = _wait(process, job, observer)
        stderr.seek(max(0, stderr.seek(0, os.SEEK_END) - _LAST_WORDS))
        last_words = stderr.read().decode(errors="replace").strip()
    row = job_by_uuid(job)
    if row is None:
        raise JobNotFound(f"The ledger has no job {job}.")
    if row.status not in {JobStatus.PENDING, JobStatus.RUNNING}:
        return row
    how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code} before the job did"
    reason = f"The process {process.pid} of the job {how}." + (f" It said: {last_words}" if last_words else "")
    job_fail_dead(job, pid=process.pid, reason=reason, now=timezone.now())
    raise JobKilled(reason)


def _wait(process: subprocess.Popen[bytes], job: uuid.UUID, observer: Observer | None) -> int:
    while True:
        try:
            return process.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
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
