"""Rebuild the index from the readable index files and, for all other packs, from their headers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from strongroom.errors import BackendError, Damaged, FileMissing
from strongroom.format.index import encode_index
from strongroom.format.pack import PackedBlob, pack_size
from strongroom.ids import FileKind, StorageId
from strongroom.repair.remove_files import remove_files, require_unchanged
from strongroom.repository import Repository
from strongroom.repository.blob_writer import INDEX_BLOBS
from strongroom.repository.locks import RepositoryLock
from strongroom.repository.pack_headers import read_header


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class IndexPlan:
    """The faults of the index, and the packs of the new one."""

    damaged: tuple[str, ...]
    """Faults of the index files that cannot be read."""
    added: tuple[StorageId, ...]
    """Packs that no readable index file names."""
    corrected: tuple[StorageId, ...]
    """Packs with a readable header whose size differs from the index."""
    dropped: tuple[StorageId, ...]
    """Packs in the index that are missing."""
    unreadable: tuple[str, ...]
    """Faults of packs whose header cannot be read; their entries in the index stay."""
    indexes: frozenset[StorageId]
    packs: tuple[tuple[StorageId, list[PackedBlob]], ...] = dataclasses.field(repr=False)

    @property
    def empty(self) -> bool:
        """Return whether there is nothing to do."""
        return not (self.damaged or self.added or self.corrected or self.dropped)


@dataclasses.dataclass(frozen=True, slots=True)
class IndexResult:
    """The number of index files that were written and removed."""

    written: int
    removed: int


def plan_index(repository: Repository) -> IndexPlan:
    """Compare the index with the packs. The caller holds a lock; nothing is written."""
    repository.require_removable()
    listed, damaged, names = _listed(repository)
    sizes = {stored.name: stored.size for stored in repository.backend.list_files(FileKind.PACK)}
    packs: list[tuple[StorageId, list[PackedBlob]]] = []
    added: list[StorageId] = []
    corrected: list[StorageId] = []
    unreadable: list[str] = []
    for pack, size in sorted(sizes.items()):
        fitting = next((blobs for blobs in listed.get(pack, ()) if pack_size(blobs) == size), None)
        if fitting is not None:
            packs.append((pack, fitting))
            continue
        try:
            packs.append((pack, read_header(repository.backend, repository.master, pack)))
        except (Damaged, BackendError) as error:
            unreadable.append(f"The header of the pack {pack} is damaged: {error}")
            packs.extend((pack, blobs) for blobs in listed.get(pack, ())[:1])
        else:
            (corrected if pack in listed else added).append(pack)
    return IndexPlan(
        damaged=tuple(damaged),
        added=tuple(added),
        corrected=tuple(corrected),
        dropped=tuple(sorted(set(listed) - set(sizes))),
        unreadable=tuple(unreadable),
        indexes=frozenset(names),
        packs=tuple(packs),
    )


def _listed(
    repository: Repository,
) -> tuple[dict[StorageId, list[list[PackedBlob]]], list[str], list[StorageId]]:
    listed: dict[StorageId, list[list[PackedBlob]]] = {}
    damaged, names = [], []
    for stored in list(repository.backend.list_files(FileKind.INDEX)):
        try:
            packs = repository.load_index_file(stored.name)
        except FileMissing:
            continue
        except Damaged as error:
            damaged.append(str(error))
        else:
            for pack, blobs in packs:
                listed.setdefault(pack, []).append(blobs)
        names.append(stored.name)
    return listed, damaged, names


def repair_index(repository: Repository, plan: IndexPlan, lock: RepositoryLock) -> IndexResult:
    """Write the new index, then remove the old one. Raises PlanOutdated, LockLost; ValueError without a lock."""
    lock.require_exclusive(repository)
    require_unchanged(repository, plan.indexes)
    if plan.empty:
        return IndexResult(0, 0)
    written = 0
    for packs in _files(plan.packs):
        lock.check()
        repository.save_file(FileKind.INDEX, encode_index(packs))
        written += 1
    remove_files(repository, lock, FileKind.INDEX, sorted(plan.indexes))
    return IndexResult(written, len(plan.indexes))


def _files(
    packs: Iterable[tuple[StorageId, list[PackedBlob]]],
) -> Iterable[list[tuple[StorageId, list[PackedBlob]]]]:
    file: list[tuple[StorageId, list[PackedBlob]]] = []
    count = 0
    for pack, blobs in packs:
        file.append((pack, blobs))
        count += len(blobs)
        if count >= INDEX_BLOBS:
            yield file
            file, count = [], 0
    if file:
        yield file
