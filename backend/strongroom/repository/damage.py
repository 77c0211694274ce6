"""Records of damage: the pack, the blob in it, and the kind of damage."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Mapping

from strongroom.ids import BlobId, BlobKind, StorageId
from strongroom.repository.index import Index


class DamageKind(enum.StrEnum):
    """The kind of damage.

    MISSING: the pack is not stored. SIZE: the pack has a wrong size. HEADER: its header cannot be read, but all of its
    blobs can. LISTING: its header and the index differ. BLOB: one blob in it is damaged. UNREADABLE: the storage cannot
    read it.
    """

    MISSING = "missing"
    SIZE = "size"
    HEADER = "header"
    LISTING = "listing"
    BLOB = "blob"
    UNREADABLE = "unreadable"


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Damage:
    """One damaged blob in a pack, or a damaged pack. `blob` (in hex) and `blob_kind` are empty for a whole pack."""

    pack: StorageId
    kind: DamageKind
    blob: str = ""
    blob_kind: str = ""
    reason: str = ""

    @property
    def key(self) -> tuple[BlobKind, BlobId] | None:
        """Return the kind and id of the blob; None for a whole pack."""
        return (BlobKind[self.blob_kind.upper()], BlobId(bytes.fromhex(self.blob))) if self.blob else None


def distrust(index: Index, damages: Iterable[Damage]) -> None:
    """Make the index treat these copies as not stored."""
    for damage in damages:
        index.distrust(damage.pack, damage.key)


def compare_sizes(index: Index, sizes: Mapping[StorageId, int]) -> list[Damage]:
    """Return the indexed packs that are missing or have a wrong size."""
    found = []
    for pack in index.packs:
        size, expected = sizes.get(pack), index.pack_size(pack)
        if size is None:
            found.append(Damage(pack, DamageKind.MISSING, reason="The index names the pack, but it is missing."))
        elif size != expected:
            reason = f"The pack has {size} bytes instead of {expected}."
            found.append(Damage(pack, DamageKind.SIZE, reason=reason))
    return found


def lost_blobs(index: Index, damages: Iterable[Damage]) -> frozenset[tuple[BlobKind, BlobId]]:
    """Return the blobs without any trusted copy. Call `distrust` on the index first."""
    damages = list(damages)
    keys = {damage.key for damage in damages if damage.key is not None}
    whole = [damage.pack for damage in damages if not damage.blob]
    for blobs in index.blobs_in(whole).values():
        keys.update((blob.kind, blob.id) for blob in blobs)
    return frozenset(key for key in keys if key not in index)
