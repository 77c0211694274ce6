"""Archive entries as a snapshot.

One thread walks: it lists folders, compares files with the parent, and hands changed files to a pool of workers. The
workers read, chunk, hash, compress, seal and pack outside the GIL. The worker that finishes the last entry of a folder
builds its tree, so that memory holds only the open folders and the work in progress.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence

from strongroom import __version__
from strongroom.archiver.parent import ParentFolder
from strongroom.archiver.progress import ArchiveProgress, Tally
from strongroom.archiver.walk import Walk
from strongroom.entries import Entry, Problem
from strongroom.errors import Damaged
from strongroom.format.go_text import format_time
from strongroom.format.snapshot import Snapshot, Summary
from strongroom.ids import FileKind, StorageId
from strongroom.repository import Index, Repository, local_user
from strongroom.repository.blob_reader import BlobReader
from strongroom.repository.blob_writer import BlobWriter
from strongroom.repository.damage import Damage, compare_sizes, distrust
from strongroom.repository.locks import Timing
from strongroom.workers import Pool, default_workers

__all__ = ["ArchiveOptions", "ArchiveProgress", "ArchiveResult", "Problem", "archive"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveOptions:
    """The options and labels of a snapshot.

    `parent`: unchanged files of this snapshot are not read again. `before_publish` is called when all data is durable,
    immediately before the snapshot file is stored; if it raises, no snapshot is stored. `on_problem` is called from any
    thread as soon as an entry cannot be stored completely, before the next root entry begins. `distrusted`: copies that
    are known to be damaged; their content is read and stored again.
    """

    paths: Sequence[str]
    tags: Sequence[str] = ()
    excludes: Sequence[str] = ()
    hostname: str | None = None
    time_ns: int | None = None
    parent: Snapshot | None = None
    compression: bool = True
    workers: int | None = None
    before_publish: Callable[[], None] | None = None
    on_problem: Callable[[Problem], None] | None = None
    lock_timing: Timing | None = None
    distrusted: Sequence[Damage] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class ArchiveResult:
    """A stored snapshot. It is complete if `problems` is empty; `notes` are further remarks for the user.

    `packs` are the packs that were added to the repository, `stored_bytes` the size of their sealed blobs. `unsound`
    are indexed packs that are missing or have a wrong size; their blobs were not treated as stored.
    """

    snapshot: Snapshot
    summary: Summary
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    packs: tuple[StorageId, ...]
    stored_bytes: int
    unsound: tuple[Damage, ...]
    damaged_indexes: Mapping[StorageId, str]
    """The index files that could not be read, with the reasons; the headers of the packs were used instead."""


def archive(
    repository: Repository,
    entries: Sequence[Entry],
    options: ArchiveOptions,
    *,
    progress: Callable[[ArchiveProgress], None] | None = None,
) -> ArchiveResult:
    """Store the entries as a snapshot, under a shared lock.

    Raises SourceError if a stream fails, and BackendError, RepositoryLocked, LockLost or Damaged for faults of the
    repository. After any error, no snapshot is stored and no earlier snapshot is changed.
    """
    started_ns = time.time_ns()
    tally = Tally(progress, options.on_problem)
    with repository.lock(timing=options.lock_timing) as lock:
        index, unsound = _trusted_index(repository, options.distrusted, tally)
        previous = _parent_folder(repository, index, options.parent, tally)
        with BlobWriter(repository, index, compress=options.compression) as writer:
            with Pool(options.workers or default_workers(), tally.report) as pool:
                walk = Walk(writer, pool, tally, time_ns=started_ns)
                tree = walk.run(entries, previous)
            writer.flush()
            tally.report(at_once=True)
        summary = _summary(tally, writer, started_ns)
        snapshot = Snapshot(
            time_ns=started_ns if options.time_ns is None else options.time_ns,
            tree=tree,
            paths=tuple(options.paths),
            hostname=options.hostname or local_user.hostname(),
            username=local_user.username(),
            uid=local_user.user_id(),
            gid=local_user.group_id(),
            tags=tuple(options.tags),
            excludes=tuple(options.excludes),
            parent=options.parent.id if options.parent else None,
            program_version=f"strongroom {__version__}",
            summary=summary,
        )
        if options.before_publish:
            options.before_publish()
        lock.check()
        stored = repository.save_snapshot(snapshot)
    return ArchiveResult(
        stored,
        summary,
        tuple(tally.problems),
        tuple(tally.notes),
        tuple(writer.packs),
        writer.written.stored_bytes,
        unsound,
        index.damaged_files,
    )


def _trusted_index(
    repository: Repository, distrusted: Sequence[Damage], tally: Tally
) -> tuple[Index, tuple[Damage, ...]]:
    """Return the index without missing and damaged copies, and the indexed packs that are missing or of wrong size."""
    index = repository.load_index()
    # Packs after the index: an index file is written after the packs that it names.
    sizes = {stored.name: stored.size for stored in repository.backend.list_files(FileKind.PACK)}
    unsound = compare_sizes(index, sizes)
    distrust(index, [*unsound, *distrusted])
    tally.notes.extend(index.faults)
    if unsound:
        tally.notes.append(
            f"{len(unsound)} indexed packs are missing or have a wrong size ({unsound[0].pack[:8]}, …). This backup"
            " stores the blobs that it needs of them again. `strongroom repair packs --damaged` repairs the index."
        )
    return index, tuple(unsound)


def _parent_folder(repository: Repository, index: Index, parent: Snapshot | None, tally: Tally) -> ParentFolder | None:
    if parent is None:
        return None
    try:
        return ParentFolder(BlobReader(repository, index), parent.tree)
    except Damaged as error:
        tally.notes.append(f"The parent snapshot {parent.id[:8]} is damaged, so all files were read again: {error}")
        return None


def _summary(tally: Tally, writer: BlobWriter, started_ns: int) -> Summary:
    written = writer.written
    return Summary(
        backup_start=format_time(started_ns),
        backup_end=format_time(time.time_ns()),
        files_new=tally.files_new,
        files_changed=tally.files_changed,
        files_unmodified=tally.files_unmodified,
        dirs_new=tally.dirs_new,
        dirs_changed=tally.dirs_changed,
        dirs_unmodified=tally.dirs_unmodified,
        data_blobs=written.data_blobs,
        tree_blobs=written.tree_blobs,
        data_added=written.plain_bytes,
        data_added_packed=written.stored_bytes,
        total_files_processed=tally.files_done,
        total_bytes_processed=tally.bytes_done,
    )
