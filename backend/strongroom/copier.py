"""Copy a repository into another one. Every blob is opened, verified, and sealed under the other master key.

Trees and blobs keep their ids, which are hashes of their content. A copied snapshot has the id of its source in
`original`, as with restic. An interrupted copy continues: blobs that are stored already are not stored again.
"""

from __future__ import annotations

import dataclasses
import functools
import threading
from collections.abc import Callable

from strongroom.errors import Damaged, UnsupportedRepository
from strongroom.format.snapshot import UNSTORED, Snapshot
from strongroom.ids import BlobId, BlobKind, StorageId
from strongroom.prune.progress import ProgressReporter, PruneProgress
from strongroom.prune.used_blobs import find_used
from strongroom.repository import Repository
from strongroom.repository.blob_reader import BlobReader
from strongroom.repository.blob_writer import BlobWriter
from strongroom.workers import Pool, default_workers


def copied_snapshots(target: Repository) -> dict[StorageId, StorageId]:
    """Return the ids of the copies in a repository, by the ids of their source snapshots. Raises Damaged."""
    return {StorageId(one.original): one.id for one in target.snapshots() if one.original}


def copy_repository(
    source: Repository, target: Repository, *, progress: Callable[[PruneProgress], None] | None = None
) -> list[StorageId]:
    """Copy every snapshot that `target` lacks, with all its blobs. Return the ids of the new copies.

    The caller holds a lock of the source. Raises Damaged if a snapshot, the index or a needed blob cannot be read; then
    no incomplete snapshot is stored. Raises UnsupportedRepository for a mark that a copy would lose.
    """
    known = copied_snapshots(target)
    missing = [one for one in source.snapshots() if one.id not in known]
    for one in missing:
        _require_copyable(one, source)
    reporter = ProgressReporter(progress)
    index = source.load_index()
    if index.faults:
        raise Damaged(f"The index of the repository in {source.location} is damaged: {index.faults[0]}")
    used = find_used(source, index, missing, reporter)
    reader = BlobReader(source, index)
    work = _Copy(reader, reporter)
    with BlobWriter(target, target.load_index()) as writer, Pool(default_workers(), work.report) as pool:
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
            f"Snapshot {snapshot.id[:8]} in {source.location} has a mark of rustic that protects it, and a copy would"
            " lose the mark. Remove the mark with rustic first."
        )


class _Copy:
    """The progress of a copy."""

    def __init__(self, reader: BlobReader, reporter: ProgressReporter) -> None:
        self._reader = reader
        self._reporter = reporter
        self._guard = threading.Lock()
        self.total = self.done = self.blobs = 0

    def copy(self, writer: BlobWriter, kind: BlobKind, identity: BlobId, length: int) -> None:
        """Copy one blob."""
        writer.store(kind, self._reader.read(kind, identity), identity=identity)
        with self._guard:
            self.blobs += 1
            self.done += length

    def report(self) -> None:
        """Report the progress; called while the pool works."""
        self._reporter.report("copying", self.blobs, self.done, self.total)
