"""Which packs go, which are rewritten, and which copy of a blob is the one that stays."""

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
"""Bytes below which a pack is one of the small ones; ten of a kind are worth merging. As in restic, about."""
_SMALL_COUNT = 10
_FAULTS_SHOWN = 5

Place: TypeAlias = tuple[StorageId, int]
"""Where a copy of a blob lies: the pack, and the offset in it."""


@dataclasses.dataclass(frozen=True, slots=True)
class PruneOptions:
    """How thorough a prune is. ValueError for what is negative.

    `max_unused`: so many unused bytes may stay in packs that also hold used ones, as a fraction of the used bytes.
    `grace`: packs whose files are younger are left alone, in an index or not, and so are those whose age the place does
    not know. Locks keep out whoever honours them; this is for those who do not, and may be writing just now.
    `repack`: without it no pack is rewritten, so that a storage without room is enough.
    """

    max_unused: float = 0.05
    grace: timedelta = timedelta(hours=24)
    repack: bool = True

    def __post_init__(self) -> None:
        if not self.max_unused >= 0 or self.grace < timedelta(0):
            raise ValueError("What may stay unused, and for how long, cannot be negative.")


@dataclasses.dataclass(frozen=True, slots=True)
class Packs:
    """Some packs by name, and the bytes of their files."""

    names: tuple[StorageId, ...] = ()
    size: int = 0


@dataclasses.dataclass(slots=True)
class PackUse:
    """One indexed pack: what of it is needed. Bytes are those of sealed blobs with their entries in the header."""

    name: StorageId
    file: StoredFile | None
    sound: bool
    young: bool
    used: int = 0
    unused: int = 0
    kinds: set[BlobKind] = dataclasses.field(default_factory=set)
    compressible: bool = False
    """Holds trees that are not compressed, as a repository of version 1 had them."""

    @property
    def size(self) -> int:
        """Bytes of the file; 0 when it is not there."""
        return self.file.size if self.file else 0


@dataclasses.dataclass(slots=True)
class Uses:
    """What of a repository is needed, pack by pack. Blobs and bytes count each blob once; copies are unused."""

    packs: dict[StorageId, PackUse]
    keepers: dict[int, Place]
    """Of every used blob with several copies, by its number, the one that stays."""
    used_blobs: int = 0
    used_bytes: int = 0
    unused_blobs: int = 0
    unused_bytes: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """What becomes of the indexed packs."""

    remove: Packs
    repack: Packs
    repack_unused: int
    """Unused bytes in the packs that are rewritten."""
    lost: tuple[StorageId, ...]
    """In the index, not in the storage, and not needed."""
    young: Packs
    young_unused: int
    """Unused bytes in packs that are too young to be touched, the whole of those that nothing needs."""


def is_young(file: StoredFile | Leftover, now: float, grace: timedelta) -> bool:
    """Whether a file must be left alone. A file from the future is young, and one without a time too."""
    if not grace:
        return False
    return file.modified is None or now - file.modified < grace.total_seconds()


def measure(
    index: Index, used: BlobSet, files: Mapping[StorageId, StoredFile], now: float, options: PruneOptions
) -> Uses:
    """Count what is needed in every pack. Raises Damaged when a pack that is needed is missing or has a wrong size."""
    packs = {}
    for name in index.packs:
        file = files.get(name)
        sound = file is not None and file.size == index.pack_size(name)
        packs[name] = PackUse(name, file, sound, file is not None and is_young(file, now, options.grace))
    uses = Uses(packs, {})
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


def _count(uses: Uses, places: list[tuple[StorageId, PackedBlob]], keeper: tuple[StorageId, PackedBlob] | None) -> None:
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


def _choose_keepers(uses: Uses, several: list[tuple[int, list[tuple[StorageId, PackedBlob]]]]) -> None:
    """Of several copies the one stays that lies in a pack which stays anyway: a young one, or else one that holds what
    no other has, or else the one with the least waste. So that, after a prune that broke off, its new packs win."""
    order = sorted(
        uses.packs.values(), key=lambda pack: (not pack.sound, not pack.young, not pack.used, pack.unused, pack.name)
    )
    rank = {pack.name: number for number, pack in enumerate(order)}
    for number, places in several:
        keeper = min(places, key=lambda place: rank[place[0]])
        uses.keepers[number] = (keeper[0], keeper[1].offset)
        _count(uses, places, keeper)


def _require_whole(index: Index, uses: Uses) -> None:
    faults = []
    for pack in uses.packs.values():
        if pack.used and pack.file is None:
            faults.append(f"the pack {pack.name} is missing")
        elif pack.used and not pack.sound:
            faults.append(f"the pack {pack.name} has {pack.size} bytes instead of {index.pack_size(pack.name)}")
    if faults:
        more = f", and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
        raise Damaged(
            f"Something that snapshots need is not there: {'; '.join(faults[:_FAULTS_SHOWN])}{more}. A backup stores it"
            " again where its source still has it; then run `strongroom repair packs --damaged`."
        )


def choose(uses: Uses, options: PruneOptions) -> Choice:
    """Decide about every indexed pack.

    What is wholly unused goes. Rewritten are packs that mix kinds or hold uncompressed trees, then, trees first and the
    most wasteful first, those with unused blobs until what remains unused is little enough, and small ones when there
    are many. Young ones are left as they are, and their waste does not count: nothing can be done about it yet.
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
    return Choice(
        remove=_packs(remove),
        repack=_packs(repack),
        repack_unused=sum(pack.unused for pack in repack),
        lost=tuple(pack.name for pack in packs if pack.file is None),
        young=_packs(young),
        young_unused=sum(pack.unused if pack.used else pack.size for pack in young),
    )


def _packs(packs: list[PackUse]) -> Packs:
    return Packs(tuple(pack.name for pack in packs), sum(pack.size for pack in packs))
