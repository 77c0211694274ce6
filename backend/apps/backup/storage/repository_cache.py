"""Cache opened repositories in the process, so that browsing a backup takes milliseconds.

Opening one takes the derivation of its key and the reading of its index. The cache does not bypass permissions: they
are checked before, for each request. An entry is valid only while the repository would still open in the same way: with
the passphrase that is configured now, which is read again at least once a minute, and with the keys that exist now.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hmac
import logging
import threading
import time
from collections.abc import Iterator

from strongroom.backends.base import CONFIG
from strongroom.ids import FileKind
from strongroom.repository import Index, Repository
from strongroom.repository.locks import RepositoryLock, Timing

from .locations import RepositoryPlace
from .passphrase import fingerprint
from .repository_locks import missing_lock_notes

_MOST = 4
_KEPT_SECONDS = 600.0
_TRUSTED_SECONDS = 60.0
_TIMING = Timing(settle=0.0, idle=15 * 60)
"""No settling time: a process that locks exclusively waits and checks again, so on a local disk it sees a shared lock
even if the reader did not wait. A client that reads nothing for the idle time does not hold up a prune."""

_logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class OpenRepository:
    """A repository with its index, under a shared lock."""

    repository: Repository
    index: Index
    lock: RepositoryLock


@dataclasses.dataclass(slots=True)
class _Cached:
    repository: Repository
    keys: frozenset[str]
    config: bytes
    passphrase: bytes
    opened_at: float
    trusted_at: float
    index: Index | None = None
    index_files: frozenset[str] = frozenset()


class _Slot:
    """The cache entry of one place, which one thread at a time reads and changes."""

    def __init__(self, place: RepositoryPlace) -> None:
        self._place = place
        self._guard = threading.Lock()
        self._cached: _Cached | None = None
        self.used_at = time.monotonic()

    def repository(self) -> Repository:
        """Return the cached repository, or open it. Raises the error that keeps it from being opened."""
        with self._guard:
            self.used_at = now = time.monotonic()
            cached, self._cached = self._cached, None
            if cached is None or not self._is_valid(cached, now):
                cached = self._open(now)
            self._cached = cached
            return cached.repository

    def index(self, repository: Repository) -> Index:
        """Return the current index. The caller holds the lock. Raises `Damaged`."""
        with self._guard:
            files = _names(repository, FileKind.INDEX)
            cached = self._cached
            if cached is None or cached.repository is not repository:
                return repository.load_index()
            if cached.index is None or cached.index_files != files:
                cached.index, cached.index_files = repository.load_index(), files
            return cached.index

    def _open(self, now: float) -> _Cached:
        passphrase = self._fingerprint()
        repository = self._place.open()
        return _Cached(
            repository=repository,
            keys=_names(repository, FileKind.KEY),
            config=repository.backend.load(CONFIG),
            passphrase=passphrase,
            opened_at=now,
            trusted_at=now,
        )

    def _is_valid(self, cached: _Cached, now: float) -> bool:
        if now - cached.opened_at > _KEPT_SECONDS:
            return False
        if now - cached.trusted_at > _TRUSTED_SECONDS:
            if not hmac.compare_digest(self._fingerprint(), cached.passphrase):
                return False
            cached.trusted_at = now
        return (
            self._place.exists()
            and cached.keys == _names(cached.repository, FileKind.KEY)
            and cached.config == cached.repository.backend.load(CONFIG)
        )

    def _fingerprint(self) -> bytes:
        return fingerprint(self._place.passphrase())


_slots: dict[RepositoryPlace, _Slot] = {}
_guard = threading.Lock()


def _slot(place: RepositoryPlace) -> _Slot:
    with _guard:
        now = time.monotonic()
        for other in [one for one, slot in _slots.items() if now - slot.used_at > _KEPT_SECONDS]:
            del _slots[other]
        slot = _slots.get(place)
        if slot is None:
            if len(_slots) >= _MOST:
                del _slots[min(_slots, key=lambda one: _slots[one].used_at)]
            slot = _slots[place] = _Slot(place)
        return slot


def _names(repository: Repository, kind: FileKind) -> frozenset[str]:
    return frozenset(stored.name for stored in repository.backend.list_files(kind))


@contextlib.contextmanager
def open_repository(place: RepositoryPlace) -> Iterator[OpenRepository]:
    """Open the repository while the block runs, under a shared lock.

    Call `lock.check()` now and then: otherwise the lock is released after a quarter of an hour. Raises
    `RepositoryLocked`, and the error that keeps the repository from being opened.
    """
    slot = _slot(place)
    repository = slot.repository()
    with repository.lock(timing=_TIMING, optional=True) as lock:
        for note in missing_lock_notes(lock):
            _logger.warning("%s", note)
        yield OpenRepository(repository, slot.index(repository), lock)
