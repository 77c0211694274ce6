"""Find stored backups that are not where the catalogue says: whole repositories, single snapshots, package files.

The storage decides. `find_presence` lists the names in each repository once and asks for the size of each package. It
opens no repository whose file `config` is unchanged, and it writes nothing.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from django.db.models import Q

from .. import selectors
from ..core.cache import TtlCache
from ..core.timezones import with_offset
from ..errors import StorageRefused
from ..models import BackupJob, StoredRepository
from ..selectors import SealedPackage, StoredBackup
from ..storage.locations import SEALED_PACKAGE, RepositoryPlace, resolve_place
from ..storage.packages import is_package_folder
from ..storage.repository_files import Fault, RepositoryFiles, identity_fault, repository_files
from .package_keys import packages_locked

_KEPT_SECONDS: Final = 10.0
_MOST_SINGLE: Final = 5000
"""Backups that a query names one by one; a repository that lacks more counts as gone with all its backups."""


@dataclasses.dataclass(frozen=True, slots=True)
class Missing:
    """Stored backups that are not there: if `whole`, all that `place` held, else single ones.

    `replaced` is True if newer backups lie in another repository at the same place. `ours` is False for packages
    outside of the storage, which a user may have moved. `remedy` says what to do. Either `repository` or `jobs` names
    the backups by primary key; `condition` selects their jobs.
    """

    place: str
    reason: str
    backups: int
    whole: bool
    condition: Q
    remedy: str = "Put back what is missing."
    newest: datetime | None = None
    replaced: bool = False
    ours: bool = True
    jobs: frozenset[int] = frozenset()
    repository: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Presence:
    """The missing backups, the newest first, and the packages that the passphrase does not open.

    `locked` has the reason for each package that exists and does not open, by the primary key of its job.
    """

    missing: tuple[Missing, ...] = ()
    locked: Mapping[int, str] = dataclasses.field(default_factory=dict)
    newest_sealed: int | None = None
    """The primary key of the job of the newest sealed package that exists."""

    def lost(self) -> Q:
        """Return the condition for the jobs with a missing backup."""
        found = Q(pk__in=[])
        for one in self.missing:
            found |= one.condition
        return found

    def absent(self) -> Q:
        """Return the condition for the jobs whose backup cannot be used now: it is missing or does not open."""
        return self.lost() | Q(pk__in=list(self.locked))

    def obstacle(self, job: BackupJob) -> str:
        """Return why the backup of a job cannot be used now; "" if it can, or if the job has none."""
        missing = self.missing_of(job)
        return self.locked.get(job.pk, "") if missing is None else missing.reason

    def missing_of(self, job: BackupJob) -> Missing | None:
        """Return the entry for the backup of a job if it is missing; None if it exists, or the job has none."""
        for one in self.missing:
            if job.pk in one.jobs or (one.repository is not None and one.repository == job.repository_id):
                return one
        return None


def presence() -> Presence:
    """Return the result of `find_presence`, at most 10 seconds old. Raises `LedgerUnavailable`, `SettingsInvalid`."""
    return _cache.get("all")


def presence_now() -> Presence:
    """Compare anew, and cache the result for later calls of `presence`. Raises as `presence` does."""
    _cache.forget()
    return _cache.get("all")


def forget_presence() -> None:
    """Clear the cache, so that the next call of `presence` compares anew."""
    _cache.forget()


def find_presence() -> Presence:
    """Compare the catalogue with the storage. The number of queries does not depend on how much is stored.

    Raises `LedgerUnavailable`, `SettingsInvalid`.
    """
    # List the storage before the catalogue is read: a backup that retention removes between the two is not reported.
    seen = _Seen(selectors.repositories_known())
    lost: dict[str, list[StoredBackup]] = {}
    present_repositories: set[int] = set()
    sealed: list[SealedPackage] = []
    for backup in selectors.backups_stored(without=seen.gone):
        if not seen.has(backup):
            key = str(Path(backup.package).parent) if backup.package else f"{backup.repository or ''}"
            lost.setdefault(key, []).append(backup)
        elif backup.repository is not None:
            present_repositories.add(backup.repository)
        elif backup.package.endswith(SEALED_PACKAGE):
            sealed.append(SealedPackage(backup.pk, backup.package, backup.mark))
    found = [*seen.repositories_gone(), *(_missing(seen, backups, present_repositories) for backups in lost.values())]
    dated = [dataclasses.replace(one, newest=selectors.newest_of(one.condition)) for one in found]
    sealed.sort(reverse=True)
    newest = sealed[0].pk if sealed else None
    return Presence(tuple(sorted(dated, key=_newest, reverse=True)), packages_locked(sealed), newest)


def _newest(one: Missing) -> datetime:
    return datetime.min.replace(tzinfo=UTC) if one.newest is None else with_offset(one.newest)


def _missing(seen: _Seen, backups: list[StoredBackup], present_repositories: set[int]) -> Missing:
    """Return the entry for missing backups of one repository, or of one folder of packages."""
    first, keys = backups[0], frozenset(backup.pk for backup in backups)
    found = functools.partial(Missing, backups=len(backups), jobs=keys)
    single = Q(pk__in=keys) if len(keys) <= _MOST_SINGLE else None
    if first.package:
        folder = Path(first.package).parent
        reason = "is not there, or has another size" if folder.is_dir() else "is away with its folder"
        return found(
            str(folder),
            f"The package {Path(first.package).name} {reason}.",
            whole=not folder.is_dir(),
            remedy="Put it back." if folder.is_dir() else "Mount the storage.",
            condition=single or Q(backup_file_path__startswith=f"{folder}/"),
            ours=is_package_folder(folder),
        )
    place = seen.place_of(first)
    if first.repository is None:
        text = "The storage does not hold their snapshots."
        condition = single or Q(repository=None) & ~Q(snapshot_id="")
        return found(place, text, whole=False, condition=condition)
    if first.repository in present_repositories and single is not None:
        text = f"The snapshot {first.snapshot_id[:8]} is not in the repository {place!r} any more."
        return found(place, text, whole=False, condition=single)
    text = f"The repository in {place!r} does not hold the snapshots that the catalogue has in it."
    condition = Q(repository=first.repository)
    return found(place, text, whole=True, condition=condition, repository=first.repository)


class _Seen:
    """A listing of the places that the catalogue names, taken when the object is made."""

    def __init__(self, rows: Iterable[StoredRepository]) -> None:
        self._rows = {row.pk: row for row in rows}
        self._places = {key: _place(row.storage_path, encrypted=row.encrypted) for key, row in self._rows.items()}
        self._files: dict[RepositoryPlace, RepositoryFiles] = {}
        self._faults = {key: self._fault(key) for key in self._rows}
        # Keyed by primary key for speed: up to a hundred thousand backups are looked up.
        self._names = {key: self._files[place].snapshots for key, place in self._places.items() if place is not None}
        self._unnamed: dict[int, tuple[str, bool]] | None = None
        self._unnamed_places: dict[tuple[str, bool], RepositoryPlace | None] = {}

    @property
    def gone(self) -> list[int]:
        """Return the primary keys of the repositories that are not there."""
        return [key for key, fault in self._faults.items() if fault is not None]

    def repositories_gone(self) -> Iterator[Missing]:
        """Yield an entry for each of them that holds backups by the catalogue."""
        if not self.gone:
            return
        holdings = selectors.repository_holdings()
        for key in self.gone:
            held = holdings.get(key)
            if held is None:
                continue
            fault = self._faults[key]
            if fault is None:
                raise AssertionError("A missing backup has a reason.")
            others = [one for one, place in self._places.items() if place == self._places[key] and one not in self.gone]
            newest = max((holdings[one].newest for one in others if one in holdings), default=held.newest)
            yield Missing(
                str(self._path(key)),
                fault.reason,
                held.backups,
                whole=True,
                condition=Q(repository=key),
                remedy=fault.remedy,
                replaced=newest > held.newest,
                repository=key,
            )

    def has(self, backup: StoredBackup) -> bool:
        """Return whether a backup is there, also if it was stored after the listing."""
        if backup.package:
            return _package_is_there(backup)
        if backup.repository is not None:
            if backup.snapshot_id in self._names.get(backup.repository, ()):
                return True
            place = self._places[backup.repository]
        else:
            place = self._unnamed_place(backup)
        if place is None:
            return False
        if backup.snapshot_id in self._listed(place).snapshots:
            return True
        return _size(place.path / "snapshots" / backup.snapshot_id) is not None

    def place_of(self, backup: StoredBackup) -> str:
        """Return the path of the repository that should hold a snapshot."""
        if backup.repository is not None:
            return self._path(backup.repository)
        place = self._unnamed_place(backup)
        return "" if place is None else str(place.path)

    def _path(self, key: int) -> str:
        place = self._places[key]
        return self._rows[key].storage_path if place is None else str(place.path)

    def _listed(self, place: RepositoryPlace) -> RepositoryFiles:
        if place not in self._files:
            self._files[place] = repository_files(place)
        return self._files[place]

    def _fault(self, key: int) -> Fault | None:
        place, row = self._places[key], self._rows[key]
        if place is None:
            return Fault(
                f"The storage path {row.storage_path!r} lies outside of BACKUP_STORAGE_ROOT and BACKUP_STORAGE_ROOTS.",
                "Correct these settings.",
            )
        files = self._listed(place)
        return files.fault or identity_fault(place, files, repository_id=row.repository_id, digest=row.config_digest)

    def _unnamed_place(self, backup: StoredBackup) -> RepositoryPlace | None:
        if self._unnamed is None:
            self._unnamed = selectors.snapshots_without_repository()
        named = self._unnamed.get(backup.pk, ("", True))
        if named not in self._unnamed_places:
            self._unnamed_places[named] = _place(named[0], encrypted=named[1])
        return self._unnamed_places[named]


def _place(storage_path: str, *, encrypted: bool) -> RepositoryPlace | None:
    try:
        return resolve_place(storage_path, encrypted=encrypted)
    except StorageRefused:
        return None


def _package_is_there(backup: StoredBackup) -> bool:
    size = _size(Path(backup.package))
    return size is not None and backup.stored_size in {None, size}


def _size(path: Path) -> int | None:
    """Return the size of a file; None if it is missing or cannot be read."""
    try:
        return path.stat().st_size
    except OSError:
        return None


_cache: TtlCache[str, Presence] = TtlCache(lambda _key, _now: find_presence(), seconds=_KEPT_SECONDS)
