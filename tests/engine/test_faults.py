"""Stored data is never lost: a storage that fails at every operation, and killed processes."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.engine.testing.pieces import Pieces
from tests.engine.testing.restic import CHEAP, PASSPHRASE, Restic, environment

from strongroom.archiver import ArchiveOptions, ArchiveResult, archive
from strongroom.backends import LocalBackend
from strongroom.backends.base import Backend
from strongroom.checker import check
from strongroom.entries import Folder, OnDisk, Stream
from strongroom.errors import BackendError, NoRepository, NoSpace, SourceError, StorageFull
from strongroom.ids import FileKind
from strongroom.repository import Repository
from strongroom.repository.locks import Timing
from strongroom.restorer import restore
from strongroom.testing.faults import Fault, FaultyBackend, InjectedFault
from strongroom.testing.memory import MemoryBackend
from strongroom.testing.trees import File, HardLink, build, look

AT_ONCE = Timing(settle=0)


def save(backend: Backend, place: Path, **options: object) -> ArchiveResult:
    repository = Repository.open(backend, PASSPHRASE)
    snapshots = repository.snapshots()
    return archive(
        repository,
        [Folder(b"db", [Stream(b"dump", lambda: Pieces(b"rows" * 1000, []))]), OnDisk(b"files", os.fsencode(place))],
        ArchiveOptions(
            paths=["/edms"],
            parent=snapshots[-1] if snapshots else None,
            lock_timing=AT_ONCE,
            **options,  # type: ignore[arg-type]
        ),
    )


def stored_before(tmp_path: Path) -> tuple[MemoryBackend, Path]:
    """Create a repository with one snapshot, and a source that has changed since."""
    backend = MemoryBackend()
    Repository.init(backend, PASSPHRASE, cost=CHEAP)
    source = tmp_path / "source"
    build(source, {b"a": File(b"first"), b"sub": {b"b": File(b"second" * 100), b"gone": File(b"x")}})
    save(backend, source)
    (source / "a").write_bytes(b"changed")
    (source / "sub/gone").unlink()
    build(source, {b"new": File(os.urandom(5000)), b"more": {b"link": HardLink(b"new")}})
    return backend, source


@pytest.mark.parametrize("after_effect", [False, True])
def test_a_crash_at_any_storage_operation_loses_nothing(after_effect: bool, tmp_path: Path) -> None:
    backend, source = stored_before(tmp_path)
    counting = FaultyBackend(backend.copy())
    save(counting, source)
    operations = len(counting.operations)
    assert operations > 20
    assert {operation.split()[0] for operation in counting.operations} >= {"save", "load", "list", "remove", "size"}
    first = Repository.open(backend, PASSPHRASE).snapshots()[0]
    survived = 0
    for number in range(operations):
        crashed = backend.copy()
        faulty = FaultyBackend(crashed, Fault(at=number, after_effect=after_effect))
        with pytest.raises(BackendError):
            save(faulty, source)
        repository = Repository.open(crashed, PASSPHRASE)
        report = check(repository, read_data=True)
        assert report.good, (number, report.findings)
        assert first.id in {snapshot.id for snapshot in repository.snapshots()}
        # The next backup is complete, despite the leftovers of the crashed one.
        again = save(crashed, source)
        assert again.problems == ()
        target = tmp_path / f"{after_effect}-{number}"
        assert restore(repository, again.snapshot, target, subtree=b"files").damaged == []
        assert look(target) == look(source)
        assert check(repository, read_data=True).good
        survived += 1
    assert survived == operations


def test_a_temporary_failure_fails_only_this_backup(tmp_path: Path) -> None:
    backend, source = stored_before(tmp_path)
    counting = FaultyBackend(backend.copy())
    save(counting, source)
    for number, operation in enumerate(counting.operations):
        if operation.startswith("save"):
            once = backend.copy()
            with pytest.raises(StorageFull):
                save(FaultyBackend(once, Fault(at=number, fatal=False, error=StorageFull)), source)
            assert list(once.list_files(FileKind.LOCK)) == []
            assert len(Repository.open(once, PASSPHRASE).snapshots()) == 1
            assert save(once, source).problems == ()


def test_a_crash_during_init_leaves_no_or_one_repository() -> None:
    counting = FaultyBackend(MemoryBackend())
    Repository.init(counting, PASSPHRASE, cost=CHEAP)
    for number in range(len(counting.operations)):
        for after_effect in (False, True):
            backend = MemoryBackend()
            with pytest.raises(InjectedFault):
                Repository.init(FaultyBackend(backend, Fault(number, after_effect)), PASSPHRASE, cost=CHEAP)
            try:
                Repository.open(backend, PASSPHRASE)
            except NoRepository:
                continue


def test_a_failing_stream_publishes_nothing(tmp_path: Path) -> None:
    backend, source = stored_before(tmp_path)
    repository = Repository.open(backend, PASSPHRASE)

    class Broken:
        def __init__(self) -> None:
            self.left = 3
            self.closed = False

        def read(self, size: int) -> bytes:
            self.left -= 1
            if not self.left:
                raise ConnectionResetError("the database is gone")
            return b"x" * size

        def close(self) -> None:
            self.closed = True

    broken = Broken()
    with pytest.raises(SourceError, match=r"dump failed: the database is gone"):
        archive(
            repository,
            [OnDisk(b"files", os.fsencode(source)), Stream(b"dump", lambda: broken)],
            ArchiveOptions(paths=["/edms"], lock_timing=AT_ONCE),
        )
    assert broken.closed
    assert len(repository.snapshots()) == 1
    assert list(backend.list_files(FileKind.LOCK)) == []
    assert check(repository, read_data=True).good


def test_an_error_before_publishing_publishes_nothing(tmp_path: Path) -> None:
    backend, source = stored_before(tmp_path)

    def refuse() -> None:
        raise PermissionError("the lease is lost")

    with pytest.raises(PermissionError):
        save(backend, source, before_publish=refuse)
    assert len(Repository.open(backend, PASSPHRASE).snapshots()) == 1


def test_a_full_storage_is_named_and_publishes_nothing(tmp_path: Path, under_limit: Callable[[int], None]) -> None:
    source = tmp_path / "source"
    build(source, {b"big": File(os.urandom(30_000_000))})
    backend = LocalBackend(tmp_path / "repository")
    Repository.init(backend, PASSPHRASE, cost=CHEAP)
    under_limit(10_000_000)
    with pytest.raises(StorageFull, match="Free space"):
        save(backend, source)
    assert Repository.open(backend, PASSPHRASE).snapshots() == []
    assert list(backend.list_files(FileKind.LOCK)) == []


def test_a_full_target_is_named(tmp_path: Path, under_limit: Callable[[int], None]) -> None:
    backend = MemoryBackend()
    Repository.init(backend, PASSPHRASE, cost=CHEAP)
    for number, content in enumerate((os.urandom(3_000_000), os.urandom(400_000))):
        source = tmp_path / f"source{number}"
        build(source, {b"big": File(content)})
        snapshot = save(backend, source).snapshot
        under_limit(200_000)
        with pytest.raises(NoSpace, match="big"):
            restore(Repository.open(backend, PASSPHRASE), snapshot, tmp_path / f"back{number}")
        under_limit(1 << 40)


BACKUP = """
import sys
from strongroom.cli import main
sys.exit(main(["backup", "--repo", sys.argv[1], "--json", sys.argv[2]]))
"""


@pytest.mark.restic
@pytest.mark.slow
def test_a_killed_process_loses_nothing(repository: Repository, restic: Restic, store: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    dice = random.Random(7)
    build(source, {b"%03d" % number: File(dice.randbytes(200_000)) for number in range(300)})
    first = archive(repository, [OnDisk(b"source", os.fsencode(source))], ArchiveOptions(paths=["/first"]))
    kept = look(source)
    variables = {**environment(), "BACKUP_PASSWORD": PASSPHRASE}
    killed = 0
    for attempt in range(8):
        for number in range(300):
            (source / f"{number:03d}").write_bytes(dice.randbytes(200_000))
        child = subprocess.Popen(
            [sys.executable, "-c", BACKUP, str(store), str(source)], env=variables, stdout=subprocess.DEVNULL
        )
        time.sleep(0.3 + attempt * 0.15)
        child.send_signal(signal.SIGKILL)
        killed += child.wait() == -signal.SIGKILL
        restic.run("unlock")
        restic.check()
        assert check(repository, read_data=True).good
    assert killed > 0
    command = [sys.executable, "-c", BACKUP, str(store), str(source)]
    done = subprocess.run(command, check=False, env=variables, capture_output=True)
    assert done.returncode == 0, done.stderr
    result = restore(repository, first.snapshot, tmp_path / "back", subtree=b"source")
    assert result.damaged == []
    assert look(tmp_path / "back") == kept
    restic.check()
