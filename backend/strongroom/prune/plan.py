"""Plan a prune. Only reads."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta

from strongroom.backends.base import Leftover
from strongroom.errors import Damaged, FileMissing
from strongroom.format.pack import PackedBlob
from strongroom.format.snapshot import Snapshot
from strongroom.ids import FileKind, StorageId
from strongroom.prune.progress import ProgressReporter, PruneProgress
from strongroom.prune.select_packs import Packs, Place, PruneOptions, is_young, measure, select_packs
from strongroom.prune.used_blobs import find_used
from strongroom.repository import Index, Repository
from strongroom.repository.blob_set import BlobSet

_WORTH_FRACTION = 0.05
_WORTH_BYTES = 1 << 30


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PrunePlan:
    """The plan of a prune: used space, packs to remove, and space to free.

    Sizes are bytes; blobs count sealed, with their header entries. Of a blob with several copies, one copy is used and
    the others are unused.
    """

    total_bytes: int
    """The size of all pack files."""
    used_blobs: int
    used_bytes: int
    unused_blobs: int
    unused_bytes: int
    """Unused bytes in indexed packs; packs in no index are in `unindexed`."""
    remove: Packs
    """Indexed packs that are not used at all."""
    unindexed: Packs
    """Packs in no index, from interrupted writers or marked for removal by rustic."""
    repack: Packs
    """Partly used packs whose used blobs are written into new packs."""
    repack_unused: int
    lost: tuple[StorageId, ...]
    """Missing packs that are in an index and not needed; they are only removed from the index."""
    young: Packs
    """Packs that are partly or wholly unused, or in no index, but too young to change."""
    young_unused: int
    """The bytes that would be freed if the young packs were old enough."""
    young_until: float | None
    """The time when all young packs are old enough, in seconds since the epoch; None without any or of unknown age."""
    leftovers: tuple[Leftover, ...]
    """Temporary files of interrupted writes."""
    repeated: bool
    """True if two index files name the same pack, as after an interrupted prune."""

    # The state of the repository that was planned for: `execute_prune` refuses any other.
    identity: tuple[str, str]
    begun: float
    snapshots: frozenset[StorageId]
    without: frozenset[StorageId]
    indexes: frozenset[StorageId]
    index: Index = dataclasses.field(repr=False)
    used: BlobSet = dataclasses.field(repr=False)
    keepers: Mapping[int, Place] = dataclasses.field(repr=False)

    @property
    def freed_bytes(self) -> int:
        """Return the bytes to be freed, accurate to a few headers."""
        return self.remove.size + self.unindexed.size + self.repack_unused + self.leftover_bytes

    @property
    def leftover_bytes(self) -> int:
        """Return the bytes of the temporary files."""
        return sum(leftover.size for leftover in self.leftovers)

    @property
    def empty(self) -> bool:
        """Return whether there is nothing to do."""
        packs = self.remove.names or self.unindexed.names or self.repack.names
        return not (packs or self.lost or self.leftovers or self.repeated)

    @property
    def worth_it(self) -> bool:
        """Return whether the prune is worth the work: it frees a twentieth of the repository, or a gibibyte."""
        return self.freed_bytes >= min(_WORTH_BYTES, max(self.total_bytes * _WORTH_FRACTION, 1))

    def keeps(self, pack: StorageId, blob: PackedBlob) -> bool:
        """Return whether this copy of a blob is the one to keep."""
        number = self.index.number(blob.kind, blob.id)
        return (
            number is not None
            and number in self.used
            and self.keepers.get(number, (pack, blob.offset))
            == (
                pack,
                blob.offset,
            )
        )


def plan_prune(
    repository: Repository,
    *,
    without: Collection[StorageId] = (),
    options: PruneOptions | None = None,
    now: float | None = None,
    progress: Callable[[PruneProgress], None] | None = None,
) -> PrunePlan:
    """Plan to remove all blobs that are not needed when the snapshots in `without` are forgotten.

    The caller holds a lock; nothing is written. `now` is in seconds since the epoch. Raises Damaged, with the fault, if
    a snapshot, a tree or the index cannot be read, a used blob is in no index, or a needed pack is missing or has a
    wrong size: nothing is removed from a damaged repository. A repository with packs but without any snapshot counts as
    damaged: its snapshots are probably lost. Raises UnsupportedRepository or AppendOnly if nothing may be removed.
    """
    begun = time.monotonic()
    repository.require_removable()
    options = options or PruneOptions()
    current = time.time() if now is None else now
    gone = frozenset(without)
    # Snapshots before the index, and packs last: a backup that runs meanwhile writes in the opposite order.
    snapshots = _load_snapshots(repository, gone)
    indexes, index, repeated = _load_index(repository)
    if not snapshots and not gone and len(index):
        raise _no_snapshots(repository)
    used = find_used(repository, index, snapshots, ProgressReporter(progress))
    files = {stored.name: stored for stored in repository.backend.list_files(FileKind.PACK)}
    uses = measure(index, used, files, current, options)
    selected = select_packs(uses, options)
    strays = [file for name, file in sorted(files.items()) if name not in uses.packs]
    young = [file for file in strays if is_young(file, current, options.grace)]
    old = [file for file in strays if not is_young(file, current, options.grace)]
    leftovers = [left for left in repository.backend.list_leftovers() if not is_young(left, current, options.grace)]
    young_size = sum(file.size for file in young)
    young_names = (*selected.young.names, *(file.name for file in young))
    return PrunePlan(
        total_bytes=sum(file.size for file in files.values()),
        used_blobs=uses.used_blobs,
        used_bytes=uses.used_bytes,
        unused_blobs=uses.unused_blobs,
        unused_bytes=uses.unused_bytes,
        remove=selected.remove,
        unindexed=Packs(tuple(file.name for file in old), sum(file.size for file in old)),
        repack=selected.repack,
        repack_unused=selected.repack_unused,
        lost=selected.lost,
        young=Packs(young_names, selected.young.size + young_size),
        young_unused=selected.young_unused + young_size,
        young_until=_old_enough([files[name].modified for name in young_names], options.grace),
        leftovers=tuple(leftovers),
        repeated=repeated,
        identity=(repository.id, repository.location),
        begun=begun,
        snapshots=frozenset(snapshot.id for snapshot in snapshots),
        without=gone,
        indexes=indexes,
        index=index,
        used=used,
        keepers=uses.keepers,
    )


def _no_snapshots(repository: Repository) -> Damaged:
    return Damaged(
        f"The repository in {repository.location} has data but no snapshots, so a prune would remove all data. If"
        " the snapshots are lost, run `restic recover`. If the data is not needed, delete the repository."
    )


def _old_enough(modified: Sequence[float | None], grace: timedelta) -> float | None:
    known = [time_s for time_s in modified if time_s is not None]
    return max(known) + grace.total_seconds() if known and len(known) == len(modified) else None


def _load_snapshots(repository: Repository, gone: frozenset[StorageId]) -> list[Snapshot]:
    found = []
    for stored in repository.backend.list_files(FileKind.SNAPSHOT):
        if stored.name not in gone:
            try:
                found.append(repository.load_snapshot(stored.name))
            except FileMissing:
                continue  # forgotten since the listing began
    return sorted(found, key=lambda snapshot: (snapshot.time_ns, snapshot.id))


def _load_index(repository: Repository) -> tuple[frozenset[StorageId], Index, bool]:
    """Return the names of the index files, the index, and whether a pack is in two files. The files must agree.

    Packs that rustic lists as `packs_to_delete` count as in no index: they are removed when they are old enough.
    """
    names = set()
    index = Index()
    repeated = False
    for stored in list(repository.backend.list_files(FileKind.INDEX)):
        try:
            packs = repository.load_index_file(stored.name)
        except FileMissing:
            continue  # replaced since the listing began; the new index file names its packs
        names.add(stored.name)
        for pack, blobs in packs:
            if known := index.blob_count(pack):
                repeated = True
                same = all((pack, blob) in index.find(blob.kind, blob.id) for blob in blobs)
                if not same or known != len(blobs):
                    raise Damaged(
                        f"Two index files of {repository.location} list different blobs in the pack {pack}. Run"
                        " `strongroom repair index`."
                    )
            index.add(pack, blobs)
    return frozenset(names), index, repeated
