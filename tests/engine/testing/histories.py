"""Repositories with a history, and their contents, for the tests of prune."""

import random
from collections.abc import Iterable, Mapping
from datetime import timedelta

from tests.engine.testing.pieces import Pieces
from tests.engine.testing.restic import CHEAP, PASSPHRASE

from strongroom.archiver import ArchiveOptions, archive
from strongroom.backends.base import Backend
from strongroom.checker import check
from strongroom.entries import Stream
from strongroom.format.snapshot import Snapshot
from strongroom.format.tree import NodeKind
from strongroom.ids import FileKind, StorageId
from strongroom.prune import PruneOptions, PruneResult, execute_prune, forget, plan_prune
from strongroom.repository import Repository
from strongroom.repository.locks import RepositoryLock, Timing
from strongroom.snapshots import SnapshotView
from strongroom.testing.memory import MemoryBackend

AT_ONCE = Timing(settle=0)


THOROUGH = PruneOptions(max_unused=0, grace=timedelta(0))


Files = Mapping[bytes, bytes]


def make(backend: Backend | None = None) -> Repository:
    return Repository.init(backend or MemoryBackend(), PASSPHRASE, cost=CHEAP)


def save(repository: Repository, files: Files) -> Snapshot:
    entries = [Stream(name, lambda content=content: Pieces(content, [])) for name, content in files.items()]  # type: ignore[misc]
    return archive(repository, entries, ArchiveOptions(paths=["/edms"], lock_timing=AT_ONCE)).snapshot


def content(repository: Repository, snapshot: Snapshot) -> dict[bytes, bytes]:
    view = SnapshotView(repository, snapshot)
    found = {}
    for path, node in view.walk():
        if node.kind is NodeKind.FILE:
            with view.open(node) as stream:
                found[path] = b"".join(iter(lambda: stream.read(1 << 20), b""))
    return found


def contents(repository: Repository) -> dict[StorageId, dict[bytes, bytes]]:
    return {snapshot.id: content(repository, snapshot) for snapshot in repository.snapshots()}


def names(backend: Backend, kind: FileKind) -> set[StorageId]:
    return {stored.name for stored in backend.list_files(kind)}


def exclusive(repository: Repository) -> RepositoryLock:
    return repository.lock(exclusive=True, timing=AT_ONCE)


def forget_and_prune(
    repository: Repository, going: Iterable[Snapshot] = (), options: PruneOptions = THOROUGH
) -> PruneResult:
    with exclusive(repository) as lock:
        ids = [snapshot.id for snapshot in going]
        plan = plan_prune(repository, without=ids, options=options)
        assert forget(repository, ids, lock) == sorted(set(ids))
        return execute_prune(repository, plan, lock)


def history(repository: Repository, count: int, size: int = 3000) -> list[Snapshot]:
    """Back up a file that always exists, one that exists for two backups, and one for this backup only."""
    dice = random.Random(count)
    lasting: dict[bytes, bytes] = {}
    snapshots = []
    for number in range(count):
        fresh = {b"keep%d" % number: dice.randbytes(size), b"twice%d" % number: dice.randbytes(size)}
        snapshots.append(save(repository, {**lasting, **fresh, b"once": dice.randbytes(size)}))
        lasting.update(fresh)
        lasting.pop(b"twice%d" % (number - 1), None)
    return snapshots


def all_good(repository: Repository) -> None:
    report = check(repository, read_data=True)
    assert report.good, report.findings
