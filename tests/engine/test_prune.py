"""Prune frees the space of forgotten snapshots and loses nothing else; the stock restic is the reference."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.archiver import ArchiveOptions, archive
from strongroom.backends import LocalBackend
from strongroom.backends.base import CONFIG, Backend, FileHandle
from strongroom.checker import check
from strongroom.entries import Stream
from strongroom.errors import (
    AppendOnly,
    BackendError,
    Damaged,
    LockLost,
    PlanOutdated,
    RepositoryLocked,
    SnapshotProtected,
    UnsupportedRepository,
)
from strongroom.format.index import decode_index
from strongroom.format.references import decode_references
from strongroom.format.snapshot import Snapshot
from strongroom.format.tree import NodeKind
from strongroom.ids import BlobKind, FileKind, StorageId
from strongroom.prune import PruneOptions, PruneProgress, PruneResult, execute_prune, forget, plan_prune
from strongroom.repository import Index, Repository
from strongroom.repository.blob_writer import BlobWriter
from strongroom.repository.locks import RepositoryLock, Timing
from strongroom.snapshots import SnapshotView
from strongroom.testing.broken import SHELF, Broken, flip, node_text, only, pack_of, save_pack, save_tree
from strongroom.testing.faults import Fault, FaultyBackend
from strongroom.testing.memory import MemoryBackend

from .conftest import CHEAP, PASSPHRASE, Restic
from .test_backends import environment
from .test_format import Pieces

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


# Removed and kept packs


def test_prune_frees_forgotten_snapshots_and_keeps_the_rest() -> None:
    repository = make()
    snapshots = history(repository, 5)
    expected = contents(repository)
    going = [snapshots[0], snapshots[1], snapshots[3]]
    before = sum(stored.size for stored in repository.backend.list_files(FileKind.PACK))
    plan = plan_prune(repository, without=[snapshot.id for snapshot in going], options=THOROUGH)
    assert len(repository.snapshots()) == 5
    result = forget_and_prune(repository, going)
    after = sum(stored.size for stored in repository.backend.list_files(FileKind.PACK))
    assert result.freed_bytes == before - after
    # The plan does not count the headers of packs that are merged.
    assert 0 <= result.freed_bytes - plan.freed_bytes < 100 * len(plan.repack.names)
    assert plan.worth_it
    assert contents(repository) == {key: files for key, files in expected.items() if key not in {s.id for s in going}}
    assert check(repository, read_data=True).findings == []
    again = plan_prune(repository, options=THOROUGH)
    assert again.empty
    assert not again.worth_it
    assert (again.unused_blobs, again.unused_bytes, again.total_bytes) == (0, 0, after)
    assert again.used_bytes < after


def test_a_second_prune_does_nothing() -> None:
    repository = make()
    forget_and_prune(repository, history(repository, 4)[:2])
    assert isinstance(repository.backend, MemoryBackend)
    before = dict(repository.backend.files)
    assert forget_and_prune(repository) == PruneResult(0, 0, 0, 0, 0, 0)
    assert repository.backend.files == before


def test_a_plan_only_reads() -> None:
    repository = make()
    snapshots = history(repository, 4)
    watched = FaultyBackend(repository.backend)
    plan = plan_prune(Repository.open(watched, PASSPHRASE), without=[snapshots[0].id], options=THOROUGH)
    assert not plan.empty
    assert {operation.split()[0] for operation in watched.operations} <= {"list", "load", "load_range", "size"}


def test_prune_keeps_unused_space_within_the_limit() -> None:
    repository = make()
    going = [snapshot.id for snapshot in history(repository, 5)[:3]]
    plan = plan_prune(repository, without=going, options=PruneOptions(max_unused=10, grace=timedelta(0)))
    assert plan.repack.names == ()
    assert plan.unused_bytes > 0
    strict = plan_prune(repository, without=going, options=THOROUGH)
    between = plan_prune(
        repository,
        without=going,
        options=PruneOptions(max_unused=strict.repack_unused / strict.used_bytes * 0.9, grace=timedelta(0)),
    )
    # Packs with the most unused space come first, so one of them is enough.
    assert 0 < between.repack_unused < strict.repack_unused


def test_prune_keeps_young_packs() -> None:
    repository = make()
    snapshots = history(repository, 4)
    stray = save_pack(repository, [(BlobKind.DATA, b"left by a writer that broke off")], indexed=False)
    before = names(repository.backend, FileKind.PACK)
    result = forget_and_prune(repository, snapshots[:3], PruneOptions(max_unused=0))
    assert result == PruneResult(0, 0, 0, 0, 0, 0)
    assert names(repository.backend, FileKind.PACK) == before
    now = time.time()
    soon = plan_prune(repository, options=PruneOptions(max_unused=0), now=now + 86000)
    assert soon.empty
    assert stray in soon.young.names
    assert soon.young_until is not None
    assert now + 86_300 < soon.young_until <= now + 86_400
    later = plan_prune(repository, options=PruneOptions(max_unused=0), now=now + 86500)
    assert (later.young.names, later.young_until) == ((), None)
    assert later.unindexed.names == (stray,)
    assert later.freed_bytes == soon.young_unused
    # After a clock was turned back, files have future times; some storages have no times.
    assert plan_prune(repository, options=PruneOptions(), now=now - 1e9).empty
    assert isinstance(repository.backend, MemoryBackend)
    repository.backend.modified.clear()
    unknown = plan_prune(repository, options=PruneOptions(), now=now + 1e9)
    assert unknown.empty
    assert (len(unknown.young.names) > 0, unknown.young_until) == (True, None)
    assert not plan_prune(repository, options=THOROUGH).empty


def test_prune_removes_old_files_of_killed_writes(tmp_path: Path) -> None:
    repository = make(LocalBackend(tmp_path))
    snapshot = save(repository, {b"a": b"content"})
    pack = pack_of(repository, BlobKind.DATA).name
    left = tmp_path / "data" / pack[:2] / f"{pack}-tmp-0123456789abcdef"
    left.write_bytes(bytes(5_000_000))
    now = time.time()
    assert plan_prune(repository, now=now + 86_000).empty
    plan = plan_prune(repository, now=now + 86_500)
    assert (plan.empty, plan.worth_it, plan.freed_bytes) == (False, True, 5_000_000)
    assert forget_and_prune(repository).freed_bytes == 5_000_000
    assert not left.exists()
    assert content(repository, snapshot) == {b"a": b"content"}
    all_good(repository)


def test_prune_merges_ten_small_packs_of_a_kind() -> None:
    repository = make()
    for number in range(9):
        save(repository, {b"file": os.urandom(1000), b"number": b"%d" % number})
    assert plan_prune(repository, options=THOROUGH).empty
    save(repository, {b"file": os.urandom(1000)})
    expected = contents(repository)
    result = forget_and_prune(repository)
    assert (result.packs_repacked, result.packs_written) == (20, 2)
    assert contents(repository) == expected
    assert len(names(repository.backend, FileKind.INDEX)) == 1
    assert plan_prune(repository, options=THOROUGH).empty


def test_prune_repacks_mixed_packs_and_uncompressed_trees() -> None:
    repository = make()
    data = os.urandom(2000)
    tree = '{"nodes":[' + node_text("a", rest=f'"size":2000,"content":["{blob_of(data)}"]') + "]}\n"
    save_pack(repository, [(BlobKind.TREE, tree.encode()), (BlobKind.DATA, data)])
    snapshot = save_tree(repository, tree.encode())
    lone = save_tree(repository, b'{"nodes":[]}\n')
    save_pack(repository, [(BlobKind.TREE, b'{"nodes":[]}\n')])
    result = forget_and_prune(repository, options=PruneOptions(max_unused=10, grace=timedelta(0)))
    assert result.packs_written == 2
    assert content(repository, snapshot) == {b"a": data}
    assert content(repository, lone) == {}
    index = repository.load_index()
    for kind in BlobKind:
        assert {blob.kind for _, places in index.blobs() for _, blob in places if blob.kind is kind} == {kind}
    assert all(blob.plain_length for _, places in index.blobs() for _, blob in places if blob.kind is BlobKind.TREE)
    assert plan_prune(repository, options=THOROUGH).empty
    all_good(repository)


def blob_of(plaintext: bytes) -> str:
    import hashlib

    return hashlib.sha256(plaintext).hexdigest()


def test_prune_keeps_one_of_several_copies() -> None:
    repository = make()
    snapshots = history(repository, 3)
    expected = contents(repository)
    # A second writer without the first one's index: all is stored again, some of it twice in one pack.
    blobs = [
        (blob.kind, plain(repository, blob.kind, blob.id))
        for _, places in repository.load_index().blobs()
        for _, blob in places
    ]
    with BlobWriter(repository, Index()) as writer:
        for kind, plaintext in blobs:
            writer.store(kind, plaintext)
    data = [blob for blob in blobs if blob[0] is BlobKind.DATA]
    save_pack(repository, data[:3] + data[:2])
    plan = plan_prune(repository, options=THOROUGH)
    assert plan.unused_blobs == len(blobs) + 5
    forget_and_prune(repository, snapshots[:1])
    assert contents(repository) == {key: expected[key] for key in (snapshots[1].id, snapshots[2].id)}
    assert all(len(places) == 1 for _, places in repository.load_index().blobs())
    all_good(repository)


def plain(repository: Repository, kind: BlobKind, identity: object) -> bytes:
    view = SnapshotView(repository, repository.snapshots()[0])
    return view.reader.read(kind, identity)  # type: ignore[arg-type]


def test_prune_keeps_a_good_copy_of_a_damaged_blob() -> None:
    repository = make()
    assert isinstance(repository.backend, MemoryBackend)
    snapshot = save(repository, {b"a": os.urandom(3000), b"b": os.urandom(3000)})
    expected = content(repository, snapshot)
    first = pack_of(repository, BlobKind.DATA)
    save_pack(repository, [(BlobKind.DATA, data) for data in expected.values()])
    plan = plan_prune(repository, options=THOROUGH)
    (going,) = plan.remove.names
    staying = next(name for name, _ in plan.keepers.values())
    assert {going, staying} >= {first.name}
    flip(repository.backend, FileHandle(FileKind.PACK, staying), 100)
    before = dict(repository.backend.files)
    with pytest.raises(Damaged, match=staying):
        forget_and_prune(repository)
    assert repository.backend.files == before


def test_prune_removes_lost_unneeded_packs_from_the_index() -> None:
    repository = make()
    snapshot = save(repository, {b"a": os.urandom(3000)})
    lost = save_pack(repository, [(BlobKind.DATA, b"not needed")])
    repository.backend.remove(FileHandle(FileKind.PACK, lost))
    assert {finding.code for finding in check(repository).findings} == {"pack-missing"}
    assert plan_prune(repository, options=THOROUGH).lost == (lost,)
    forget_and_prune(repository)
    assert check(repository, read_data=True).findings == []
    assert len(content(repository, snapshot)) == 1


def test_packs_marked_by_rustic_count_as_in_no_index() -> None:
    repository = make()
    snapshot = save(repository, {b"a": os.urandom(3000)})
    doomed = save_pack(repository, [(BlobKind.DATA, b"marked")], indexed=False)
    mark = f'{{"packs":[],"packs_to_delete":[{{"id":"{doomed}","time":"2026-01-01T00:00:00Z","blobs":[]}}]}}'
    repository.save_file(FileKind.INDEX, mark.encode())
    assert plan_prune(repository, options=THOROUGH).unindexed.names == (doomed,)
    forget_and_prune(repository)
    assert doomed not in names(repository.backend, FileKind.PACK)
    assert len(content(repository, snapshot)) == 1
    all_good(repository)


def test_prune_reads_large_packs_in_ranges() -> None:
    repository = make()
    dice = random.Random(3)
    files = {b"%02d" % number: dice.randbytes(1_500_000) for number in range(16)}
    first = save(repository, files)
    kept = {name: files[name] for name in (b"00", b"01", b"05", b"06", b"07", b"08", b"09", b"10", b"11", b"15")}
    second = save(repository, kept)
    told: list[PruneProgress] = []
    with exclusive(repository) as lock:
        plan = plan_prune(repository, without=[first.id], options=THOROUGH, progress=told.append)
        forget(repository, [first.id], lock)
        execute_prune(repository, plan, lock, progress=told.append)
    assert content(repository, second) == kept
    assert {at.doing for at in told} <= {"reading folders", "rewriting packs", "deleting"}
    assert told
    all_good(repository)


def test_large_index_files_are_split_and_kept_if_unchanged() -> None:
    repository = make()
    with BlobWriter(repository, repository.load_index()) as writer:
        root = writer.store(BlobKind.TREE, b'{"nodes":[]}\n')
        for number in range(12_500):
            writer.store(BlobKind.DATA, b"%d" % number)
    lines = ",".join(f'"{blob_of(b"%d" % number)}"' for number in range(12_500))
    size = sum(len(b"%d" % number) for number in range(12_500))
    tree = '{"nodes":[' + node_text("a", rest=f'"size":{size},"content":[{lines}]') + "]}\n"
    large = names(repository.backend, FileKind.INDEX)
    with BlobWriter(repository, repository.load_index()) as writer:
        whole = writer.store(BlobKind.TREE, tree.encode())
    for tree_id in (root, whole):
        repository.save_snapshot(Snapshot(time_ns=0, tree=tree_id, paths=("/a",)))
    gone = save_pack(repository, [(BlobKind.DATA, b"not needed")])
    result = forget_and_prune(repository)
    assert gone not in names(repository.backend, FileKind.PACK)
    assert (result.indexes_removed, result.indexes_written) == (2, 1)
    assert large <= names(repository.backend, FileKind.INDEX)
    all_good(repository)


# Refused plans


def test_a_running_backup_excludes_prune() -> None:
    repository = make()
    tried = []

    def open_stream() -> Pieces:
        with pytest.raises(RepositoryLocked), exclusive(repository):
            pass
        tried.append(True)
        return Pieces(b"content", [])

    archive(repository, [Stream(b"a", open_stream)], ArchiveOptions(paths=["/a"], lock_timing=AT_ONCE))
    assert tried


def test_prune_executes_only_a_plan_of_the_held_lock() -> None:
    repository = make()
    snapshots = history(repository, 3)
    early = plan_prune(repository, options=THOROUGH)
    with exclusive(repository) as lock:
        with pytest.raises(PlanOutdated, match="under the lock"):
            execute_prune(repository, early, lock)
        plan = plan_prune(repository, without=[snapshots[0].id], options=THOROUGH)
        with pytest.raises(PlanOutdated, match="still exist"):
            execute_prune(repository, plan, lock)
        forget(repository, [snapshots[0].id], lock)
        repository.save_snapshot(Snapshot(time_ns=1, tree=snapshots[1].tree, paths=("/other",)))
        with pytest.raises(PlanOutdated, match="has changed"):
            execute_prune(repository, plan, lock)
        plan = plan_prune(repository, options=THOROUGH)
        execute_prune(repository, plan, lock)
        with pytest.raises(PlanOutdated, match="has changed"):
            execute_prune(repository, plan, lock)
    with pytest.raises(LockLost, match="released"):
        execute_prune(repository, plan, lock)
    all_good(repository)


def test_a_lock_must_be_exclusive_and_of_this_repository() -> None:
    repository, other = make(), make()
    snapshot = history(repository, 1)[0]
    with repository.lock(timing=AT_ONCE) as shared, exclusive(other) as elsewhere:
        plan = plan_prune(repository)
        for lock in (shared, elsewhere):
            with pytest.raises(ValueError, match="exclusive lock"):
                execute_prune(repository, plan, lock)
            with pytest.raises(ValueError, match="exclusive lock"):
                forget(repository, [snapshot.id], lock)
    assert len(repository.snapshots()) == 1


def test_a_lost_lock_stops_prune_before_the_next_removal() -> None:
    repository = make()
    snapshots = history(repository, 3)
    with repository.lock(exclusive=True, timing=Timing(settle=0, refresh=3600, expire=3)) as lock:
        plan = plan_prune(repository, without=[snapshots[0].id], options=THOROUGH)
        forget(repository, [snapshots[0].id], lock)
        before = names(repository.backend, FileKind.PACK)
        lock._renewed -= 10
        with pytest.raises(LockLost):
            execute_prune(repository, plan, lock)
        with pytest.raises(LockLost):
            forget(repository, [snapshots[1].id], lock)
    assert names(repository.backend, FileKind.PACK) >= before
    assert len(repository.snapshots()) == 2


def test_forget_is_idempotent() -> None:
    repository = make()
    one, two = history(repository, 2)
    with exclusive(repository) as lock:
        assert forget(repository, [one.id, one.id], lock) == [one.id]
        assert forget(repository, [one.id], lock) == []
    assert [snapshot.id for snapshot in repository.snapshots()] == [two.id]
    assert content(repository, two)


def test_an_unreadable_snapshot_can_be_forgotten_by_id() -> None:
    repository = make()
    assert isinstance(repository.backend, MemoryBackend)
    history(repository, 2)
    bad = only(repository.backend, FileKind.SNAPSHOT)
    flip(repository.backend, bad, 30)
    with pytest.raises(Damaged, match=bad.name):
        plan_prune(repository)
    forget_damaged = StorageId(bad.name)
    with exclusive(repository) as lock:
        assert forget(repository, [forget_damaged], lock) == [forget_damaged]
    forget_and_prune(repository)
    all_good(repository)


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ('"Never"', "for ever"),
        ('{"After":"2100-01-01T00:00:00Z"}', "until 2100-01-01T00:00:00Z"),
        ('{"Sometime":1}', "for ever"),
        ('{"After":"2000-01-01T00:00:00Z"}', ""),
        ('"NotSet"', ""),
    ],
)
def test_snapshots_protected_by_rustic_are_kept(mark: str, words: str) -> None:
    repository = make()
    snapshots = history(repository, 2)
    text = repository.load_file(FileKind.SNAPSHOT, snapshots[0].id)
    marked = repository.save_file(FileKind.SNAPSHOT, text[:-1] + b',"delete":' + mark.encode() + b"}")
    with exclusive(repository) as lock:
        if words:
            with pytest.raises(SnapshotProtected, match=words):
                forget(repository, [snapshots[1].id, marked], lock)
            assert len(repository.snapshots()) == 3
        else:
            assert forget(repository, [marked], lock) == [marked]


def with_config(repository: Repository, text: str) -> Repository:
    repository.backend.remove(CONFIG)
    sealed = repository.master.seal(text.replace("ID", repository.id).encode())
    repository.backend.save(CONFIG, [sealed])
    return Repository.open(repository.backend, PASSPHRASE)


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ('{"version":2,"id":"ID","chunker_polynomial":"25b468838dcb75","append_only":true}', AppendOnly),
        ('{"version":1,"id":"ID","chunker_polynomial":"25b468838dcb75"}', UnsupportedRepository),
    ],
)
def test_append_only_and_version_1_repositories_are_not_pruned(config: str, error: type[Exception]) -> None:
    repository = make()
    snapshot = history(repository, 1)[0]
    marked = with_config(repository, config)
    with exclusive(repository) as lock:
        plan = plan_prune(repository, options=THOROUGH)
        for attempt in (
            lambda: plan_prune(marked),
            lambda: forget(marked, [snapshot.id], lock),
            lambda: execute_prune(marked, plan, lock),
        ):
            with pytest.raises(error):
                attempt()


def test_a_hot_repository_is_not_even_opened() -> None:
    with pytest.raises(UnsupportedRepository, match="hot"):
        with_config(make(), '{"version":2,"id":"ID","chunker_polynomial":"25b468838dcb75","is_hot":true}')


def test_prune_refuses_a_repository_without_snapshots() -> None:
    repository = make()
    assert plan_prune(repository, options=THOROUGH).empty
    snapshots = history(repository, 2)
    for snapshot in snapshots:
        repository.backend.remove(FileHandle(FileKind.SNAPSHOT, snapshot.id))
    with pytest.raises(Damaged, match="no snapshot"):
        plan_prune(repository, options=THOROUGH)
    again = save(repository, {b"a": b"a"})
    forget_and_prune(repository, [again])
    assert list(repository.backend.list_files(FileKind.PACK)) == []


@pytest.mark.parametrize("wrong", [{"max_unused": -0.1}, {"max_unused": float("nan")}, {"grace": timedelta(-1)}])
def test_negative_options_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="negative"):
        PruneOptions(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("broken", SHELF, ids=lambda broken: broken.name.replace(" ", "-"))
def test_prune_does_not_damage_a_broken_repository_further(broken: Broken) -> None:
    """Either prune refuses and changes nothing, or all content that was readable before is readable after."""
    repository = make()
    assert isinstance(repository.backend, MemoryBackend)
    repository.add_key("another", cost=CHEAP)
    good = save(repository, {b"a": b"first", b"b": os.urandom(50_000), b"c": b""})
    expected = content(repository, good)
    broken.damage(repository, repository.backend)
    before = repository.backend.copy()
    readable = legible(repository, good)
    assert not broken.restorable or readable == expected or broken.name.startswith(("index", "bit flipped in the"))
    try:
        forget_and_prune(repository)
    except Damaged:
        repository.backend.modified = before.modified
        assert repository.backend.files == before.files
    assert legible(repository, good) == readable
    must_refuse = {
        "pack-missing",
        "index-damaged",
        "index-disagrees",
        "snapshot-damaged",
        "blob-missing",
    } & broken.codes
    if must_refuse and broken.name != "index names a pack that never was":
        with pytest.raises(Damaged):
            plan_prune(repository, options=THOROUGH)


def legible(repository: Repository, snapshot: Snapshot) -> dict[bytes, bytes] | str:
    try:
        return content(repository, snapshot)
    except Damaged:
        return "damaged"


def test_prune_names_a_truncated_pack_that_is_needed() -> None:
    repository = make()
    assert isinstance(repository.backend, MemoryBackend)
    history(repository, 1)
    pack = pack_of(repository, BlobKind.DATA)
    repository.backend.files[pack] = repository.backend.files[pack][:-1]
    with pytest.raises(Damaged, match=f"{pack.name} has .* bytes instead"):
        plan_prune(repository)


def test_damage_found_while_repacking_stops_prune() -> None:
    repository = make()
    assert isinstance(repository.backend, MemoryBackend)
    snapshots = history(repository, 3)
    plan = plan_prune(repository, without=[snapshots[0].id], options=THOROUGH)
    index = repository.load_index()
    pack, blob = next(
        place for _, places in index.blobs() for place in places if place[0] in plan.repack.names and plan.keeps(*place)
    )
    flip(repository.backend, FileHandle(FileKind.PACK, pack), blob.offset + 20)
    packs = names(repository.backend, FileKind.PACK)
    with pytest.raises(Damaged, match=f"{pack} is damaged"):
        forget_and_prune(repository, snapshots[:1])
    assert names(repository.backend, FileKind.PACK) >= packs


def test_references_are_found_on_nodes_of_any_kind() -> None:
    data, subtree = "11" * 32, "22" * 32
    text = f'{{"nodes":[{{"type":"new","content":["{data}"]}},{{"type":"dir","subtree":"{subtree}","content":null}}]}}'
    references = decode_references(text.encode())
    assert ([blob.hex() for blob in references.content], [blob.hex() for blob in references.subtrees]) == (
        [data],
        [subtree],
    )
    for wrong in ('{"nodes":[{"type":"dir"}]}', '{"nodes":[{"content":["zz"]}]}', "{}", "nonsense"):
        with pytest.raises(Damaged):
            decode_references(wrong.encode())


# Crashes


def dump(backend: MemoryBackend, place: Path) -> None:
    """Write the files of a backend into a folder, without stale locks."""
    target = LocalBackend(place)
    target.create()
    for handle, data in backend.files.items():
        if handle.kind is not FileKind.LOCK:
            target.save(handle, [data])


def bury(backend: MemoryBackend) -> None:
    """Make the locks look like those of a dead process."""
    for handle in [handle for handle in backend.files if handle.kind is FileKind.LOCK]:
        backend.remove(handle)


def prepared() -> tuple[MemoryBackend, list[Snapshot], dict[StorageId, dict[bytes, bytes]]]:
    """Create a repository with work for every step of a prune. Return it with the snapshots to forget."""
    repository = make()
    assert isinstance(repository.backend, MemoryBackend)
    snapshots = history(repository, 4)
    save_pack(repository, [(BlobKind.DATA, content(repository, snapshots[3])[b"once"])])
    save_pack(repository, [(BlobKind.DATA, b"left by a writer that broke off")], indexed=False)
    return repository.backend, [snapshots[0], snapshots[2]], contents(repository)


@pytest.mark.restic
@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
def test_a_crash_at_any_storage_operation_loses_nothing(after_effect: bool, restic: Restic, tmp_path: Path) -> None:
    backend, going, expected = prepared()
    counting = FaultyBackend(backend.copy())
    forget_and_prune(Repository.open(counting, PASSPHRASE), going)
    assert len(counting.operations) > 60
    steps = [step for step in counting.operations if not step.startswith(("load", "list", "size"))]
    assert {" ".join(step.split("/")[0].split()) for step in steps} == {
        "save locks",
        "save data",
        "save index",
        "remove index",
        "remove data",
        "remove snapshots",
        "remove locks",
    }
    for number, operation in enumerate(counting.operations):
        crashed = backend.copy()
        faulty = FaultyBackend(crashed, Fault(at=number, after_effect=after_effect))
        with pytest.raises((BackendError, Damaged)):
            forget_and_prune(Repository.open(faulty, PASSPHRASE), going)
        bury(crashed)
        repository = Repository.open(crashed, PASSPHRASE)
        left = contents(repository)
        assert set(expected) - {snapshot.id for snapshot in going} <= set(left), operation
        assert left == {key: expected[key] for key in left}, operation
        all_good(repository)
        # The state before an effect equals the state after the previous one; restic checks each state once.
        if after_effect and operation.startswith(("save", "remove")) and " locks/" not in operation:
            restic.repository = tmp_path / f"crash-{number}"
            dump(crashed, restic.repository)
            restic.check()
        # The next prune finishes the work.
        remaining = [snapshot for snapshot in going if snapshot.id in left]
        forget_and_prune(repository, remaining)
        assert plan_prune(repository, options=THOROUGH).empty, operation
        assert plan_prune(repository, options=THOROUGH).unused_bytes == 0
        left = contents(repository)
        assert left == {key: files for key, files in expected.items() if key not in {s.id for s in going}}
        assert check(repository, read_data=True).findings == [], operation


def test_a_temporary_failure_leaves_no_lock() -> None:
    backend, going, expected = prepared()
    counting = FaultyBackend(backend.copy())
    forget_and_prune(Repository.open(counting, PASSPHRASE), going)
    for number, operation in enumerate(counting.operations):
        if operation.startswith(("save", "remove")) and " locks/" not in operation:
            once = backend.copy()
            faulty = FaultyBackend(once, Fault(at=number, fatal=False))
            with pytest.raises(BackendError):
                forget_and_prune(Repository.open(faulty, PASSPHRASE), going)
            assert list(once.list_files(FileKind.LOCK)) == []
            left = contents(Repository.open(once, PASSPHRASE))
            assert left == {key: expected[key] for key in left}


def test_prune_after_a_crash_keeps_the_new_packs() -> None:
    backend, going, expected = prepared()
    for handle in backend.modified:
        backend.modified[handle] -= 2 * 86400
    daily = PruneOptions(max_unused=0)
    counting = FaultyBackend(backend.copy())
    forget_and_prune(Repository.open(counting, PASSPHRASE), going, daily)
    for number, operation in enumerate(counting.operations):
        if operation.startswith(("save", "remove")):
            crashed = backend.copy()
            with pytest.raises(BackendError):
                forget_and_prune(Repository.open(FaultyBackend(crashed, Fault(number)), PASSPHRASE), going, daily)
            bury(crashed)
            repository = Repository.open(crashed, PASSPHRASE)
            there = {snapshot.id for snapshot in repository.snapshots()}
            forget_and_prune(repository, [snapshot for snapshot in going if snapshot.id in there], daily)
            assert contents(repository) == {key: expected[key] for key in expected if key not in {s.id for s in going}}
            all_good(repository)
            assert plan_prune(repository, options=daily).empty
            # Packs that were not indexed before the crash wait for their grace period; nothing else is left.
            assert plan_prune(repository, options=daily).unused_bytes == 0
            forget_and_prune(repository)
            assert check(repository).findings == []


@settings(max_examples=15)
@given(st.data())
def test_any_history_with_crashes_keeps_unforgotten_snapshots(data: st.DataObject) -> None:
    backend = MemoryBackend()
    make(backend)
    expected: dict[StorageId, dict[bytes, bytes]] = {}
    dice = random.Random(data.draw(st.integers(0, 99)))
    pool = [dice.randbytes(dice.choice([10, 1000, 3000])) for _ in range(12)]
    for _ in range(data.draw(st.integers(2, 8))):
        repository = Repository.open(backend, PASSPHRASE)
        action = data.draw(st.sampled_from(["backup", "backup", "prune", "crash"]))
        if action == "backup":
            files = {b"%d" % number: dice.choice(pool) for number in range(dice.randrange(6))}
            if not files:
                continue
            snapshot = save(repository, files)
            expected[snapshot.id] = files
            continue
        going = data.draw(st.sets(st.sampled_from(sorted(expected)))) if expected else set()
        if going == set(expected):
            continue
        options = PruneOptions(max_unused=data.draw(st.sampled_from([0, 0.05, 1])), grace=timedelta(0))
        snapshots = [repository.load_snapshot(key) for key in sorted(going)]
        if action == "prune":
            forget_and_prune(repository, snapshots, options)
        else:
            faulty = FaultyBackend(backend, Fault(data.draw(st.integers(0, 90)), data.draw(st.booleans())))
            with contextlib.suppress(BackendError, Damaged):
                forget_and_prune(Repository.open(faulty, PASSPHRASE), snapshots, options)
            bury(backend)
        left = {snapshot.id for snapshot in repository.snapshots()}
        assert left >= set(expected) - going
        expected = {key: expected[key] for key in left}
        assert contents(repository) == expected
        all_good(repository)


PRUNE = """
import sys
from strongroom.cli import main
sys.exit(main(["prune", "--repo", sys.argv[1], "--json", "--max-unused", "0", "--grace-hours", "0"]))
"""


@pytest.mark.restic
@pytest.mark.slow
def test_a_killed_process_loses_nothing(repository: Repository, restic: Restic, store: Path, tmp_path: Path) -> None:
    dice = random.Random(5)
    files = {b"%03d" % number: dice.randbytes(400_000) for number in range(60)}
    first = save(repository, files)
    kept = {name: data for number, (name, data) in enumerate(files.items()) if number % 3}
    second = save(repository, kept)
    with exclusive(repository) as lock:
        forget(repository, [first.id], lock)
    variables = {**environment(), "BACKUP_PASSWORD": PASSPHRASE}
    killed, seconds = 0, 0.0
    for attempt in range(6):
        restic.repository = tmp_path / f"copy{attempt}"
        shutil.copytree(store, restic.repository)
        command = [sys.executable, "-c", PRUNE, str(restic.repository)]
        child = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL)
        while child.poll() is None and not any((restic.repository / "locks").iterdir()):
            time.sleep(0.005)
        locked = time.monotonic()
        if attempt:
            # The lock is held from 0.2 seconds after it appears.
            time.sleep(dice.uniform(0.2, seconds))
            child.send_signal(signal.SIGKILL)
            killed += child.wait() == -signal.SIGKILL
        else:
            # The duration without a kill.
            assert child.wait() == 0
            seconds = time.monotonic() - locked
        copy = Repository.open(LocalBackend(restic.repository), PASSPHRASE)
        all_good(copy)
        restic.run("unlock")
        restic.check()
        done = subprocess.run(command, check=False, env=variables, capture_output=True)
        assert done.returncode == 0, done.stderr
        assert content(copy, second) == kept
        assert plan_prune(copy, options=THOROUGH).unused_bytes == 0
        restic.check()
        shutil.rmtree(restic.repository)
    assert killed > 0


# Beside the stock restic


@pytest.mark.restic
def test_restic_and_strongroom_prune_each_others_repositories(restic: Restic, store: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    restic.run("init", "--repository-version", "2")
    dice = random.Random(9)
    for number in range(4):
        for name in ("a", "b", f"c{number}"):
            (source / name).write_bytes(dice.randbytes(300_000))
        restic.run("backup", str(source))
    repository = Repository.open(LocalBackend(store), PASSPHRASE)
    snapshots = repository.snapshots()
    expected = contents(repository)
    result = forget_and_prune(repository, snapshots[:2])
    assert result.freed_bytes > 600_000
    restic.check()
    for snapshot in snapshots[2:]:
        assert content(repository, snapshot) == expected[snapshot.id]
    # Neither restic nor strongroom finds work after the other one.
    packs = names(repository.backend, FileKind.PACK)
    restic.run("prune", "--max-unused", "0")
    assert names(repository.backend, FileKind.PACK) == packs
    save(repository, {b"ours": dice.randbytes(50_000)})
    restic.run("forget", "--prune", "--max-unused", "0", snapshots[2].id)
    assert plan_prune(repository, options=THOROUGH).empty
    assert content(repository, snapshots[3]) == expected[snapshots[3].id]
    all_good(repository)


def test_new_index_files_list_every_pack_once() -> None:
    repository = make()
    forget_and_prune(repository, history(repository, 6)[:3])
    listed = [
        pack
        for stored in repository.backend.list_files(FileKind.INDEX)
        for pack, _ in decode_index(repository.load_file(FileKind.INDEX, stored.name))
    ]
    assert sorted(listed) == sorted(names(repository.backend, FileKind.PACK))
