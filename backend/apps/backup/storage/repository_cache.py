"""Repositories that are kept open for reading, so that looking into a backup takes milliseconds.

To open one costs a derivation of its key, and its index must be read. Both are kept for some time in the process. What
is kept gives nobody access who has none: rights are asked for before, for each request. And it is of use only as long
as the repository can be opened as it was: with the passphrase that is configured now, asked for at least once a minute,
by the keys that lie there now.
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
from .repository_locks import without_lock

_MOST = 4
_KEPT_SECONDS = 600.0
_TRUSTED_SECONDS = 60.0
_TIMING = Timing(settle=0.0, idle=15 * 60)
"""Whoever locks exclusively waits and looks again, and so sees a shared lock on a local disk without our waiting too. A
client that reads nothing for so long does not keep a prune waiting."""

_logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class OpenRepository:
    """A repository with its index, under a shared lock."""

    repository: Repository
    index: Index
    lock: RepositoryLock


@dataclasses.dataclass(slots=True)
class _Kept:
    repository: Repository
    keys: frozenset[str]
    config: bytes
    passphrase: bytes
    opened_at: float
    trusted_at: float
    index: Index | None = None
    index_files: frozenset[str] = frozenset()


class _Slot:
    """One place. What is kept of it is looked at and changed by one thread at a time."""

    def __init__(self, place: RepositoryPlace) -> None:
        self._place = place
        self._guard = threading.Lock()
        self._kept: _Kept | None = None
        self.used_at = time.monotonic()

    def repository(self) -> Repository:
        """Opened, now or before. Raises what keeps it from being opened."""
        with self._guard:
            self.used_at = now = time.monotonic()
            kept, self._kept = self._kept, None
            if kept is None or not self._is_good(kept, now):
                kept = self._open(now)
            self._kept = kept
            return kept.repository

    def index(self, repository: Repository) -> Index:
        """The index as it is now; the lock must be held. Raises Damaged."""
        with self._guard:
            files = _names(repository, FileKind.INDEX)
            kept = self._kept
            if kept is None or kept.repository is not repository:
                return repository.load_index()
            if kept.index is None or kept.index_files != files:
                kept.index, kept.index_files = repository.load_index(), files
            return kept.index

    def _open(self, now: float) -> _Kept:
        passphrase = self._fingerprint()
        repository = self._place.open()
        return _Kept(
            repository=repository,
            keys=_names(repository, FileKind.KEY),
            config=repository.backend.load(CONFIG),
            passphrase=passphrase,
            opened_at=now,
            trusted_at=now,
        )

    def _is_good(self, kept: _Kept, now: float) -> bool:
        if now - kept.opened_at > _KEPT_SECONDS:
            return False
        if now - kept.trusted_at > _TRUSTED_SECONDS:
            if not hmac.compare_digest(self._fingerprint(), kept.passphrase):
                return False
            kept.trusted_at = now
        return (
            self._place.exists()
            and kept.keys == _names(kept.repository, FileKind.KEY)
            and kept.config == kept.repository.backend.load(CONFIG)
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
    """The repository for as long as the block runs, under a shared lock. Call `lock.check()` now and then: without that
    the lock is given up after a quarter of an hour.

    Raises `RepositoryLocked`, and whatever keeps it from being opened.
    """
    slot = _slot(place)
    repository = slot.repository()
    with repository.lock(timing=_TIMING, optional=True) as lock:
        for note in without_lock(lock):
            _logger.warning("%s", note)
        yield OpenRepository(repository, slot.index(repository), lock)
