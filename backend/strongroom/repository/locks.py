"""Locks that other clients of the format understand and honour.

A lock is a file. Whoever wants one looks for conflicting locks, writes their own, waits, and looks again; of two that
come at once both may withdraw, but never both go on. A lock is renewed every five minutes; one that is older than
thirty minutes, or whose process on this host is gone, is stale and may be removed.
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
    """Seconds. The defaults are restic's; tests have no time for them."""

    settle: float = 0.2
    refresh: float = 5 * 60
    expire: float = 22.5 * 60
    """Without a successful renewal for so long we stop: in a little more, others may call our lock stale."""
    idle: float | None = None
    """Without a `check` for so long the lock is given up at the next renewal; without it, it is kept."""


class _Holders:
    """The locks that this process holds, and when it let go of the last one."""

    def __init__(self) -> None:
        self._locks: set[RepositoryLock] = set()
        self._left = -_HANGUP_GRACE

    def add(self, lock: RepositoryLock) -> None:
        self._locks.add(lock)

    def discard(self, lock: RepositoryLock) -> None:
        self._left = time.monotonic()
        self._locks.discard(lock)

    def may_be_asked(self) -> bool:
        """Whether somebody may have read a lock of ours and ask for its holder now."""
        return bool(self._locks) or time.monotonic() - self._left < _HANGUP_GRACE


_holders = _Holders()


def survive_hangup() -> None:
    """Keep SIGHUP from ending this process as long as it holds a lock, and a minute longer.

    restic asks whether the process behind a lock lives by sending it SIGHUP, so a holder with the default
    disposition dies of somebody's `restic unlock`. A handler that is set already is left alone. Called by whoever locks
    from the main thread; a process that locks from other threads calls it beforehand.
    """
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is None or signal.getsignal(hangup) is not signal.SIG_DFL:
        return
    if threading.current_thread() is not threading.main_thread():
        raise StrongroomError(
            "A repository can only be locked from a thread after the main thread has called "
            "strongroom.repository.locks.survive_hangup(), or another client's check of our lock would end the process."
        )
    signal.signal(hangup, _on_hangup)


def _on_hangup(number: int, _frame: object) -> None:
    """SIG_IGN instead would be inherited by the programs that we start."""
    if not _holders.may_be_asked():
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


class RepositoryLock:
    """A held lock; a context manager that lets go of it. Made by `Repository.lock`.

    With `optional`, a storage on which no lock can be written is no obstacle: then `obstacle` says why. A shared lock
    is done without, and another client may remove what is read. An exclusive one, on a storage that is full, is
    written at the first `check` after something was removed; until then it keeps out the holders of other locks only.
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
        """Write the lock, and look once more for others."""
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
        """Nothing sealed with another master key may be written into a repository that was exchanged since ours was
        opened."""
        if not self._repository.is_at_its_place():
            raise LockLost(f"Another repository lies in {self._repository.location} than was opened. Run it again.")

    @property
    def since(self) -> float:
        """The reading of the monotonic clock from which on nobody else was at work, if the lock is exclusive."""
        return self._since

    def __enter__(self) -> RepositoryLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release(quietly=error is not None)

    def check(self) -> None:
        """Raises LockLost when the repository may no longer be touched."""
        self._checked = time.monotonic()
        if self._name is None and self._lost is None and not self._stop.is_set():
            self._check_unwritten()
            return
        if self._lost is None and time.time() - self._renewed > self._timing.expire:
            self._lost = "it could not be renewed in time"
        if self._stop.is_set():
            self._lost = self._lost or "it was released"
        if self._lost is not None:
            raise LockLost(f"The lock of the repository in {self._repository.location} is lost: {self._lost}.")

    def _check_unwritten(self) -> None:
        if not self._exclusive:
            return
        try:
            with self._guard:
                if self._name is None:
                    self._publish(optional=True)
        except RepositoryLocked as error:
            self._lost = str(error)
            raise LockLost(
                f"The lock of the repository in {self._repository.location} cannot be held: {error}"
            ) from None

    def require_exclusive(self, repository: Repository) -> None:
        """Raises ValueError for a shared lock or that of another repository, and LockLost for a lost one."""
        other = (repository.id, repository.location) != (self._repository.id, self._repository.location)
        if other or not self._exclusive:
            raise ValueError(f"To remove anything from {repository.location} an exclusive lock of it must be held")
        self.check()

    def release(self, *, quietly: bool = False) -> None:
        """Let go. With `quietly` a failure to remove the lock does not hide the error that we are leaving with."""
        self._stop.set()
        if self._name is None:
            _holders.discard(self)
            return
        if threading.current_thread() is not self._thread:  # whose collector of garbage may have come upon us
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
                continue  # it cannot be removed here
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
        with contextlib.suppress(FileMissing):  # somebody's unlock was faster
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
            # Before the file goes: from then on others may be at work.
            self._lost = f"nobody used it for {idle:.0f} seconds"
            self._remove(self._held())
            raise LockLost(self._lost)

    def _refresh(self) -> None:
        """Write the new lock before the old one goes, so that there is no moment without one.

        An old lock that has vanished means that somebody has removed it as stale and may be at work exclusively.
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
            raise LockLost("somebody removed it") from None


def list_locks(repository: Repository) -> Iterator[tuple[StorageId, LockRecord | None]]:
    """All locks; None for one that cannot be read and so must be taken for any. Empty files are no locks."""
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
    """Whether its holder must be dead: no renewal for thirty minutes, or a process of this host that is gone."""
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
    return not _waits_to_be_buried(pid)


def _waits_to_be_buried(pid: int) -> bool:
    """Whether it is dead and only its parent has not asked for its end yet, which some parents never do."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            # After the program's name in brackets, which may hold anything.
            return stat.read().rpartition(b")")[2].split()[0] in {b"Z", b"X"}
    except (OSError, IndexError):
        return False


def remove_stale_locks(repository: Repository) -> int:
    """Remove the locks of the dead; how many there were."""
    now = time.time_ns()
    removed = 0
    for name, record in list(list_locks(repository)):
        if record is not None and is_stale(record, now):
            with contextlib.suppress(FileMissing):
                repository.backend.remove(FileHandle(FileKind.LOCK, name))
            removed += 1
    return removed


def describe(name: StorageId, record: LockRecord | None) -> str:
    """A lock in words, for the error that it causes."""
    if record is None:
        return f"holds the lock {name[:8]} that cannot be read; remove the file locks/{name} if nobody is at work"
    how = "exclusively " if record.exclusive else ""
    return f"is locked {how}by process {record.pid} of {record.username} on {record.hostname} since {record.time}"
