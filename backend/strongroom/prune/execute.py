"""Execute a prune plan, in an order in which a crash can only leave superfluous files.

1. Delete packs in no index, and temporary files: nothing refers to them, and their space may be needed.
2. Write the used blobs of the packs to repack into new packs,
3. and index the new packs when they are durable. Until step 6, these blobs are stored twice.
4. Write new index files for the packs to keep. Until step 5, these packs are in two index files.
5. Delete the old index files. The new ones name all used blobs.
6. Delete the old packs. No index file names them any more.

If there is no space for step 4, first delete index files that name only packs to delete, then these packs.

If index files were deleted before step 4, or packs before step 5, a crash would leave packs in no index, or an index of
missing packs.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import threading
from collections.abc import Callable, Iterable, Iterator

from strongroom.backends.base import FileHandle
from strongroom.errors import Damaged, FileMissing, PlanOutdated, StorageFull
from strongroom.format.pack import PackedBlob
from strongroom.ids import BlobKind, FileKind, StorageId
from strongroom.prune.indexes import require_covered, rewrite_indexes
from strongroom.prune.plan import PrunePlan
from strongroom.prune.progress import ProgressReporter, PruneProgress
from strongroom.repository import Index, Repository
from strongroom.repository.blob_reader import open_blob
from strongroom.repository.blob_writer import BlobWriter
from strongroom.repository.locks import RepositoryLock
from strongroom.repository.pack_headers import read_header
from strongroom.workers import Pool, default_workers

_RANGE = 8 << 20
"""The maximum number of bytes read at once from a pack to repack."""
_GAP = 128 << 10
"""The maximum gap in bytes between two used blobs that are read at once."""


@dataclasses.dataclass(frozen=True, slots=True)
class PruneResult:
    """The result of a prune. `freed_bytes` is the size of the deleted files less the size of the new packs."""

    packs_removed: int
    packs_repacked: int
    packs_written: int
    indexes_removed: int
    indexes_written: int
    freed_bytes: int


def execute_prune(
    repository: Repository,
    plan: PrunePlan,
    lock: RepositoryLock,
    *,
    progress: Callable[[PruneProgress], None] | None = None,
) -> PruneResult:
    """Execute a plan that was made under this exclusive lock. Forget the snapshots in its `without` first.

    Every moved blob is verified, and so is the copy to keep of a blob with several copies. Raises PlanOutdated for any
    other plan, and Damaged if used data cannot be read; in both cases no used data is removed. Raises LockLost,
    ValueError without an exclusive lock, and other errors of the repository.
    """
    repository.require_removable()
    lock.require_exclusive(repository)
    _require_current(repository, plan, lock)
    return _Execution(repository, plan, lock, ProgressReporter(progress)).run()


def _require_current(repository: Repository, plan: PrunePlan, lock: RepositoryLock) -> None:
    if plan.identity != (repository.id, repository.location) or plan.begun < lock.since:
        raise PlanOutdated("The plan was not made under the lock that is held now. Make a new plan.")
    snapshots = {stored.name for stored in repository.backend.list_files(FileKind.SNAPSHOT)}
    if snapshots & plan.without:
        raise PlanOutdated(
            "Snapshots that the plan treats as forgotten still exist. Forget them first, or make a new plan."
        )
    indexes = {stored.name for stored in repository.backend.list_files(FileKind.INDEX)}
    if snapshots - plan.snapshots or indexes != plan.indexes:
        raise PlanOutdated("The repository has changed since the plan was made. Make a new plan.")


class _Execution:
    """One running prune."""

    def __init__(
        self, repository: Repository, plan: PrunePlan, lock: RepositoryLock, reporter: ProgressReporter
    ) -> None:
        self._repository = repository
        self._plan = plan
        self._lock = lock
        self._reporter = reporter
        self._guard = threading.Lock()
        self._packs_done = self._bytes_done = 0

    def run(self) -> PruneResult:
        """Run the six steps."""
        plan = self._plan
        going = {*plan.remove.names, *plan.repack.names, *plan.lost}
        self._verify_keepers(going)
        self._remove_leftovers()
        self._remove(FileKind.PACK, plan.unindexed.names)
        written = self._repack()
        new_indexes: list[StorageId] = []
        old_indexes: list[StorageId] = []
        if going or plan.repeated:
            new_indexes, old_indexes = self._rewrite_indexes(going)
            require_covered(self._repository, plan.index, plan.used, going=going, without=old_indexes)
            self._remove(FileKind.INDEX, old_indexes)
            self._remove(FileKind.PACK, [*plan.remove.names, *plan.repack.names])
        removed = plan.remove.size + plan.unindexed.size + plan.repack.size + plan.leftover_bytes
        return PruneResult(
            packs_removed=len(plan.remove.names) + len(plan.unindexed.names),
            packs_repacked=len(plan.repack.names),
            packs_written=len(written.packs),
            indexes_removed=len(old_indexes),
            indexes_written=len(new_indexes),
            freed_bytes=removed - sum(written.pack_size(pack) for pack in written.packs),
        )

    def _rewrite_indexes(self, going: set[StorageId]) -> tuple[list[StorageId], list[StorageId]]:
        try:
            return rewrite_indexes(self._repository, self._plan.indexes, going)
        except StorageFull:
            gone = self._remove_whole(going)
            if not gone:
                raise
        new, old = rewrite_indexes(self._repository, self._plan.indexes - gone, going)
        return new, [*gone, *old]

    def _remove_whole(self, going: set[StorageId]) -> frozenset[StorageId]:
        """Remove index files that name only packs to remove, and those packs. Return the removed index files."""
        unneeded = going - set(self._plan.repack.names)
        named = {name: {pack for pack, _ in self._repository.load_index_file(name)} for name in self._plan.indexes}
        whole = frozenset(name for name, packs in named.items() if packs <= unneeded)
        elsewhere = set().union(*(packs for name, packs in named.items() if name not in whole))
        free = set().union(*(named[name] for name in whole)) - elsewhere
        require_covered(self._repository, self._plan.index, self._plan.used, going=free, without=whole)
        self._remove(FileKind.INDEX, sorted(whole))
        self._remove(FileKind.PACK, sorted(free))
        return whole

    def _remove(self, kind: FileKind, names: Iterable[StorageId]) -> None:
        for number, name in enumerate(names):
            self._lock.check()
            with contextlib.suppress(FileMissing):
                self._repository.backend.remove(FileHandle(kind, name))
            self._reporter.report("deleting", number, self._bytes_done, self._plan.repack.size)

    def _remove_leftovers(self) -> None:
        for leftover in self._plan.leftovers:
            self._lock.check()
            with contextlib.suppress(FileMissing):
                self._repository.backend.remove_leftover(leftover)

    def _verify_keepers(self, going: set[StorageId]) -> None:
        """Verify each copy that is kept while a pack with another copy of the blob is removed."""
        with Pool(default_workers(), self._report) as pool:
            for number, places in self._plan.index.blobs() if self._plan.keepers else ():
                if number not in self._plan.keepers or not any(pack in going for pack, _ in places):
                    continue
                pack, blob = next(place for place in places if self._plan.keeps(*place))
                if pack not in going:
                    pool.submit(functools.partial(self._verify, pack, blob))
            pool.drain()

    def _verify(self, pack: StorageId, blob: PackedBlob) -> None:
        sealed = self._repository.backend.load_range(FileHandle(FileKind.PACK, pack), blob.offset, blob.length)
        with _naming(pack):
            open_blob(self._repository, blob, sealed)

    # Repack, several packs at a time

    def _repack(self) -> Index:
        """Write the used blobs of the packs to repack into new, indexed packs. Return the index of the new packs."""
        index = Index()
        if self._plan.repack.names:
            with BlobWriter(self._repository, index) as writer, Pool(default_workers(), self._report) as pool:
                for pack in self._plan.repack.names:
                    pool.submit(functools.partial(self._repack_one, writer, pack))
                pool.drain()
        return index

    def _repack_one(self, writer: BlobWriter, pack: StorageId) -> None:
        self._lock.check()
        with _naming(pack):
            listed = read_header(self._repository.backend, self._repository.master, pack)
            if len(listed) != self._plan.index.blob_count(pack):
                raise Damaged("its header and the index list different blobs")
            for blobs in _ranges(blob for blob in listed if self._plan.keeps(pack, blob)):
                self._move(writer, pack, blobs)
        with self._guard:
            self._packs_done += 1
            self._bytes_done += self._plan.index.pack_size(pack)

    def _move(self, writer: BlobWriter, pack: StorageId, blobs: list[PackedBlob]) -> None:
        start, end = blobs[0].offset, blobs[-1].offset + blobs[-1].length
        handle = FileHandle(FileKind.PACK, pack)
        data = memoryview(self._repository.backend.load_range(handle, start, end - start))
        for blob in blobs:
            sealed = data[blob.offset - start : blob.offset - start + blob.length]
            plaintext = open_blob(self._repository, blob, sealed)
            if blob.kind is BlobKind.TREE and not blob.plain_length:
                writer.store(blob.kind, plaintext)
            else:
                # A copy: the slice would keep the whole range in memory while the new pack is open.
                writer.store_sealed(blob, bytes(sealed))

    def _report(self) -> None:
        self._reporter.report("rewriting packs", self._packs_done, self._bytes_done, self._plan.repack.size)


@contextlib.contextmanager
def _naming(pack: StorageId) -> Iterator[None]:
    try:
        yield
    except Damaged as error:
        raise Damaged(
            f"The pack {pack} is damaged, and a snapshot needs it: {error} No used data was removed."
            f" Run `strongroom repair packs {pack[:8]}`."
        ) from None


def _ranges(blobs: Iterable[PackedBlob]) -> Iterator[list[PackedBlob]]:
    """Group blobs, in order of offset, into ranges to be read at once."""
    group: list[PackedBlob] = []
    for blob in blobs:
        if group:
            end = group[-1].offset + group[-1].length
            if blob.offset - end > _GAP or blob.offset + blob.length - group[0].offset > _RANGE:
                yield group
                group = []
        group.append(blob)
    if group:
        yield group
