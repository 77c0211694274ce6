"""Repository locks, which other clients of the format respect, too.

A lock is a file. To lock, a process looks for conflicting locks, writes its own lock, waits, and looks again. If two
processes lock at once, both may give up, but never do both continue. A lock is renewed every five minutes. A lock is
stale, and may be removed, if it is older than thirty minutes or its process on this host has ended.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

from strongroom.backends.base import FileHandle
from strongroom.errors import (
    BackendError,
    Damaged,
    FileMissing,
    LockLost,
    RepositoryLocked,
    StorageDenied,
    StorageFull,
    StrongroomError,
)
from strongroom.format.go_text import format_time, parse_time
from strongroom.format.lock import LockRecord, decode_lock, encode_lock
from strongroom.ids import FileKind, StorageId
from strongroom.repository import local_user

if TYPE_CHECKING:
    from strongroom.repository import Repository

_SECOND = 1_000_000_000
STALE_AFTER = 30 * 60 * _SECOND
_HANGUP_GRACE = 60.0


@dataclasses.dataclass(frozen=True, slots=True)
class Timing:
    """Durations in seconds. The defaults are restic's; tests use shorter ones."""

    settle: float = 0.2
    refresh: float = 5 * 60
    expire: float = 22.5 * 60
    """After so long without a renewal the lock is lost: soon others may treat it as stale."""
    idle: float | None = None
    """After so long without a `check`, the lock is released at the next renewal; None keeps it."""


class _Holders:
    """The locks that this process holds, and the time when it released the last one."""

    def __init__(self) -> None:
        self._locks: set[RepositoryLock] = set()
        self._released = -_HANGUP_GRACE

    def add(self, lock: RepositoryLock) -> None:
        self._locks.add(lock)

    def discard(self, lock: RepositoryLock) -> None:
        self._released = time.monotonic()
        self._locks.discard(lock)

    def may_be_probed(self) -> bool:
        """Return whether another client may have read a lock of this process and now checks if its holder lives."""
        return bool(self._locks) or time.monotonic() - self._released < _HANGUP_GRACE


_holders = _Holders()


def survive_hangup() -> None:
    """Keep SIGHUP from ending this process while it holds a lock, and a minute longer.

    restic sends SIGHUP to find out whether the holder of a lock lives, so `restic unlock` would end a process with the
    default handler. An existing handler is not replaced. Locking calls this in the main thread; a process that locks
    from other threads must call it first.
    """
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is None or signal.getsignal(hangup) is not signal.SIG_DFL:
        return
    if threading.current_thread() is not threading.main_thread():
        raise StrongroomError(
            "Cannot lock a repository from this thread: another client that checks the lock would end the process. Call"
            " strongroom.repository.locks.survive_hangup() in the main thread first."
        )
    signal.signal(hangup, _on_hangup)


def _on_hangup(number: int, _frame: object) -> None:
    """End the process unless a lock may be probed. Started programs would inherit SIG_IGN, so it is not used."""
    if not _holders.may_be_probed():
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


