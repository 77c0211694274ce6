"""Locks of a repository: which exclude which, and how stale locks end; the stock restic is the reference."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.engine.test_repository import make
from tests.engine.testing.restic import PASSPHRASE, Restic, environment

from strongroom.backends import FileHandle
from strongroom.errors import (
    LockLost,
    RepositoryLocked,
)
from strongroom.format.go_text import format_time
from strongroom.format.lock import LockRecord, encode_lock
from strongroom.ids import FileKind
from strongroom.repository import Repository
from strongroom.repository.local_user import hostname
from strongroom.repository.locks import RepositoryLock, Timing, list_locks

QUICK = Timing(settle=0.01, refresh=0.05, expire=2)


def write_lock(repository: Repository, **changes: object) -> None:
    record = LockRecord(
        **{  # type: ignore[arg-type]
            "time": format_time(time.time_ns()),
            "exclusive": True,
            "hostname": "elsewhere",
            "username": "x",
            "pid": 1,
            **changes,
        }
    )
    repository.save_file(FileKind.LOCK, encode_lock(record))


def test_shared_locks_exclude_only_exclusive_ones() -> None:
    repository, backend = make()
    with repository.lock(timing=QUICK), repository.lock(timing=QUICK):
        assert len(list(list_locks(repository))) == 2
        with pytest.raises(RepositoryLocked, match=f"process {os.getpid()}"):
            repository.lock(exclusive=True, timing=QUICK)
    assert list(backend.list_files(FileKind.LOCK)) == []
    with repository.lock(exclusive=True, timing=QUICK), pytest.raises(RepositoryLocked, match="exclusively"):
        repository.lock(timing=QUICK)
    assert list(backend.list_files(FileKind.LOCK)) == []


def test_only_stale_locks_are_removed() -> None:
    repository, _ = make()
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    write_lock(repository, hostname=hostname(), pid=child.pid)
    write_lock(repository, time=format_time(time.time_ns() - 31 * 60 * 10**9))
    repository.lock(exclusive=True, timing=QUICK).release()
    assert list(list_locks(repository)) == []
    write_lock(repository, time=format_time(time.time_ns() - 29 * 60 * 10**9))
    with pytest.raises(RepositoryLocked, match="of x on elsewhere"):
        repository.lock(timing=QUICK)


def test_the_lock_of_a_zombie_process_is_removed() -> None:
    repository, _ = make()
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        while Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            time.sleep(0.01)
        write_lock(repository, hostname=hostname(), pid=child.pid)
        repository.lock(exclusive=True, timing=QUICK).release()
    assert list(list_locks(repository)) == []


def test_an_unreadable_lock_counts_and_an_empty_file_does_not() -> None:
    repository, backend = make()
    backend.files[FileHandle(FileKind.LOCK, "00" * 32)] = b""
    repository.lock(exclusive=True, timing=QUICK).release()
    backend.files[FileHandle(FileKind.LOCK, "11" * 32)] = b"garbage"
    with pytest.raises(RepositoryLocked, match="unreadable lock"):
        repository.lock(timing=QUICK)


def check_until(lock: RepositoryLock, deadline: float) -> None:
    while time.monotonic() < deadline:
        lock.check()
        time.sleep(0.01)


def test_a_lock_is_renewed_and_its_loss_is_detected() -> None:
    repository, backend = make()
    with repository.lock(timing=QUICK) as lock:
        first = {file.name for file in backend.list_files(FileKind.LOCK)}
        deadline = time.monotonic() + 5
        while {file.name for file in backend.list_files(FileKind.LOCK)} == first and time.monotonic() < deadline:
            time.sleep(0.01)
        assert {file.name for file in backend.list_files(FileKind.LOCK)} != first
        lock.check()
        for handle in [handle for handle in backend.files if handle.kind is FileKind.LOCK]:
            backend.remove(handle)
        with pytest.raises(LockLost):
            check_until(lock, deadline)


def test_a_lock_that_cannot_be_renewed_expires() -> None:
    repository, _ = make()
    lock = repository.lock(timing=Timing(settle=0, refresh=3600, expire=0.05))
    time.sleep(0.1)
    with pytest.raises(LockLost, match="renewed in time"):
        lock.check()
    lock.release()


HOLDER = """
import sys, time
from strongroom.backends import LocalBackend
from strongroom.repository import Repository
with Repository.open(LocalBackend(sys.argv[1]), sys.argv[2]).lock(exclusive=sys.argv[3] == "exclusive"):
    print("held", flush=True)
    sys.stdin.readline()
