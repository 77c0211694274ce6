"""Run by test_storing_again_killed.py in its own process: kill a backup that meets damage, after writes to the storage.

Usage: kill_storing_again.py every, or: kill_storing_again.py OPERATION KIND COUNT. Kills the backup after every write,
or after the COUNT-th of that kind ("save snapshots 2"), and prints a JSON line for each: what was written, what the
rebuilt catalogue says, how the next backup ended, and what a second attempt of the same job leaves.
"""

import contextlib
import io
import itertools
import json
import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from strongroom.backends import LocalBackend  # noqa: E402

HOME = Path(os.environ["EDMS_HOME"])
TEMPLATE, KILLED = HOME.with_name("template"), HOME.with_name("killed")
NIGHTLY = ("trigger_backup", "--config", "nightly")


def command(*words: str) -> dict:
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
        call_command(*words, "--json")
    return json.loads(text.getvalue() or "{}")


def put(place: Path) -> None:
    shutil.rmtree(HOME, ignore_errors=True)
    shutil.copytree(place, HOME)


def in_fork(work: Callable[[], object]) -> tuple[str, bool]:
    """Return the output of the work, and whether it was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.write(writing, json.dumps(work()).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    return said, os.WIFSIGNALED(os.waitpid(child, 0)[1])


def backup_killed(is_last: Callable[[str], bool], told: int) -> None:
    def killing(name):
        original = getattr(LocalBackend, name)

        def write(backend, handle, *more):
            original(backend, handle, *more)
            if is_last(f"{name} {handle.kind.value}"):
                os.write(told, f"{name} {handle.kind.value}".encode())
                os.kill(os.getpid(), signal.SIGKILL)

        return write

    for name in ("save", "remove"):
        setattr(LocalBackend, name, killing(name))
    command(*NIGHTLY)


def second_attempt() -> dict:
    """As if a schedule had asked for the job, which is tried again then."""
    database = next(HOME.glob("*.sqlite3"))
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        running = connection.execute("SELECT uuid FROM backup_backupjob WHERE status = 'RUNNING'").fetchall()
        connection.execute(
            "UPDATE backup_backupjob SET status = 'PENDING', trigger = 'SCHEDULED', running_key = NULL,"
            " lease_expires_at = NULL WHERE status = 'RUNNING'"
        )
    if not running:
        # It had ended, and was dropping damaged packs.
        return {}
    job = running[0][0]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        call_command("backup_run_job", job)
    return command("backup_jobs", "--show", job)


def next_backup() -> dict:
    return {"rebuilt": command("backup_catalogue", "--rebuild"), "next": command(*NIGHTLY)}


def kill_and_look(is_last: Callable[[str], bool]) -> str:
    put(TEMPLATE)
    reading, writing = os.pipe()
    _, killed = in_fork(lambda: backup_killed(is_last, writing))
    os.close(writing)
    with os.fdopen(reading) as pipe:
        what = pipe.read()
    if not killed:
        return ""
    shutil.rmtree(KILLED, ignore_errors=True)
    shutil.copytree(HOME, KILLED)
    seen = json.loads(in_fork(second_attempt)[0])
    left = len(list((HOME / "backups/repository/snapshots").iterdir()))
    put(KILLED)
    told = {"killed": what, "again": seen, "left": left, **json.loads(in_fork(next_backup)[0])}
    sys.stdout.write(f"{json.dumps(told)}\n")
    sys.stdout.flush()
    return what


def after(number: int, wanted: str = "") -> Callable[[str], bool]:
    count = itertools.count(1)
    return lambda what: (not wanted or what == wanted) and next(count) == number


if sys.argv[1:] == ["every"]:
    next(number for number in itertools.count(1) if not kill_and_look(after(number)))
else:
    kill_and_look(after(int(sys.argv[3]), " ".join(sys.argv[1:3])))
