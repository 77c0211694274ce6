"""Damage as a record: which pack, which blob in it, and what is wrong."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Mapping

from strongroom.ids import BlobId, BlobKind, StorageId
from strongroom.repository.index import Index


class DamageKind(enum.StrEnum):
    """What is wrong.

    MISSING: no such pack is stored. SIZE: the pack is shorter or longer than its blobs. HEADER: its own list cannot be
    read, but all of its blobs can. LISTING: its own list and the index differ. BLOB: one blob in it is not what was
    stored. UNREADABLE: the storage does not give it.
    """

    MISSING = "missing"
    SIZE = "size"
    HEADER = "header"
    LISTING = "listing"
    BLOB = "blob"
    UNREADABLE = "unreadable"


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Damage:
    """One damaged blob in a pack, or a whole pack. `blob` is hex, empty for the whole pack; `blob_kind` likewise."""

    pack: StorageId
    kind: DamageKind
    blob: str = ""
    blob_kind: str = ""
    reason: str = ""

    @property
    def key(self) -> tuple[BlobKind, BlobId] | None:
        """The blob; None for a whole pack."""
        return (BlobKind[self.blob_kind.upper()], BlobId(bytes.fromhex(self.blob))) if self.blob else None


def distrust(index: Index, damages: Iterable[Damage]) -> None:
    """Let the index no longer count these copies as stored."""
    for damage in damages:
        index.distrust(damage.pack, damage.key)


def compare_sizes(index: Index, sizes: Mapping[StorageId, int]) -> list[Damage]:
    """The packs that the index names and that are missing, or not as long as their blobs."""
    found = []
    for pack in index.packs:
        size, expected = sizes.get(pack), index.pack_size(pack)
        if size is None:
            found.append(Damage(pack, DamageKind.MISSING, reason="The index names the pack, but it is not there."))
        elif size != expected:
            reason = f"The pack has {size} bytes instead of {expected}."
            found.append(Damage(pack, DamageKind.SIZE, reason=reason))
    return found


def lost_blobs(index: Index, damages: Iterable[Damage]) -> frozenset[tuple[BlobKind, BlobId]]:
    """The blobs of which no copy is left that counts as stored. The index has been told what to distrust."""
    damages = list(damages)
    keys = {damage.key for damage in damages if damage.key is not None}
    whole = [damage.pack for damage in damages if not damage.blob]
    for blobs in index.blobs_in(whole).values():
        keys.update((blob.kind, blob.id) for blob in blobs)
    return frozenset(key for key in keys if key not in index)
