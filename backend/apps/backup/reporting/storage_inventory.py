"""List the repositories as they are on disk and in the catalogue, without a passphrase."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from strongroom.backends import open_backend
from strongroom.errors import StrongroomError
from strongroom.repository.keys import list_keys

from .. import selectors
from ..core.cache import TtlCache
from ..errors import StorageRefused
from ..models import Operation, PruneRun
from ..selectors.operations import checks_latest
from ..selectors.removals import prunes_latest
from ..storage.locations import RepositoryPlace, known_places, resolve_place
from ..storage.repository_files import locks_since, size_on_disk

_KEPT_SECONDS: Final = 60.0
_PREFIX: Final = 8


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """A key of a repository: the first digits of its name, and from its file the user, host and time of its making."""

    id: str
    created: str
    hostname: str
    username: str


@dataclasses.dataclass(frozen=True, slots=True)
class RepositoryState:
    """One repository. Sizes are bytes; a value is None if it is unknown, and `error` says why.

    `storage_path` is written as in configurations: relative to BACKUP_STORAGE_ROOT, or else absolute.
    """

    storage_path: str
    encrypted: bool
    exists: bool = False
    snapshots: int = 0
    logical_bytes: int = 0
    stored_bytes: int | None = None
    free_bytes: int | None = None
    first_backup: datetime | None = None
    last_backup: datetime | None = None
    last_verified: datetime | None = None
    last_prune: PruneRun | None = None
    last_check: Operation | None = None
    locks: int = 0
    locked_since: datetime | None = None
    packs_seen_at: datetime | None = None
    keys: tuple[Key, ...] = ()
    error: str = ""

    @property
    def deduplication_ratio(self) -> float | None:
        """The number of bytes that were backed up for each byte stored."""
        return round(self.logical_bytes / self.stored_bytes, 2) if self.stored_bytes and self.logical_bytes else None


@dataclasses.dataclass(frozen=True, slots=True)
class Repositories:
    """All repositories at one time."""

    at: datetime
    repositories: tuple[RepositoryState, ...]


def repositories() -> Repositories:
    """Return the repositories, at most a minute old. Raises `SettingsInvalid`, `LedgerUnavailable`."""
    return _cache.get("all")


def forget_repositories() -> None:
    """Clear the cache."""
    _cache.forget()


def find_repositories(_key: str, now: datetime) -> Repositories:
    """Find all existing repositories, and those that a configuration would make.

    A repository that cannot be read is in the list with its error.
    """
    found: dict[RepositoryPlace, selectors.StoredSums | None] = {}
    refused = []
    for path, encrypted in selectors.configured_places():
        try:
            found[resolve_place(path, encrypted=encrypted)] = None
        except StorageRefused as error:
            refused.append(RepositoryState(path, encrypted, error=str(error)))
    try:
        found |= dict.fromkeys(known_places())
    except StorageRefused as error:
        refused.append(RepositoryState("", encrypted=True, error=str(error)))
    sums = _by_place(selectors.stored_sums())
    prunes = {run.repository: run for run in prunes_latest()}
    seen = _packs_seen()
    checks = {(one.arguments["storage_path"], one.arguments["encrypted"]): one for one in checks_latest()}
    states = [
        dataclasses.replace(
            _state(place, sums.get(place, ()), prunes),
            packs_seen_at=seen.get(place),
            last_check=checks.get((place.storage_path, place.encrypted)),
        )
        for place in sorted({*found, *sums})
    ]
    return Repositories(now, (*states, *refused))


_cache: TtlCache[str, Repositories] = TtlCache(find_repositories, seconds=_KEPT_SECONDS)


def _by_place(sums: Iterable[selectors.StoredSums]) -> dict[RepositoryPlace, list[selectors.StoredSums]]:
    """Group sums by their place: two paths may lead to one place. Paths that are not allowed any more are left out."""
    found: dict[RepositoryPlace, list[selectors.StoredSums]] = {}
    for one in sums:
        try:
            place = resolve_place(one.storage_path, encrypted=one.encrypted)
        except StorageRefused:
            continue
        found.setdefault(place, []).append(one)
    return found


def _packs_seen() -> dict[RepositoryPlace, datetime]:
    """Return the time at which the packs at each place were last compared with their index."""
    seen: dict[RepositoryPlace, datetime] = {}
    for row in selectors.repositories_known():
        if row.packs_seen_at is None:
            continue
        try:
            place = resolve_place(row.storage_path, encrypted=row.encrypted)
        except StorageRefused:
            continue
        seen[place] = max(row.packs_seen_at, seen.get(place, row.packs_seen_at))
    return seen


def _state(
    place: RepositoryPlace, sums: Iterable[selectors.StoredSums], prunes: Mapping[str, PruneRun]
) -> RepositoryState:
    known = list(sums)
    state = RepositoryState(
        storage_path=place.storage_path,
        encrypted=place.encrypted,
        snapshots=sum(one.snapshots for one in known),
        logical_bytes=sum(one.logical for one in known),
        first_backup=min((one.first_backup for one in known if one.first_backup), default=None),
        last_backup=max((one.last_backup for one in known if one.last_backup), default=None),
        last_verified=max((one.last_verified for one in known if one.last_verified), default=None),
        last_prune=prunes.get(str(place.path)),
    )
    try:
        exists = place.exists()
        state = dataclasses.replace(state, exists=exists, free_bytes=_free(place.storage))
        if not exists:
            error = "The catalogue has snapshots in it, and it is not there." if state.snapshots else ""
            return dataclasses.replace(state, error=error)
        state = dataclasses.replace(state, stored_bytes=size_on_disk(place.path))
        locks = locks_since(place)
        state = dataclasses.replace(state, locks=len(locks), locked_since=min(locks, default=None))
        return dataclasses.replace(state, keys=_keys(place.path))
    except (OSError, StrongroomError) as error:
        return dataclasses.replace(state, error=f"The repository {str(place.path)!r} cannot be read: {error}")


def _free(storage: Path) -> int:
    existing = next(folder for folder in (storage, *storage.parents) if folder.exists())
    return shutil.disk_usage(existing).free


def _keys(path: Path) -> tuple[Key, ...]:
    found = list_keys(open_backend(path))
    return tuple(Key(key.name[:_PREFIX], key.created, key.hostname, key.username) for key in found)
