"""A repository copied into another one: every blob opened, checked, and sealed under the other master key.

Trees and blobs keep their names, which are hashes of their content; a copied snapshot names in `original` the one that
it is a copy of, as restic's do. A copy that broke off goes on where it was: what is there is not stored again.
"""

from __future__ import annotations

import dataclasses
import functools
import threading
from collections.abc import Callable

from strongroom.errors import Damaged, UnsupportedRepository
from strongroom.format.snapshot import UNSTORED, Snapshot
from strongroom.ids import BlobId, BlobKind, StorageId
from strongroom.prune.progress import PruneProgress, Teller
from strongroom.prune.used_blobs import find_used
from strongroom.repository import Repository
from strongroom.repository.blob_reader import BlobReader
from strongroom.repository.blob_writer import BlobWriter
from strongroom.workers import Pool, default_workers


def copied_snapshots(target: Repository) -> dict[StorageId, StorageId]:
    """By the id of each snapshot that was copied into a repository, the id of its copy. Raises Damaged."""
    return {StorageId(one.original): one.id for one in target.snapshots() if one.original}


def copy_repository(
    source: Repository, target: Repository, *, progress: Callable[[PruneProgress], None] | None = None
) -> list[StorageId]:
    """Copy every snapshot that `target` does not have yet, with what it needs; the ids of the new copies.

    Hold a lock of the source. Raises Damaged where a snapshot, the index or a blob that is needed cannot be read: then
    nothing that would lack something is stored. Raises UnsupportedRepository for a mark that copies would lose.
    """
    known = copied_snapshots(target)
    missing = [one for one in source.snapshots() if one.id not in known]
    for one in missing:
        _require_copyable(one, source)
    teller = Teller(progress)
    index = source.load_index()
    if index.faults:
        raise Damaged(f"The index of the repository in {source.location} cannot be read whole: {index.faults[0]}")
    used = find_used(source, index, missing, teller)
    reader = BlobReader(source, index)
    work = _Copy(reader, teller)
    with BlobWriter(target, target.load_index()) as writer, Pool(default_workers(), work.tell) as pool:
        for number, places in index.blobs():
            blob = places[0][1]
            if number in used and (blob.kind, blob.id) not in writer.index:
                work.total += blob.length
                pool.submit(functools.partial(work.copy, writer, blob.kind, blob.id, blob.length))
        pool.drain()
    stored = []
    for one in missing:
        parent = known.get(StorageId(one.parent)) if one.parent else None
        copy = target.save_snapshot(dataclasses.replace(one, id=UNSTORED, original=one.id, parent=parent))
        known[one.id] = copy.id
        stored.append(copy.id)
    return stored


def _require_copyable(snapshot: Snapshot, source: Repository) -> None:
    if snapshot.keep_until_ns:
        raise UnsupportedRepository(
            f"Snapshot {snapshot.id[:8]} in {source.location} is marked to be kept, by a client whose marks a copy"
            " would lose. Take the mark away with that client first."
        )


class _Copy:
    """How far it is."""

    def __init__(self, reader: BlobReader, teller: Teller) -> None:
        self._reader = reader
        self._teller = teller
        self._guard = threading.Lock()
        self.total = self.done = self.blobs = 0

    def copy(self, writer: BlobWriter, kind: BlobKind, identity: BlobId, length: int) -> None:
        """Copy one blob."""
        writer.store(kind, self._reader.read(kind, identity), identity=identity)
        with self._guard:
            self.blobs += 1
            self.done += length

    def tell(self) -> None:
        """Called while the pool works."""
        self._teller.tell("copying", self.blobs, self.done, self.total)
