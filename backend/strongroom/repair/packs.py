"""Repair damaged packs: move the intact blobs into new packs, and remove the damaged packs.

Order of writes: new packs, their index, the index of the other packs; then remove the old index files, and last the
damaged packs. A crash leaves blobs with two copies, or a pack in no index.
"""

from __future__ import annotations

import dataclasses
import functools
import threading
from collections.abc import Callable, Collection, Iterable

from strongroom.backends.base import FileHandle
from strongroom.errors import BackendError, Damaged, FileMissing
from strongroom.format.pack import PackedBlob
from strongroom.ids import BlobId, BlobKind, FileKind, StorageId
from strongroom.prune.indexes import rewrite_indexes
from strongroom.repair.remove_files import remove_files, require_unchanged
from strongroom.repository import Index, Repository
from strongroom.repository.blob_reader import BlobReader, open_blob
from strongroom.repository.blob_writer import BlobWriter
from strongroom.repository.damage import compare_sizes
from strongroom.repository.locks import RepositoryLock
from strongroom.repository.pack_headers import read_header
from strongroom.repository.packs import verify_pack
from strongroom.workers import Pool, default_workers


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PacksPlan:
    """The damaged packs, and the blobs that can be saved."""

    packs: tuple[StorageId, ...]
    """Damaged or missing packs, to be removed."""
    reasons: tuple[str, ...]
    """The faults of the damaged packs."""
    whole: tuple[StorageId, ...]
    """Packs that were requested by name but are intact; they stay."""
    unreadable: tuple[str, ...]
    """Faults of packs that the storage cannot read at the moment; they stay."""
    saved_blobs: int
    saved_bytes: int
    lost: tuple[tuple[BlobKind, BlobId], ...]
    """Damaged blobs without another copy."""
    indexes: frozenset[StorageId]
    contents: dict[StorageId, list[PackedBlob]] = dataclasses.field(repr=False)

    @property
    def empty(self) -> bool:
        """Return whether there is nothing to do."""
        return not self.packs


@dataclasses.dataclass(frozen=True, slots=True)
class PacksResult:
    """The result of a repair of packs."""

    packs_removed: int
    packs_written: int
    blobs_saved: int


def plan_packs(
    repository: Repository,
    packs: Collection[StorageId] | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> PacksPlan:
    """Read these packs, or all packs, to find damage. The caller holds a lock; nothing is written.

    `progress` is called with the number of packs read and their total. Raises Damaged if the index is damaged.
    """
    repository.require_removable()
    indexes = frozenset(stored.name for stored in repository.backend.list_files(FileKind.INDEX))
    index = repository.load_index()
    if index.faults:
        raise Damaged(
            f"The index of {repository.location} is damaged. Run `strongroom repair index` first."
            f" {' '.join(index.faults)}"
        )
    search = _Search(repository, index)
    search.run(sorted(index.packs if packs is None else set(packs)), progress)
    damaged = sorted(search.reasons)
    contents = {pack: search.contents.get(pack, []) for pack in damaged}
    good = [blob for pack in damaged for blob in search.good.get(pack, ())]
    saved = {(blob.kind, blob.id) for blob in good}
    bad = [(pack, blob) for pack in damaged for blob in contents[pack] if (blob.kind, blob.id) not in saved]
    reader = BlobReader(repository, index)
    return PacksPlan(
        packs=tuple(damaged),
        reasons=tuple(search.reasons[pack] for pack in damaged),
        whole=tuple(sorted(set(packs or ()) - set(damaged) - set(search.unreadable))),
        unreadable=tuple(search.unreadable[pack] for pack in sorted(search.unreadable)),
        saved_blobs=len(good),
        saved_bytes=sum(blob.length for blob in good),
        lost=tuple(sorted({(blob.kind, blob.id) for pack, blob in bad if not reader.has_spare(pack, blob)})),
        indexes=indexes,
        contents=contents,
    )


class _Search:
    """Read packs, several at a time, and collect their faults and intact blobs."""

    def __init__(self, repository: Repository, index: Index) -> None:
        self._repository = repository
        self._index = index
        self._guard = threading.Lock()
        self._done = 0
        self.reasons: dict[StorageId, str] = {}
        self.unreadable: dict[StorageId, str] = {}
        self.contents: dict[StorageId, list[PackedBlob]] = {}
        self.good: dict[StorageId, list[PackedBlob]] = {}

    def run(self, packs: Collection[StorageId], progress: Callable[[int, int], None] | None) -> None:
        sizes = {stored.name: stored.size for stored in self._repository.backend.list_files(FileKind.PACK)}
        unsound = {damage.pack: damage.reason for damage in compare_sizes(self._index, sizes)}
        with Pool(default_workers(), lambda: progress(self._done, len(packs)) if progress else None) as pool:
            for pack in packs:
                pool.submit(functools.partial(self._look, pack, unsound.get(pack)))
            pool.drain()
        listed = self._index.blobs_in(list(self.reasons))
        for pack in self.reasons:
            self._sort_out(pack, listed[pack])

    def _look(self, pack: StorageId, unsound: str | None) -> None:
        try:
            faults = [unsound] if unsound else []
            faults += [fault.text for fault in verify_pack(self._repository, self._index, pack)]
        except FileMissing:
            faults = ["it is missing"]
        except BackendError as error:
            with self._guard:
                self.unreadable[pack] = f"Cannot read the pack {pack}: {error}"
            faults = []
        with self._guard:
            self._done += 1
            if faults:
                self.reasons[pack] = f"pack {pack}: {'; '.join(faults)}"

    def _sort_out(self, pack: StorageId, listed: list[PackedBlob]) -> None:
        try:
            header = read_header(self._repository.backend, self._repository.master, pack)
        except (Damaged, BackendError):
            header = []
        self.contents[pack] = list(dict.fromkeys([*listed, *header]))
        self.good[pack] = [blob for blob, _ in readable(self._repository, pack, self.contents[pack])]


def readable(
    repository: Repository, pack: StorageId, blobs: Iterable[PackedBlob]
) -> Iterable[tuple[PackedBlob, bytes]]:
    """Yield the intact blobs of these, with their sealed bytes."""
    for blob in blobs:
        try:
            sealed = repository.backend.load_range(FileHandle(FileKind.PACK, pack), blob.offset, blob.length)
            open_blob(repository, blob, sealed)
        except (Damaged, BackendError):
            continue
        yield blob, sealed


def repair_packs(repository: Repository, plan: PacksPlan, lock: RepositoryLock) -> PacksResult:
    """Save the intact blobs, then remove the packs. Raises PlanOutdated, LockLost; ValueError without a lock."""
    lock.require_exclusive(repository)
    require_unchanged(repository, plan.indexes)
    if plan.empty:
        return PacksResult(0, 0, 0)
    saved = 0
    with BlobWriter(repository, Index()) as writer:
        for pack in plan.packs:
            lock.check()
            for blob, sealed in readable(repository, pack, plan.contents[pack]):
                writer.store_sealed(blob, sealed)
                saved += 1
    if saved < plan.saved_blobs:
        raise Damaged(
            f"Only {saved} of {plan.saved_blobs} intact blobs could be read again. Nothing was removed. Check the"
            " storage and repeat the repair."
        )
    _, old = rewrite_indexes(repository, plan.indexes, plan.packs)
    remove_files(repository, lock, FileKind.INDEX, old)
    remove_files(repository, lock, FileKind.PACK, plan.packs)
    return PacksResult(len(plan.packs), len(writer.packs), saved)
