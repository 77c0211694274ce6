"""Repair keeps intact content and names lost content; the stock restic accepts the result."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.engine.testing.restic import CHEAP, PASSPHRASE, Restic

from strongroom.archiver import ArchiveOptions, archive
from strongroom.backends import LocalBackend
from strongroom.backends.base import Backend, FileHandle
from strongroom.checker import check, verify_snapshot
from strongroom.cli import main
from strongroom.entries import OnDisk
from strongroom.errors import BackendError, Damaged
from strongroom.ids import BlobKind, FileKind, StorageId
from strongroom.prune import PruneOptions, execute_prune, plan_prune
from strongroom.repair import plan_index, plan_packs, plan_snapshots, repair_index, repair_packs, repair_snapshots
from strongroom.repository import Repository
from strongroom.repository.locks import Timing
from strongroom.restorer import restore
from strongroom.testing.broken import flip, only, pack_of
from strongroom.testing.faults import Fault, FaultyBackend
from strongroom.testing.memory import MemoryBackend
from strongroom.testing.trees import File, build, look

AT_ONCE = Timing(settle=0)


def save(repository: Repository, place: Path) -> StorageId:
    options = ArchiveOptions(paths=["/edms"], lock_timing=AT_ONCE)
    return archive(repository, [OnDisk(b"files", os.fsencode(place))], options).snapshot.id


def two_snapshots(backend: Backend, source: Path) -> list[StorageId]:
    """Store an older snapshot, and one of a tree that has changed since."""
    repository = Repository.init(backend, PASSPHRASE, cost=CHEAP)
    build(source, {b"a": File(os.urandom(3000)), b"sub": {b"b": File(os.urandom(5000)), b"c": {b"d": File(b"d" * 99)}}})
    first = save(repository, source)
    (source / "a").write_bytes(os.urandom(2000))
    return [first, save(repository, source)]


def to_disk(backend: MemoryBackend, place: Path) -> None:
    local = LocalBackend(place)
    local.create()
    for handle, data in backend.files.items():
        if handle.kind is not FileKind.LOCK:
            local.save(handle, [data])


def repair_everything(repository: Repository, *, forget: bool) -> None:
    with repository.lock(exclusive=True, timing=AT_ONCE) as lock:
        repair_index(repository, plan_index(repository), lock)
        repair_packs(repository, plan_packs(repository), lock)
        repair_snapshots(repository, plan_snapshots(repository), lock, forget=forget)


def flip_blob(repository: Repository, backend: MemoryBackend) -> None:
    flip(backend, pack_of(repository, BlobKind.DATA), 40)


def cut_pack(repository: Repository, backend: MemoryBackend) -> None:
    handle = pack_of(repository, BlobKind.DATA)
    backend.files[handle] = backend.files[handle][:3500]


def lose_trees(repository: Repository, backend: MemoryBackend) -> None:
    del backend.files[pack_of(repository, BlobKind.TREE)]


def flip_index(_: Repository, backend: MemoryBackend) -> None:
    flip(backend, only(backend, FileKind.INDEX), 60)


def lose_index(_: Repository, backend: MemoryBackend) -> None:
    del backend.files[only(backend, FileKind.INDEX)]


def cut_snapshot(_: Repository, backend: MemoryBackend) -> None:
    handle = only(backend, FileKind.SNAPSHOT)
    backend.files[handle] = backend.files[handle][:50]


DAMAGES = [flip_blob, cut_pack, lose_trees, flip_index, lose_index, cut_snapshot]


@pytest.mark.parametrize("damage", DAMAGES)
def test_restic_check_accepts_a_repaired_repository(
    damage: Callable[[Repository, MemoryBackend], None], store: Path, restic: Restic, tmp_path: Path
) -> None:
    backend, source = MemoryBackend(), tmp_path / "source"
    two_snapshots(backend, source)
    damage(Repository.open(backend, PASSPHRASE), backend)
    assert not check(Repository.open(backend, PASSPHRASE), read_data=True).good
    to_disk(backend, store)
    repository = Repository.open(LocalBackend(store), PASSPHRASE)
    repair_everything(repository, forget=True)
    report = check(repository, read_data=True)
    assert report.good, report.findings
    restic.check()
    # The next backup stores the lost content again.
    again = repository.load_snapshot(save(repository, source))
    assert restore(repository, again, tmp_path / "target", subtree=b"files").damaged == []
    assert look(tmp_path / "target") == look(source)
    restic.check()


def test_repair_packs_saves_intact_blobs(tmp_path: Path) -> None:
    backend = MemoryBackend()
    two_snapshots(backend, tmp_path / "source")
    repository = Repository.open(backend, PASSPHRASE)
    flip_blob(repository, backend)
    pack = StorageId(pack_of(repository, BlobKind.DATA).name)
    with repository.lock(exclusive=True, timing=AT_ONCE) as lock:
        plan = plan_packs(repository, [pack])
        assert plan.packs == (pack,)
        assert (plan.saved_blobs, len(plan.lost)) == (2, 1)
        repair_packs(repository, plan, lock)
    # Only the content of one blob is lost; the other snapshot does not need it or lacks the same file.
    lost = {one.snapshot.id: one.lost for one in plan_snapshots(repository).damaged}
    assert {path for paths in lost.values() for path in paths} <= {b"files/a", b"files/sub/b", b"files/sub/c/d"}
    assert all(len(paths) == 1 for paths in lost.values())
    assert FileHandle(FileKind.PACK, pack) not in backend.files


def test_repair_packs_keeps_an_intact_pack(tmp_path: Path) -> None:
    backend = MemoryBackend()
    two_snapshots(backend, tmp_path / "source")
    repository = Repository.open(backend, PASSPHRASE)
    pack = StorageId(pack_of(repository, BlobKind.DATA).name)
    before = dict(backend.files)
    with repository.lock(exclusive=True, timing=AT_ONCE) as lock:
        plan = plan_packs(repository, [pack])
        assert (plan.whole, plan.packs) == ((pack,), ())
        repair_packs(repository, plan, lock)
    assert {handle for handle in backend.files if handle.kind is not FileKind.LOCK} == set(before)


def test_repair_snapshots_keeps_originals_without_forget(tmp_path: Path) -> None:
    backend = MemoryBackend()
    olds = two_snapshots(backend, tmp_path / "source")
    repository = Repository.open(backend, PASSPHRASE)
    del backend.files[pack_of(repository, BlobKind.DATA)]
    repair_everything(repository, forget=False)
    new = [one for one in repository.snapshots() if one.id not in olds]
    assert all("repaired" in one.tags and one.original in olds for one in new)
    assert new
    assert all(verify_snapshot(repository, one).good for one in new)
    # A second repair writes nothing new.
    repair_everything(repository, forget=False)
    assert len(repository.snapshots()) == len(olds) + len(new)
    repair_everything(repository, forget=True)
    assert all(verify_snapshot(repository, one).good for one in repository.snapshots())


def test_prune_removes_nothing_while_a_snapshot_is_unreadable(tmp_path: Path) -> None:
    backend = MemoryBackend()
    two_snapshots(backend, tmp_path / "source")
    repository = Repository.open(backend, PASSPHRASE)
    cut_snapshot(repository, backend)
    with pytest.raises(Damaged, match="repair snapshots --forget"):
        plan_prune(repository)
    repair_everything(repository, forget=True)
    with repository.lock(exclusive=True, timing=AT_ONCE) as lock:
        execute_prune(repository, plan_prune(repository, options=PruneOptions(max_unused=0)), lock)
    assert check(repository, read_data=True).good


@pytest.mark.parametrize("damage", [flip_blob, lose_trees, lose_index])
@pytest.mark.parametrize("after_effect", [False, True])
def test_a_killed_repair_loses_nothing(
    damage: Callable[[Repository, MemoryBackend], None], after_effect: bool, tmp_path: Path
) -> None:
    backend = MemoryBackend()
    two_snapshots(backend, tmp_path / "source")
    damage(Repository.open(backend, PASSPHRASE), backend)
    counting = FaultyBackend(backend.copy())
    repair_everything(Repository.open(counting, PASSPHRASE), forget=True)
    restorable = content(counting.inner)
    writes = [number for number, one in enumerate(counting.operations) if one.startswith(("save", "remove"))]
    assert len(writes) >= 4
    for number in writes:
        crashed = backend.copy()
        with pytest.raises(BackendError):
            repair_everything(
                Repository.open(FaultyBackend(crashed, Fault(number, after_effect)), PASSPHRASE), forget=True
            )
        # The lock's process is this one, which still lives, so its lock is removed here.
        for handle in [handle for handle in crashed.files if handle.kind is FileKind.LOCK]:
            crashed.remove(handle)
        repair_everything(Repository.open(crashed, PASSPHRASE), forget=True)
        assert content(crashed) == restorable, (number, counting.operations[number])
        assert check(Repository.open(crashed, PASSPHRASE), read_data=True).good


def content(backend: Backend) -> set[tuple[int, str]]:
    """Return the content of all snapshots, without their ids."""
    return {(one.time_ns, one.tree.hex()) for one in Repository.open(backend, PASSPHRASE).snapshots()}


def test_a_failing_storage_is_not_reported_as_damage(tmp_path: Path) -> None:
    backend = MemoryBackend()
    two_snapshots(backend, tmp_path / "source")
    counting = FaultyBackend(backend)
    plan_packs(Repository.open(counting, PASSPHRASE))
    loads = [n for n, one in enumerate(counting.operations) if one.startswith(("load data", "load_range data"))]
    for number in loads:
        faulty = FaultyBackend(backend, Fault(number, fatal=False))
        plan = plan_packs(Repository.open(faulty, PASSPHRASE))
        assert plan.packs == ()
        assert len(plan.unreadable) == 1


def test_the_command_shows_its_plan_before_it_repairs(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BACKUP_PASSWORD", PASSPHRASE)
    backend = MemoryBackend()
    two_snapshots(backend, tmp_path / "source")
    flip_blob(Repository.open(backend, PASSPHRASE), backend)
    cut_snapshot(Repository.open(backend, PASSPHRASE), backend)
    flip_index(Repository.open(backend, PASSPHRASE), backend)
    to_disk(backend, store)

    def run(*arguments: str) -> dict[str, object]:
        assert main(["repair", *arguments, "--repo", str(store), "--json"]) == 0
        return dict(json.loads(capsys.readouterr().out))

    before = sorted(path for path in store.rglob("*") if path.is_file())
    shown = run("index", "--dry-run")
    assert len(shown["damaged"]) == 1  # type: ignore[arg-type]
    assert shown["result"] is None
    assert sorted(path for path in store.rglob("*") if path.is_file()) == before
    assert run("index")["result"] == {"written": 1, "removed": 2}
    assert run("packs", "--damaged", "--dry-run")["result"] is None
    packs = run("packs", "--damaged")
    assert packs["result"]["packs_removed"] == 1  # type: ignore[index]
    assert len(packs["lost"]) == 1  # type: ignore[arg-type]
    assert run("snapshots")["result"]["forgotten"] == []  # type: ignore[index]
    forgotten = run("snapshots", "--forget")["result"]["forgotten"]  # type: ignore[index]
    assert len(forgotten) >= 1
    assert check(Repository.open(LocalBackend(store), PASSPHRASE), read_data=True).good
    assert main(["repair", "packs", "--repo", str(store)]) == 2
