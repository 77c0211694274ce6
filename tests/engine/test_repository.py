"""Repositories: init, open, keys and blobs, compared with the stock restic where possible."""

import json
import os
import threading
from pathlib import Path

import pytest
from tests.engine.testing.restic import CHEAP, PASSPHRASE, Restic

from strongroom.backends import FileHandle, LocalBackend
from strongroom.backends.base import CONFIG
from strongroom.errors import (
    Damaged,
    KeyNotFound,
    KeyProtected,
    NoRepository,
    RepositoryExists,
    SnapshotNotFound,
    UnsupportedRepository,
    WrongPassphrase,
)
from strongroom.format.snapshot import Snapshot
from strongroom.ids import BlobKind, FileKind, blob_id
from strongroom.repository import Repository
from strongroom.repository.blob_reader import BlobReader
from strongroom.repository.blob_writer import BlobWriter
from strongroom.testing.memory import MemoryBackend


def make() -> tuple[Repository, MemoryBackend]:
    backend = MemoryBackend()
    return Repository.init(backend, PASSPHRASE, cost=CHEAP), backend


# Init and open


def test_a_repository_opens_only_with_its_passphrase() -> None:
    repository, backend = make()
    again = Repository.open(backend, PASSPHRASE)
    assert again.id == repository.id
    assert again.master.encrypt == repository.master.encrypt
    with pytest.raises(WrongPassphrase, match="none of the 1 keys"):
        Repository.open(backend, PASSPHRASE + " ")


def test_init_refuses_an_existing_repository() -> None:
    _, backend = make()
    with pytest.raises(RepositoryExists):
        Repository.init(backend, "other", cost=CHEAP)
    del backend.files[CONFIG]
    with pytest.raises(RepositoryExists, match="a part of one"):
        Repository.init(backend, "other", cost=CHEAP)


