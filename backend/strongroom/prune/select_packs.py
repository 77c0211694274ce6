"""Select the packs to remove and to repack, and the copy of each blob to keep."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import timedelta
from typing import TypeAlias

from strongroom.backends.base import Leftover, StoredFile
from strongroom.crypto import OVERHEAD
from strongroom.errors import Damaged
from strongroom.format.pack import PackedBlob, entry_size
from strongroom.ids import BlobKind, StorageId
from strongroom.repository import Index
from strongroom.repository.blob_set import BlobSet
from strongroom.repository.blob_writer import PACK_SIZE

SMALL = PACK_SIZE // 4
"""The size in bytes below which a pack is small. Ten small packs of a kind are merged, about as in restic."""
_SMALL_COUNT = 10
_FAULTS_SHOWN = 5

Place: TypeAlias = tuple[StorageId, int]
"""The location of a copy of a blob: the pack, and the offset in it."""


@dataclasses.dataclass(frozen=True, slots=True)
class PruneOptions:
    """The options of a prune. Raises ValueError for negative values.

    `max_unused`: the limit for unused bytes that stay in partly used packs, as a fraction of the used bytes.
    `grace`: younger packs are not changed, in an index or not, nor are packs of unknown age. This protects the packs of
    clients that write without respecting locks.
    `repack`: False rewrites no packs, so that the prune works on a full storage.
    """

    max_unused: float = 0.05
    grace: timedelta = timedelta(hours=24)
    repack: bool = True

    def __post_init__(self) -> None:
        if not self.max_unused >= 0 or self.grace < timedelta(0):
            raise ValueError("The limit of unused space and the grace period cannot be negative.")


@dataclasses.dataclass(frozen=True, slots=True)
class Packs:
    """Names of packs, and the total size of their files in bytes."""

    names: tuple[StorageId, ...] = ()
    size: int = 0


@dataclasses.dataclass(slots=True)
class PackUse:
    """The use of one indexed pack. Sizes are bytes of sealed blobs with their header entries."""

    name: StorageId
    file: StoredFile | None
    sound: bool
    young: bool
    used: int = 0
    unused: int = 0
    kinds: set[BlobKind] = dataclasses.field(default_factory=set)
    compressible: bool = False
    """The pack holds uncompressed trees, from a repository of format version 1."""

    @property
    def size(self) -> int:
        """Return the size of the file in bytes; 0 if it is missing."""
        return self.file.size if self.file else 0


@dataclasses.dataclass(slots=True)
class RepositoryUse:
    """The use of all packs of a repository. Each blob counts as used once; further copies are unused."""

    packs: dict[StorageId, PackUse]
    keepers: dict[int, Place]
    """For every used blob with several copies, by its number: the copy to keep."""
    used_blobs: int = 0
    used_bytes: int = 0
    unused_blobs: int = 0
    unused_bytes: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class PackSelection:
    """The indexed packs to remove, to repack, and to leave unchanged."""

    remove: Packs
    repack: Packs
    repack_unused: int
    """Unused bytes in the packs to repack."""
    lost: tuple[StorageId, ...]
    """Missing in the storage, but in the index, and not needed."""
    young: Packs
    young_unused: int
    """Unused bytes in packs that are too young to change, including packs that are not needed at all."""


def is_young(file: StoredFile | Leftover, now: float, grace: timedelta) -> bool:
    """Return whether a file is within the grace period. A file with a future time or without a time is young, too."""
    if not grace:
        return False
    return file.modified is None or now - file.modified < grace.total_seconds()


def measure(
    index: Index, used: BlobSet, files: Mapping[StorageId, StoredFile], now: float, options: PruneOptions
) -> RepositoryUse:
    """Measure the use of every pack. Raises Damaged if a needed pack is missing or has a wrong size."""
    packs = {}
    for name in index.packs:
        file = files.get(name)
        sound = file is not None and file.size == index.pack_size(name)
        packs[name] = PackUse(name, file, sound, file is not None and is_young(file, now, options.grace))
    uses = RepositoryUse(packs, {})
    several: list[tuple[int, list[tuple[StorageId, PackedBlob]]]] = []
    for number, places in index.blobs():
        for name, blob in places:
            pack = packs[name]
            pack.kinds.add(blob.kind)
            pack.compressible |= blob.kind is BlobKind.TREE and not blob.plain_length and blob.length > OVERHEAD
        if number in used and len(places) > 1:
            several.append((number, places))
        else:
            _count(uses, places, places[0] if number in used else None)
    _choose_keepers(uses, several)
    _require_whole(index, uses)
    return uses


def _count(
    uses: RepositoryUse, places: list[tuple[StorageId, PackedBlob]], keeper: tuple[StorageId, PackedBlob] | None
) -> None:
    for place in places:
        name, blob = place
        size = blob.length + entry_size(blob)
        if place is keeper:
            uses.packs[name].used += size
            uses.used_blobs += 1
            uses.used_bytes += size
        else:
            uses.packs[name].unused += size
            uses.unused_blobs += 1
            uses.unused_bytes += size


def _choose_keepers(uses: RepositoryUse, several: list[tuple[int, list[tuple[StorageId, PackedBlob]]]]) -> None:
    """Choose the copy to keep of each blob with several copies.

    Prefer the copy in a pack that is kept anyway: a young pack, else a pack with blobs of its own, else the pack with
    the least unused space. After an interrupted prune, its new packs win.
    """
    order = sorted(
        uses.packs.values(), key=lambda pack: (not pack.sound, not pack.young, not pack.used, pack.unused, pack.name)
    )
    rank = {pack.name: number for number, pack in enumerate(order)}
    for number, places in several:
        keeper = min(places, key=lambda place: rank[place[0]])
        uses.keepers[number] = (keeper[0], keeper[1].offset)
        _count(uses, places, keeper)


def _require_whole(index: Index, uses: RepositoryUse) -> None:
    faults = []
    for pack in uses.packs.values():
        if pack.used and pack.file is None:
            faults.append(f"pack {pack.name} is missing")
        elif pack.used and not pack.sound:
            faults.append(f"pack {pack.name} has {pack.size} bytes instead of {index.pack_size(pack.name)}")
    if faults:
        more = f", and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
        raise Damaged(
            f"Cannot prune, because packs that snapshots need are damaged: {'; '.join(faults[:_FAULTS_SHOWN])}{more}."
            " Make a backup: it stores the content again if its source still has it. Then run"
            " `strongroom repair packs --damaged`."
        )


def select_packs(uses: RepositoryUse, options: PruneOptions) -> PackSelection:
    """Select the packs to remove and to repack.

    Remove unused packs. Repack packs that mix kinds of blobs or hold uncompressed trees; then packs with unused blobs,
    those with trees first and the most unused space first, until the unused space is within the limit; and small packs
    if there are ten or more of a kind. Young packs are not changed, and their unused space does not count.
    """
    packs = sorted(uses.packs.values(), key=lambda pack: pack.name)
    there = [pack for pack in packs if pack.file is not None]
    old = [pack for pack in there if not pack.young]
    young = [pack for pack in there if pack.young and pack.unused]
    remove = [pack for pack in old if not pack.used]
    rest = [pack for pack in old if pack.used]
    repack = [pack for pack in rest if len(pack.kinds) > 1 or pack.compressible]
    chosen = {pack.name for pack in repack}
    wasteful = [pack for pack in rest if pack.unused and pack.name not in chosen]
    wasteful.sort(key=lambda pack: (BlobKind.TREE not in pack.kinds, -pack.unused / pack.size))
    left = sum(pack.unused for pack in wasteful)
    for pack in wasteful:
        if left <= options.max_unused * uses.used_bytes:
            break
        left -= pack.unused
        repack.append(pack)
        chosen.add(pack.name)
    for kind in BlobKind:
        small = [pack for pack in rest if pack.kinds == {kind} and (pack.size < SMALL or pack.name in chosen)]
        if len(small) >= _SMALL_COUNT:
            repack.extend(pack for pack in small if pack.name not in chosen)
    if not options.repack:
        repack = []
    return PackSelection(
        remove=_packs(remove),
        repack=_packs(repack),
        repack_unused=sum(pack.unused for pack in repack),
        lost=tuple(pack.name for pack in packs if pack.file is None),
        young=_packs(young),
        young_unused=sum(pack.unused if pack.used else pack.size for pack in young),
    )


def _packs(packs: list[PackUse]) -> Packs:
    return Packs(tuple(pack.name for pack in packs), sum(pack.size for pack in packs))
