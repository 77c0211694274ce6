"""A crash at any step of a prune loses nothing; the stock restic is the reference."""

import contextlib
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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
from tests.engine.testing.restic import PASSPHRASE, Restic, environment

from strongroom.backends import LocalBackend
from strongroom.checker import check
from strongroom.errors import (
    BackendError,
    Damaged,
)
from strongroom.format.index import decode_index
from strongroom.format.snapshot import Snapshot
from strongroom.ids import BlobKind, FileKind, StorageId
from strongroom.prune import PruneOptions, forget, plan_prune
from strongroom.repository import Repository
from strongroom.testing.broken import save_pack
from strongroom.testing.faults import Fault, FaultyBackend
from strongroom.testing.memory import MemoryBackend


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