def test_two_concurrent_inits_leave_one_repository(tmp_path: Path) -> None:
    outcomes: list[object] = []

    def attempt(passphrase: str) -> None:
        try:
            Repository.init(LocalBackend(tmp_path / "r"), passphrase, cost=CHEAP)
            outcomes.append(passphrase)
        except RepositoryExists as error:
            outcomes.append(error)

    for _ in range(20):
        outcomes.clear()
        threads = [threading.Thread(target=attempt, args=(f"pass-{number}",)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        winners = [outcome for outcome in outcomes if isinstance(outcome, str)]
        assert len(winners) == 1
        Repository.open(LocalBackend(tmp_path / "r"), winners[0])
        for path in sorted((tmp_path / "r").rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        (tmp_path / "r").rmdir()


def test_open_without_a_repository_raises(tmp_path: Path) -> None:
    with pytest.raises(NoRepository, match="absent"):
        Repository.open(LocalBackend(tmp_path / "absent"), PASSPHRASE)


def test_a_repository_with_a_damaged_config_can_be_read() -> None:
    repository, backend = make()
    backend.files[CONFIG] = backend.files[CONFIG][:-1] + b"?"
    with pytest.raises(Damaged, match="config"):
        Repository.open(backend, PASSPHRASE)
    assert Repository.open_without_config(backend, PASSPHRASE).master.encrypt == repository.master.encrypt


def test_another_version_is_refused() -> None:
    repository, backend = make()
    for version, polynomial in ((3, "3da3358b4dc173"), (1, "3da3358b4dc173")):
        config = {"version": version, "id": "ab" * 32, "chunker_polynomial": polynomial}
        backend.files[CONFIG] = bytes(repository.master.seal(json.dumps(config).encode()))
        if version == 3:
            with pytest.raises(UnsupportedRepository, match="version 3"):
                Repository.open(backend, PASSPHRASE)
        else:
            with pytest.raises(UnsupportedRepository, match="only reads"):
                BlobWriter(Repository.open(backend, PASSPHRASE), repository.load_index())


# Keys


def test_passphrases_open_the_repository_until_they_are_removed() -> None:
    repository, backend = make()
    added = repository.add_key("second", cost=CHEAP)
    assert len(repository.list_keys()) == 2
    other = Repository.open(backend, "second")
    with pytest.raises(KeyProtected):
        other.remove_key(added)
    with pytest.raises(KeyNotFound):
        repository.remove_key("")
    assert repository.remove_key(added[:6]) == added
    with pytest.raises(WrongPassphrase):
        Repository.open(backend, "second")
    assert [key.in_use for key in repository.list_keys()] == [True]


def test_a_damaged_key_does_not_affect_other_keys() -> None:
    _, backend = make()
    backend.files[FileHandle(FileKind.KEY, "00" * 32)] = b""
    backend.files[FileHandle(FileKind.KEY, "ff" * 32)] = b"{" * 1000
    Repository.open(backend, PASSPHRASE)
    with pytest.raises(WrongPassphrase, match="2 key files are damaged"):
        Repository.open(backend, "wrong")
    for handle in [handle for handle in backend.files if handle.kind is FileKind.KEY]:
        del backend.files[handle]
    with pytest.raises(Damaged, match="lost its keys"):
        Repository.open(backend, PASSPHRASE)


@pytest.mark.restic
def test_restic_and_strongroom_open_each_others_keys(repository: Repository, restic: Restic, tmp_path: Path) -> None:
    (tmp_path / "new").write_text("from restic")
    restic.run("key", "add", "--new-password-file", str(tmp_path / "new"))
    assert Repository.open(repository.backend, "from restic").id == repository.id
    assert len(json.loads(restic.run("key", "list", "--json"))) == len(repository.list_keys()) == 2


# Blobs


def test_blobs_round_trip_deduplicated() -> None:
    repository, backend = make()
    index = repository.load_index()
    text, noise = b"text " * 100_000, os.urandom(100_000)
    with BlobWriter(repository, index) as writer:
        for _ in range(3):
            for blob in (text, noise, b""):
                writer.store(BlobKind.DATA, blob)
        writer.store(BlobKind.TREE, text)
    assert (writer.written.data_blobs, writer.written.tree_blobs) == (3, 1)
    stored = sum(file.size for file in backend.list_files(FileKind.PACK))
    assert 100_000 < stored < 110_000
    reader = BlobReader(repository, repository.load_index())
    for blob in (text, noise, b""):
        assert reader.read(BlobKind.DATA, blob_id(blob)) == blob
    assert reader.read(BlobKind.TREE, blob_id(text)) == text
    with pytest.raises(Damaged, match="it is in no index"):
        reader.read(BlobKind.TREE, blob_id(noise))


def test_compression_off_stores_data_as_it_is() -> None:
    repository, backend = make()
    with BlobWriter(repository, repository.load_index(), compress=False) as writer:
        writer.store(BlobKind.DATA, bytes(1_000_000))
    assert sum(file.size for file in backend.list_files(FileKind.PACK)) > 1_000_000


def test_a_damaged_copy_is_replaced_by_a_good_one() -> None:
    repository, backend = make()
    for _ in range(2):
        with BlobWriter(repository, type(repository.load_index())()) as writer:
            writer.store(BlobKind.DATA, b"twice stored")
    packs = [handle for handle in backend.files if handle.kind is FileKind.PACK]
    assert len(packs) == 2
    for pack in packs:
        good = backend.files[pack]
        backend.files[pack] = good[:20] + b"????" + good[24:]
        assert BlobReader(repository, repository.load_index()).read(BlobKind.DATA, blob_id(b"twice stored"))
        backend.files[pack] = good
    for pack in packs:
        backend.files[pack] = bytes(len(backend.files[pack]))
    with pytest.raises(Damaged, match=r"pack .*pack "):
        BlobReader(repository, repository.load_index()).read(BlobKind.DATA, blob_id(b"twice stored"))


def test_many_threads_store_each_blob_once() -> None:
    repository, _ = make()
    contents = [os.urandom(2000) for _ in range(200)]
    with BlobWriter(repository, repository.load_index()) as writer:
        threads = [
            threading.Thread(target=lambda: [writer.store(BlobKind.DATA, blob) for blob in contents]) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert writer.written.data_blobs == 200
    assert len(repository.load_index()) == 200


# Snapshots


def test_snapshots_are_found_by_id_prefix() -> None:
    repository, backend = make()
    saved = [
        repository.save_snapshot(Snapshot(time_ns=time_ns, tree=blob_id(b""), paths=("/x",))) for time_ns in (2, 1, 3)
    ]
    assert [snapshot.time_ns for snapshot in repository.snapshots()] == [1, 2, 3]
    assert repository.snapshot("latest") == saved[2]
    assert repository.snapshot(saved[0].id[:20]) == saved[0]
    for prefix in ("", "zz", "../x"):
        with pytest.raises(SnapshotNotFound):
            repository.snapshot(prefix)
    handle = FileHandle(FileKind.SNAPSHOT, saved[0].id)
    backend.files[handle] = backend.files[handle][:-1]
    with pytest.raises(Damaged, match=saved[0].id):
        repository.snapshots()
    readable, faults = repository.readable_snapshots()
    assert readable == [saved[1], saved[2]]
    assert len(faults) == 1
