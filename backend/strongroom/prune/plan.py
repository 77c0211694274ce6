"""What a prune would do: made by reading alone."""

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
from strongroom.prune.progress import PruneProgress, Teller
from strongroom.prune.select_packs import Packs, Place, PruneOptions, choose, is_young, measure
from strongroom.prune.used_blobs import find_used
from strongroom.repository import Index, Repository
from strongroom.repository.blob_set import BlobSet

_WORTH_FRACTION = 0.05
_WORTH_BYTES = 1 << 30


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PrunePlan:
    """What is needed, what goes, and what comes back. Sizes are bytes; of blobs, sealed and with their header entries.

    A blob that is stored several times is used once and unused for the rest.
    """

    total_bytes: int
    """All pack files."""
    used_blobs: int
    used_bytes: int
    unused_blobs: int
    unused_bytes: int
    """Unused in indexed packs; what lies in no index is in `unindexed`."""
    remove: Packs
    """In an index, and wholly unused."""
    unindexed: Packs
    """In no index: left by writers that broke off, or marked for removal by rustic."""
    repack: Packs
    """Read, and what is used of them written anew."""
    repack_unused: int
    lost: tuple[StorageId, ...]
    """Named by an index, not there, and not needed: only the index forgets them."""
    young: Packs
    """Unused in part, in whole, or in no index, but too young to be touched."""
    young_unused: int
    """The bytes that would come back if they were not."""
    young_until: float | None
    """When the last of them is old enough, in seconds since the epoch. None where there are none, or of unknown age."""
    leftovers: tuple[Leftover, ...]
    """What writes have left that broke off, in files of no valid name."""
    repeated: bool
    """Some pack is named by two index files, as a prune that broke off may leave it."""

    # What it was made of, and when: execution refuses any other state of the repository.
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
        """What comes back, to within a few headers."""
        return self.remove.size + self.unindexed.size + self.repack_unused + self.leftover_bytes

    @property
    def leftover_bytes(self) -> int:
        """What comes back of writes that broke off."""
        return sum(leftover.size for leftover in self.leftovers)

    @property
    def empty(self) -> bool:
        """There is nothing to do."""
        packs = self.remove.names or self.unindexed.names or self.repack.names
        return not (packs or self.lost or self.leftovers or self.repeated)

    @property
    def worth_it(self) -> bool:
        """Whether the work pays: a twentieth of the repository comes back, or a gibibyte."""
        return self.freed_bytes >= min(_WORTH_BYTES, max(self.total_bytes * _WORTH_FRACTION, 1))

    def keeps(self, pack: StorageId, blob: PackedBlob) -> bool:
        """Whether this copy of a blob is the one that stays."""
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
    """Find what nothing needs once the snapshots in `without` are gone. Hold a lock meanwhile; nothing is written.

    `now` is in seconds since the epoch. Raises Damaged, naming what is wrong, when a snapshot, a tree or the index
    cannot be read, a used blob is in no index, or a pack that is needed is missing or has a wrong size: from a
    repository that is not whole nothing is removed. One that holds packs but not a single snapshot is not: rather than
    that all were forgotten, they are lost. Raises UnsupportedRepository or AppendOnly where nothing may be removed.
    """
    begun = time.monotonic()
    repository.require_removable()
    options = options or PruneOptions()
    moment = time.time() if now is None else now
    gone = frozenset(without)
    # Snapshots before the index: what a backup adds meanwhile is then in the index, or not looked for. Packs last, for
    # the same reason.
    snapshots = _load_snapshots(repository, gone)
    indexes, index, repeated = _load_index(repository)
    if not snapshots and not gone and len(index):
        raise Damaged(
            f"The repository in {repository.location} holds data but no snapshot, so that a prune would remove all of "
            "it. If the snapshots are lost, restic's `recover` finds them; if nothing is needed, delete the repository."
        )
    used = find_used(repository, index, snapshots, Teller(progress))
    files = {stored.name: stored for stored in repository.backend.list_files(FileKind.PACK)}
    uses = measure(index, used, files, moment, options)
    choice = choose(uses, options)
    strays = [file for name, file in sorted(files.items()) if name not in uses.packs]
    young = [file for file in strays if is_young(file, moment, options.grace)]
    old = [file for file in strays if not is_young(file, moment, options.grace)]
    leftovers = [left for left in repository.backend.list_leftovers() if not is_young(left, moment, options.grace)]
    young_size = sum(file.size for file in young)
    young_names = (*choice.young.names, *(file.name for file in young))
    return PrunePlan(
        total_bytes=sum(file.size for file in files.values()),
        used_blobs=uses.used_blobs,
        used_bytes=uses.used_bytes,
        unused_blobs=uses.unused_blobs,
        unused_bytes=uses.unused_bytes,
        remove=choice.remove,
        unindexed=Packs(tuple(file.name for file in old), sum(file.size for file in old)),
        repack=choice.repack,
        repack_unused=choice.repack_unused,
        lost=choice.lost,
        young=Packs(young_names, choice.young.size + young_size),
        young_unused=choice.young_unused + young_size,
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


def _old_enough(modified: Sequence[float | None], grace: timedelta) -> float | None:
    known = [moment for moment in modified if moment is not None]
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
    """All index files by name, what they say, and whether any says what another has said. They must agree.

    What rustic lists there as `packs_to_delete` is in no index for us: it goes once it is old enough.
    """
    names = set()
    index = Index()
    repeated = False
    for stored in list(repository.backend.list_files(FileKind.INDEX)):
        try:
            packs = repository.load_index_file(stored.name)
        except FileMissing:
            continue  # replaced by another since the listing began; its packs are listed there
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
