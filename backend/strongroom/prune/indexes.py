"""Rewrite index files without removed packs, and verify that the new ones name all used blobs."""

from __future__ import annotations

from collections.abc import Collection

from strongroom.errors import Damaged
from strongroom.format.index import encode_index
from strongroom.format.pack import PackedBlob, pack_size
from strongroom.ids import FileKind, StorageId
from strongroom.repository import Index, Repository
from strongroom.repository.blob_set import BlobSet
from strongroom.repository.blob_writer import INDEX_BLOBS

_SMALL_BLOBS = INDEX_BLOBS // 4
"""Index files with fewer blobs are merged when the index is rewritten."""


def rewrite_indexes(
    repository: Repository, names: Collection[StorageId], going: Collection[StorageId]
) -> tuple[list[StorageId], list[StorageId]]:
    """Rewrite the index files `names` without the packs in `going`.

    Return the new index files, and the old ones that are superfluous now. Large files that need no change stay.
    """
    seen: set[StorageId] = set()
    staying: list[tuple[StorageId, list[PackedBlob]]] = []
    new: list[StorageId] = []
    old: list[StorageId] = []
    count = 0
    for name in sorted(names):
        packs = repository.load_index_file(name)
        unchanged = not any(pack in going or pack in seen for pack, _ in packs)
        if not unchanged or sum(len(blobs) for _, blobs in packs) < _SMALL_BLOBS:
            old.append(name)
            for pack, blobs in packs:
                if pack not in going and pack not in seen:
                    staying.append((pack, blobs))
                    count += len(blobs)
                    if count >= INDEX_BLOBS:
                        new.append(repository.save_file(FileKind.INDEX, encode_index(staying)))
                        staying, count = [], 0
        seen.update(pack for pack, _ in packs)
    if staying:
        new.append(repository.save_file(FileKind.INDEX, encode_index(staying)))
    return new, old


def require_covered(
    repository: Repository,
    index: Index,
    used: BlobSet,
    *,
    going: Collection[StorageId],
    without: Collection[StorageId],
) -> None:
    """Read all index files except `without`, and verify that they name a stored pack for every used blob.

    Raises Damaged otherwise: then the old index files and packs must stay.
    """
    sizes = {stored.name: stored.size for stored in repository.backend.list_files(FileKind.PACK)}
    covered = BlobSet(index)
    for stored in list(repository.backend.list_files(FileKind.INDEX)):
        if stored.name in without:
            continue
        for pack, blobs in repository.load_index_file(stored.name):
            if pack not in going and sizes.get(pack) == pack_size(blobs):
                for blob in blobs:
                    covered.add(blob.kind, blob.id)
    missing = used.missing_from(covered)
    if missing:
        raise Damaged(
            f"The new index of {repository.location} lacks {missing} used blobs. No used data was removed. Run"
            " `strongroom check`."
        )
