"""Compare the packs of each repository with its indexes, by names and sizes: a lost pack is damage.

A check lists the files of a repository. Only if the list differs from that of the last check does it open the
repository and mark each backup that needs a missing pack. After a slow check, the next one waits twenty times as long
as it took.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from strongroom.backends import open_backend
from strongroom.errors import StrongroomError
from strongroom.ids import BlobKind, FileKind, StorageId
from strongroom.repository import Index, Repository
from strongroom.repository.damage import Damage, DamageKind, compare_sizes
from strongroom.repository.locks import Timing

from ..errors import BackupError, LedgerUnavailable, StorageRefused
from ..models import DamageFinder, StoredRepository
from ..models import DamageKind as NotedKind
from ..selectors import repositories_known
from ..services.damage_records import damaged_files_note
from ..services.damages import damage_found
from ..services.repositories import packs_seen
from ..storage.locations import RepositoryPlace, resolve_place

PAUSE: Final = timedelta(minutes=1)
"""Between two checks of an executor."""

_SHARE: Final = 20
_QUICK: Final = 5.0
"""Seconds; a check that takes less is not put off."""
_TIMING: Final = Timing(settle=0.0)
_logger = logging.getLogger(__name__)


def check_packs(*, now: datetime, pause: timedelta = timedelta(), tick: Callable[[], None] | None = None) -> None:
    """Check each repository that was not checked within the `pause`, which is longer where a check is slow.

    An error that keeps a repository from being compared is logged: other findings report it, and W041 if it lasts.
    `tick` is called now and then while damage is assessed. Raises `LedgerUnavailable`.
    """
    for row in repositories_known():
        if row.packs_seen_at is not None and timedelta() <= now - row.packs_seen_at < _wait(row, pause):
            continue
        try:
            _check(row, now, tick)
        except LedgerUnavailable:
            raise
        except (BackupError, StrongroomError, OSError) as error:
            _logger.warning("The packs of the %s could not be compared with its index: %s", row, error)


def _wait(row: StoredRepository, pause: timedelta) -> timedelta:
    """Return the time between two checks of a repository, longer where a check is slow."""
    return pause if row.packs_seconds < _QUICK else max(pause, timedelta(seconds=row.packs_seconds * _SHARE))


def _check(row: StoredRepository, now: datetime, tick: Callable[[], None] | None) -> None:
    try:
        place = resolve_place(row.storage_path, encrypted=row.encrypted)
    except StorageRefused:
        return
    if not place.exists():
        return
    begun = time.monotonic()
    listing = _listing_digest(place)
    if listing != row.packs_listing:
        compared = _compare(place, row, now, tick)
        if compared is None:
            return
        listing = compared
    packs_seen(row, listing=listing, seconds=time.monotonic() - begun, now=now)


def _listing_digest(place: RepositoryPlace) -> str:
    """Return a digest of the names and sizes of all packs, indexes and snapshots."""
    backend, digest = open_backend(place.path), hashlib.sha256()
    for kind in (FileKind.PACK, FileKind.INDEX, FileKind.SNAPSHOT):
        for stored in sorted(backend.list_files(kind), key=lambda one: one.name):
            digest.update(f"{kind.value} {stored.name} {stored.size}\n".encode())
    return digest.hexdigest()


def _compare(
    place: RepositoryPlace, row: StoredRepository, now: datetime, tick: Callable[[], None] | None
) -> str | None:
    """Record missing packs and damaged index files, and return the digest of the listing that was compared.

    Returns None if another repository lies at the place.
    """
    repository = place.open()
    if row.repository_id not in {"", repository.id}:
        return None
    # The lock keeps packs from being removed between the reading of the index and their listing.
    with repository.lock(timing=_TIMING, optional=True):
        listing, index = _listing_digest(place), repository.load_index()
        sizes = {stored.name: stored.size for stored in repository.backend.list_files(FileKind.PACK)}
        finder = DamageFinder.HEALTH
        damaged_files_note(repository, NotedKind.INDEX, index.damaged_files, found_by=finder, now=now)
        damages = [*compare_sizes(index, sizes), *_without_root(repository, index)]
        damage_found(repository, damages, found_by=finder, now=now, tick=tick)
    return listing


def _without_root(repository: Repository, index: Index) -> Iterator[Damage]:
    """Yield the root folders of snapshots that no index names: an index file is lost."""
    for snapshot in repository.snapshots_and_faults()[0]:
        if index.number(BlobKind.TREE, snapshot.tree) is None:
            reason = f"No index names the root folder of the snapshot {snapshot.id[:8]}."
            yield Damage(StorageId(""), DamageKind.MISSING, snapshot.tree.hex(), BlobKind.TREE.name.lower(), reason)