print("released", flush=True)
"""


def hold(store: Path, kind: str) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(store), PASSPHRASE, kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    return holder


@pytest.mark.restic
def test_restic_respects_our_locks_without_killing_the_process(
    repository: Repository, restic: Restic, store: Path
) -> None:
    modern = not restic.run("version").startswith("restic 0.14")
    holder = hold(store, "shared")
    try:
        restic.run("snapshots")
        restic.run("prune", code=11 if modern else 1)
        # restic sends SIGHUP to find out whether the holder lives.
        restic.run("unlock")
        assert holder.poll() is None
        assert len(list(list_locks(repository))) == 1
    finally:
        output, _ = holder.communicate("\n", timeout=20)
    assert output == "released\n"
    assert list(list_locks(repository)) == []
    restic.run("prune")
    holder = hold(store, "exclusive")
    try:
        restic.run("snapshots", code=11 if modern else 1)
    finally:
        holder.communicate("\n", timeout=20)


@pytest.mark.restic
def test_locks_of_restic_are_respected(repository: Repository, restic: Restic, store: Path, tmp_path: Path) -> None:
    """Run a restic backup that reads from an open pipe, so that it keeps its lock."""
    backup = subprocess.Popen(
        [restic.binary, "--no-cache", "-r", str(store), "backup", "--stdin"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "RESTIC_PASSWORD": PASSPHRASE},
    )
    assert backup.stdin
    deadline = time.monotonic() + 20
    while not list(list_locks(repository)) and time.monotonic() < deadline:
        time.sleep(0.05)
    with pytest.raises(RepositoryLocked, match=f"process {backup.pid}"):
        repository.lock(exclusive=True)
    repository.lock().release()
    backup.communicate(b"content", timeout=30)
    assert backup.returncode == 0
    repository.lock(exclusive=True).release()


def test_a_killed_holder_does_not_block_others(repository: Repository, store: Path) -> None:
    holder = hold(store, "exclusive")
    with pytest.raises(RepositoryLocked):
        repository.lock(timing=QUICK)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.communicate()
    repository.lock(exclusive=True, timing=QUICK).release()


def test_an_idle_lock_is_released(repository: Repository) -> None:
    timing = Timing(settle=0, refresh=0.05, idle=1.0)
    with repository.lock(timing=timing) as used, repository.lock(timing=timing) as forgotten:
        # A list alone proves nothing: it may be made while a lock is replaced by its successor.
        deadline = time.monotonic() + 30
        while forgotten._thread.is_alive() and time.monotonic() < deadline:
            used.check()
            time.sleep(0.02)
        used.check()
        with pytest.raises(LockLost, match="was not used"):
            forgotten.check()
        assert len(list(list_locks(repository))) == 1


HANGUP = """
import os, signal, sys
from strongroom.testing.memory import MemoryBackend
from strongroom.format.key import Cost
from strongroom.repository import Repository, locks
# Tests may run under nohup, which has its children ignore it.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
locks._HANGUP_GRACE = 0.0
locks.survive_hangup()
with Repository.init(MemoryBackend(), "secret", cost=Cost(n=128, r=1, p=1)).lock():
    os.kill(os.getpid(), signal.SIGHUP)
    print("survived", flush=True)
os.kill(os.getpid(), signal.SIGHUP)
print("survived again", flush=True)
"""


def test_sighup_ends_the_process_only_without_a_lock() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGUP], check=False, env=environment(), capture_output=True, text=True, timeout=30
    )

    assert (done.stdout, done.returncode) == ("survived\n", -signal.SIGHUP)
