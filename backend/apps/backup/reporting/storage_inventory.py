"""The repositories, as they are on disk and in the ledger. Nothing of it takes a passphrase."""

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
from ..models import PruneRun
from ..selectors.removals import prunes_latest
from ..storage.locations import RepositoryPlace, known_places, resolve_place
from ..storage.repository_files import size_on_disk

_KEPT_SECONDS: Final = 60.0
_PREFIX: Final = 8


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """A key, by the first digits of its name: what its file says of who made it where and when, and no more."""

    id: str
    created: str
    hostname: str
    username: str


@dataclasses.dataclass(frozen=True, slots=True)
class RepositoryState:
    """One repository. Sizes are bytes; None is what is not known, and `error` says why.

    `storage_path` is as configurations have it: relative to BACKUP_STORAGE_ROOT, or else absolute.
    """

    storage_path: str
    encrypted: bool
    exists: bool = False
    snapshots: int = 0
    logical_bytes: int = 0
    stored_bytes: int | None = None
    free_bytes: int | None = None
    last_backup: datetime | None = None
    last_verified: datetime | None = None
    last_prune: PruneRun | None = None
    packs_seen_at: datetime | None = None
    keys: tuple[Key, ...] = ()
    error: str = ""

    @property
    def deduplication_ratio(self) -> float | None:
        """How many bytes were read for one that is stored."""
        return round(self.logical_bytes / self.stored_bytes, 2) if self.stored_bytes and self.logical_bytes else None


@dataclasses.dataclass(frozen=True, slots=True)
class Repositories:
    """All of them at one moment."""

    at: datetime
    repositories: tuple[RepositoryState, ...]


def repositories() -> Repositories:
    """What was found within the last minute. Raises `SettingsInvalid`, `LedgerUnavailable`."""
    return _remembered.get("all")


def forget_repositories() -> None:
    """Find out anew."""
    _remembered.forget()


def find_repositories(_key: str, now: datetime) -> Repositories:
    """Every repository that is there, and every one that a configuration would make.

    One that cannot be read is in the list with its error.
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
    states = [
        dataclasses.replace(_state(place, sums.get(place, ()), prunes), packs_seen_at=seen.get(place))
        for place in sorted({*found, *sums})
    ]
    return Repositories(now, (*states, *refused))


_remembered: TtlCache[str, Repositories] = TtlCache(find_repositories, seconds=_KEPT_SECONDS)


def _by_place(sums: Iterable[selectors.StoredSums]) -> dict[RepositoryPlace, list[selectors.StoredSums]]:
    """By where they lead: two paths may lead to one place. What is allowed no more leads nowhere."""
    found: dict[RepositoryPlace, list[selectors.StoredSums]] = {}
    for one in sums:
        try:
            place = resolve_place(one.storage_path, encrypted=one.encrypted)
        except StorageRefused:
            continue
        found.setdefault(place, []).append(one)
    return found


def _packs_seen() -> dict[RepositoryPlace, datetime]:
    """When the packs at each place were last compared with their index."""
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
        last_backup=max((one.last_backup for one in known if one.last_backup), default=None),
        last_verified=max((one.last_verified for one in known if one.last_verified), default=None),
        last_prune=prunes.get(str(place.path)),
    )
    try:
        exists = place.exists()
        state = dataclasses.replace(state, exists=exists, free_bytes=_free(place.storage))
        if not exists:
            error = "The ledger has snapshots in it, and it is not there." if state.snapshots else ""
            return dataclasses.replace(state, error=error)
        state = dataclasses.replace(state, stored_bytes=size_on_disk(place.path))
        return dataclasses.replace(state, keys=_keys(place.path))
    except (OSError, StrongroomError) as error:
        return dataclasses.replace(state, error=f"The repository {str(place.path)!r} cannot be read: {error}")


def _free(storage: Path) -> int:
    existing = next(folder for folder in (storage, *storage.parents) if folder.exists())
    return shutil.disk_usage(existing).free


def _keys(path: Path) -> tuple[Key, ...]:
    found = list_keys(open_backend(path))
    return tuple(Key(key.name[:_PREFIX], key.created, key.hostname, key.username) for key in found)
