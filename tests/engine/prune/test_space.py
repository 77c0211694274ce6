"""Prune frees the space of forgotten snapshots and keeps the rest."""

import os
import random
import time
from datetime import timedelta
from pathlib import Path

import pytest
from tests.engine.testing.histories import (
    THOROUGH,
    all_good,
    content,
    contents,
    exclusive,
    forget_and_prune,
    history,
    make,
    names,
    save,
)
from tests.engine.testing.restic import PASSPHRASE

from strongroom.backends import LocalBackend
from strongroom.backends.base import FileHandle
from strongroom.checker import check
from strongroom.errors import (
    Damaged,
)
from strongroom.format.snapshot import Snapshot
from strongroom.ids import BlobKind, FileKind
from strongroom.prune import PruneOptions, PruneProgress, PruneResult, execute_prune, forget, plan_prune
from strongroom.repository import Index, Repository
from strongroom.repository.blob_writer import BlobWriter
from strongroom.snapshots import SnapshotView
from strongroom.testing.broken import flip, node_text, pack_of, save_pack, save_tree
from strongroom.testing.faults import FaultyBackend
from strongroom.testing.memory import MemoryBackend


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
