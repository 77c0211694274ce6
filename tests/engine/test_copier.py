"""Copy a repository; lock a repository that cannot be written or was replaced."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from tests.engine.testing.restic import CHEAP, PASSPHRASE

from strongroom.archiver import ArchiveOptions, archive
from strongroom.backends import LocalBackend
from strongroom.backends.base import Backend, FileHandle
from strongroom.checker import check
from strongroom.copier import copied_snapshots, copy_repository
from strongroom.entries import OnDisk
from strongroom.errors import BackendError, Damaged, LockLost, RepositoryLocked, StorageDenied, StorageFull
from strongroom.ids import FileKind
from strongroom.repository import Repository
from strongroom.restorer import restore
from strongroom.testing.faults import Fault, FaultyBackend
from strongroom.testing.memory import MemoryBackend


def made(backend: Backend, passphrase: str = PASSPHRASE) -> Repository:
    return Repository.init(backend, passphrase, cost=CHEAP)


@pytest.fixture
def source(tmp_path: Path) -> Repository:
    repository = made(MemoryBackend())
    folder = tmp_path / "source"
    folder.mkdir()
    parent = None
    for number in range(2):
        for name in "abc":
            (folder / f"{name}{number}").write_bytes(os.urandom(50_000))
        options = ArchiveOptions(paths=("/",), tags=(f"n={number}",), parent=parent)
        parent = archive(repository, [OnDisk(b"files", os.fsencode(folder))], options).snapshot
    return repository


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_copy_restores_the_same_and_shares_no_key(source: Repository, tmp_path: Path) -> None:
    target = made(MemoryBackend(), "another")
    stored = copy_repository(source, target)
    assert len(stored) == 2
    assert check(target, read_data=True).good
    assert target.master.encrypt != source.master.encrypt
    originals = {one.id: one for one in source.snapshots()}
    for one in target.snapshots():
        original = originals[one.original]
        assert (one.tree, one.tags, one.time_ns, one.summary) == (
            original.tree,
            original.tags,
            original.time_ns,
            original.summary,
        )
    newest = target.snapshots()[-1]
    assert newest.parent == target.snapshots()[0].id
    restore(target, newest, tmp_path / "out")
    assert contents(tmp_path / "out" / "files") == contents(tmp_path / "source")
    assert copy_repository(source, target) == []


def test_an_interrupted_copy_continues(source: Repository) -> None:
    whole = FaultyBackend(MemoryBackend())
    made(whole)
    begun = len(whole.operations)
    copy_repository(source, Repository.open(whole, PASSPHRASE))
    for at in range(begun, len(whole.operations)):
        inner = MemoryBackend()
        made(inner)
        broken = Repository.open(inner, PASSPHRASE)
        with contextlib.suppress(BackendError):
            copy_repository(source, broken.moved_to(FaultyBackend(inner, Fault(at=at - begun))))
        copy_repository(source, broken)
        assert check(broken, read_data=True).good
        assert set(copied_snapshots(broken)) == {one.id for one in source.snapshots()}


def test_damage_is_not_copied(source: Repository) -> None:
    pack = next(iter(source.backend.list_files(FileKind.PACK)))
    source.backend.remove(FileHandle(FileKind.PACK, pack.name))
    target = made(MemoryBackend())
    with pytest.raises(Damaged):
        copy_repository(source, target)
    assert target.snapshots() == []


def test_locking_a_replaced_repository_fails(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    opened = made(LocalBackend(here))
    made(LocalBackend(there))
    here.rename(tmp_path / "kept")
    there.rename(here)
    with pytest.raises(LockLost, match="replaced by another"):
        opened.lock()
    assert list((here / "locks").iterdir()) == []


class Unwritable(MemoryBackend):
    """A backend that stores no lock, like a full or read-only file system."""

    error: type[BackendError] | None = None

    def save(self, handle, parts):  # type: ignore[no-untyped-def]
        if self.error and handle.kind is FileKind.LOCK:
            raise self.error("no lock can be written")
        super().save(handle, parts)


@pytest.mark.parametrize("error", [StorageFull, StorageDenied])
def test_an_optional_shared_lock_may_be_missing(error: type[BackendError]) -> None:
    backend = Unwritable()
    repository = made(backend)
    backend.error = error
    with pytest.raises(error):
        repository.lock()
    with repository.lock(optional=True) as lock:
        lock.check()
        assert lock.obstacle == "no lock can be written"
    backend.error = None
    with repository.lock(exclusive=True):
        backend.error = error
        with pytest.raises(RepositoryLocked):
            repository.lock(optional=True)


def test_an_exclusive_lock_is_written_when_space_is_free() -> None:
    backend = Unwritable()
    repository = made(backend)
    backend.error = StorageDenied
    with pytest.raises(StorageDenied):
        repository.lock(exclusive=True, optional=True)
    backend.error = StorageFull
    with repository.lock(exclusive=True, optional=True) as lock:
        lock.check()
        assert list(backend.list_files(FileKind.LOCK)) == []
        backend.error = None
        lock.check()
        assert len(list(backend.list_files(FileKind.LOCK))) == 1
        with pytest.raises(RepositoryLocked):
            repository.lock()
    assert list(backend.list_files(FileKind.LOCK)) == []
    backend.error = StorageFull
    with repository.lock(exclusive=True, optional=True) as lock:
        backend.error = None
        with repository.lock(), pytest.raises(LockLost):
            lock.check()