class RepositoryLock:
    """A held lock; a context manager that releases it. Created by `Repository.lock`.

    With `optional`, the lock may be missing if the storage cannot be written; `obstacle` is then the reason. Without a
    shared lock, another client may remove data that is being read. An exclusive lock on a full storage is written at
    the first `check` after something was removed; until then it only excludes holders of existing locks.
    """

    def __init__(self, repository: Repository, *, exclusive: bool, timing: Timing, optional: bool = False) -> None:
        self._repository = repository
        self._exclusive = exclusive
        self._timing = timing
        self._stop = threading.Event()
        self._guard = threading.Lock()
        self._lost: str | None = None
        self._thread = threading.Thread(target=self._keep, name="repository-lock", daemon=True)
        self._name: StorageId | None = None
        self.obstacle = ""
        survive_hangup()
        self._remove_stale(optional=optional)
        self._refuse_conflicts(own=None)
        _holders.add(self)
        try:
            self._publish(optional=optional)
        except BaseException:
            _holders.discard(self)
            raise
        self._since = self._checked = time.monotonic()

    def _remove_stale(self, *, optional: bool) -> None:
        try:
            remove_stale_locks(self._repository)
        except StorageDenied as error:
            if not optional or self._exclusive:
                raise
            self.obstacle = str(error)

    def _publish(self, *, optional: bool) -> None:
        """Write the lock, and look for other locks once more."""
        self._renewed = time.time()
        try:
            name = self._write()
        except (StorageFull, StorageDenied) as error:
            if not optional or (self._exclusive and not isinstance(error, StorageFull)):
                raise
            self.obstacle = str(error)
            return
        try:
            time.sleep(self._timing.settle)
            self._refuse_conflicts(own=name)
            self._require_same_repository()
        except BaseException:
            self._remove(name)
            raise
        self._name, self.obstacle = name, ""
        self._thread.start()

    def _require_same_repository(self) -> None:
        """Raise LockLost if the repository was replaced since it was opened: its master key is another one."""
        if not self._repository.is_unchanged():
            raise LockLost(
                f"The repository in {self._repository.location} was replaced by another one since it was opened. Run"
                " the command again."
            )

    @property
    def since(self) -> float:
        """Return the monotonic time since when, for an exclusive lock, no other process works in the repository."""
        return self._since

    def __enter__(self) -> RepositoryLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release(quietly=error is not None)

    def check(self) -> None:
        """Raise LockLost if the repository must no longer be used."""
        self._checked = time.monotonic()
        if self._name is None and self._lost is None and not self._stop.is_set():
            self._check_unwritten()
            return
        if self._lost is None and time.time() - self._renewed > self._timing.expire:
            self._lost = "it could not be renewed in time"
        if self._stop.is_set():
            self._lost = self._lost or "it was released"
        if self._lost is not None:
            raise LockLost(
                f"The lock of the repository in {self._repository.location} is lost: {self._lost}. Run the command"
                " again."
            )

    def _check_unwritten(self) -> None:
        if not self._exclusive:
            return
        try:
            with self._guard:
                if self._name is None:
                    self._publish(optional=True)
        except RepositoryLocked as error:
            self._lost = str(error)
            raise LockLost(f"Cannot lock the repository in {self._repository.location}: {error}") from None

    def require_exclusive(self, repository: Repository) -> None:
        """Raise ValueError for a shared lock or the lock of another repository, LockLost for a lost lock."""
        other = (repository.id, repository.location) != (self._repository.id, self._repository.location)
        if other or not self._exclusive:
            raise ValueError(f"Removing from {repository.location} needs an exclusive lock of it")
        self.check()

    def release(self, *, quietly: bool = False) -> None:
        """Release the lock. With `quietly`, a failure to remove its file does not hide the current error."""
        self._stop.set()
        if self._name is None:
            _holders.discard(self)
            return
        if threading.current_thread() is not self._thread:  # its garbage collection may have called us
            self._thread.join()
        try:
            self._remove(self._name)
        except BackendError:
            if not quietly:
                raise
        finally:
            _holders.discard(self)

    def _refuse_conflicts(self, own: StorageId | None) -> None:
        for name, record in list_locks(self._repository):
            if name == own:
                continue
            if self.obstacle and record is not None and is_stale(record, time.time_ns()):
                continue  # stale, but this storage cannot be written
            if self._exclusive or record is None or record.exclusive:
                raise RepositoryLocked(f"The repository in {self._repository.location} {describe(name, record)}.")

    def _write(self) -> StorageId:
        record = LockRecord(
            time=format_time(time.time_ns()),
            exclusive=self._exclusive,
            hostname=local_user.hostname(),
            username=local_user.username(),
            pid=os.getpid(),
            uid=local_user.user_id(),
            gid=local_user.group_id(),
        )
        return self._repository.save_file(FileKind.LOCK, encode_lock(record))

    def _remove(self, name: StorageId) -> None:
        with contextlib.suppress(FileMissing):  # another client has removed it
            self._repository.backend.remove(FileHandle(FileKind.LOCK, name))

    def _keep(self) -> None:
        while not self._stop.wait(self._timing.refresh):
            try:
                self._require_use()
                self._refresh()
            except LockLost as error:
                self._lost = str(error)
                return
            except StrongroomError:
                # The storage may come back; `check` counts the time since the last success.
                continue

    def _require_use(self) -> None:
        idle = self._timing.idle
        if idle is not None and time.monotonic() - self._checked > idle:
            # Before the file is removed: after that, other processes may work in the repository.
            self._lost = f"it was not used for {idle:.0f} seconds"
            self._remove(self._held())
            raise LockLost(self._lost)

    def _refresh(self) -> None:
        """Write the new lock before the old one is removed, so that a lock always exists.

        If the old lock is missing, another client has removed it as stale and may hold an exclusive lock.
        """
        old = FileHandle(FileKind.LOCK, self._held())
        self._require_present(old)
        started = time.time()
        new = self._write()
        if started - self._renewed > self._timing.refresh * 2:
            time.sleep(self._timing.settle)
            try:
                self._require_present(old)
            except LockLost:
                self._remove(new)
                raise
        self._name, self._renewed = new, started
        self._remove(StorageId(old.name))

    def _held(self) -> StorageId:
        if self._name is None:
            raise LockLost("it was never written")
        return self._name

    def _require_present(self, handle: FileHandle) -> None:
        try:
            self._repository.backend.size(handle)
        except FileMissing:
            raise LockLost("another client removed it") from None


def list_locks(repository: Repository) -> Iterator[tuple[StorageId, LockRecord | None]]:
    """Yield all locks; None for an unreadable lock, which may be of any kind. Empty files are no locks."""
    for stored in repository.backend.list_files(FileKind.LOCK):
        if not stored.size:
            continue
        try:
            yield stored.name, decode_lock(repository.load_file(FileKind.LOCK, stored.name))
        except FileMissing:
            continue
        except Damaged:
            yield stored.name, None


def is_stale(record: LockRecord, now_ns: int) -> bool:
    """Return whether the lock has expired: not renewed for thirty minutes, or its process on this host has ended."""
    if now_ns - parse_time(record.time) > STALE_AFTER:
        return True
    return record.hostname == local_user.hostname() and not _process_lives(record.pid)


def _process_lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Return whether the process has ended and waits for its parent, which may never come."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            # The state follows the program's name in brackets, which may hold any characters.
            return stat.read().rpartition(b")")[2].split()[0] in {b"Z", b"X"}
    except (OSError, IndexError):
        return False


def remove_stale_locks(repository: Repository) -> int:
    """Remove all stale locks. Return their number."""
    now = time.time_ns()
    removed = 0
    for name, record in list(list_locks(repository)):
        if record is not None and is_stale(record, now):
            with contextlib.suppress(FileMissing):
                repository.backend.remove(FileHandle(FileKind.LOCK, name))
            removed += 1
    return removed


def describe(name: StorageId, record: LockRecord | None) -> str:
    """Describe a lock in words, for an error message."""
    if record is None:
        return (
            f"has the unreadable lock {name[:8]}; remove the file locks/{name} if no other process uses the repository"
        )
    how = "exclusively " if record.exclusive else ""
    return f"is locked {how}by process {record.pid} of {record.username} on {record.hostname} since {record.time}"
