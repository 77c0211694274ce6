"""Damage affects only the snapshots that need it, and the next backup stores the content again."""

import os
from pathlib import Path

import pytest
from tests.engine.testing.restic import CHEAP, PASSPHRASE

from strongroom.archiver import ArchiveOptions, ArchiveResult, archive
from strongroom.backends import LocalBackend
from strongroom.backends.base import FileHandle
from strongroom.checker import Severity, check, verify_snapshot
from strongroom.entries import OnDisk
from strongroom.ids import BlobKind, FileKind, StorageId
from strongroom.repository import Repository
from strongroom.repository.damage import DamageKind
from strongroom.repository.locks import Timing
from strongroom.restorer import restore
from strongroom.testing.broken import pack_of
from strongroom.testing.trees import File, build, look

AT_ONCE = Timing(settle=0)


def save(repository: Repository, place: Path, **options: object) -> ArchiveResult:
    return archive(
        repository,
        [OnDisk(b"files", os.fsencode(place))],
        ArchiveOptions(paths=["/edms"], lock_timing=AT_ONCE, **options),  # type: ignore[arg-type]
    )


def path_of(repository: Repository, handle: FileHandle) -> Path:
    root = Path(repository.location)
    return next(path for path in root.rglob(handle.name) if path.is_file())


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 0x10
    path.chmod(0o600)
    path.write_bytes(data)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    place = tmp_path / "source"
    build(place, {b"a": File(os.urandom(3000)), b"sub": {b"b": File(os.urandom(5000)), b"empty": File(b"")}})
    return place


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.init(LocalBackend(tmp_path / "repository"), PASSPHRASE, cost=CHEAP)


@pytest.mark.parametrize("kind", ["missing", "size"])
def test_content_of_a_missing_or_short_pack_is_stored_again(
    kind: str, repository: Repository, source: Path, tmp_path: Path
) -> None:
    first = save(repository, source)
    path = path_of(repository, pack := FileHandle(FileKind.PACK, first.packs[0]))
    path.chmod(0o600)
    path.unlink() if kind == "missing" else path.write_bytes(path.read_bytes()[:2000])
    assert not verify_snapshot(repository, first.snapshot).good
    again = save(repository, source, parent=first.snapshot)
    assert [(damage.pack, str(damage.kind)) for damage in again.unsound] == [(pack.name, kind)]
    assert "repair packs --damaged" in again.notes[0]
    # Both snapshots are intact now.
    for snapshot in (first.snapshot, again.snapshot):
        report = verify_snapshot(repository, snapshot)
        assert report.good, report.findings
        assert [damage.pack for damage in report.damage] == [pack.name]
        assert restore(repository, snapshot, tmp_path / snapshot.id[:8], subtree=b"files").damaged == []
        assert look(tmp_path / snapshot.id[:8]) == look(source)


def test_a_distrusted_blob_is_stored_again(repository: Repository, source: Path, tmp_path: Path) -> None:
    first = save(repository, source)
    pack = pack_of(repository, BlobKind.DATA)
    flip(path_of(repository, pack), 40)
    report = verify_snapshot(repository, first.snapshot)
    [damage] = report.damage
    assert (damage.pack, damage.kind, damage.blob_kind) == (pack.name, DamageKind.BLOB, "data")
    assert {finding.severity for finding in report.findings} == {Severity.ERROR}
    # Without `distrusted`, a backup treats the blob as stored.
    assert not verify_snapshot(repository, save(repository, source).snapshot).good
    again = save(repository, source, distrusted=report.damage, parent=first.snapshot)
    assert again.summary.data_blobs == 1
    for snapshot in (first.snapshot, again.snapshot):
        healed = verify_snapshot(repository, snapshot)
        assert healed.good, healed.findings
        assert restore(repository, snapshot, tmp_path / snapshot.id[:8], subtree=b"files").damaged == []


def test_verify_snapshot_ignores_damage_that_it_does_not_need(repository: Repository, source: Path) -> None:
    first = save(repository, source)
    pack = pack_of(repository, BlobKind.DATA)
    (source / "sub/b").unlink()
    (source / "a").write_bytes(b"another")
    other = save(repository, source)
    flip(path_of(repository, pack), 40)
    assert not verify_snapshot(repository, first.snapshot).good
    assert verify_snapshot(repository, other.snapshot).good


def test_a_damaged_header_with_readable_blobs_is_a_note(repository: Repository, source: Path) -> None:
    first = save(repository, source)
    pack = pack_of(repository, BlobKind.DATA)
    flip(path_of(repository, pack), -30)
    report = verify_snapshot(repository, first.snapshot)
    assert report.good
    assert {finding.code for finding in report.findings} == {"pack-damaged"}
    assert [(damage.pack, damage.kind) for damage in report.damage] == [(pack.name, DamageKind.HEADER)]
    assert not check(repository, read_data=True).good


def test_a_damaged_index_is_replaced_by_pack_headers(repository: Repository, source: Path, tmp_path: Path) -> None:
    first = save(repository, source)
    [index] = repository.backend.list_files(FileKind.INDEX)
    flip(path_of(repository, FileHandle(FileKind.INDEX, index.name)), 60)
    assert [fault for fault in repository.load_index().faults if "repair index" in fault]
    again = save(repository, source, parent=first.snapshot)
    assert again.summary.data_blobs == 0
    assert "repair index" in again.notes[0]
    report = verify_snapshot(repository, again.snapshot)
    assert report.good
    assert [finding.code for finding in report.findings] == ["index-damaged"]
    assert restore(repository, again.snapshot, tmp_path / "target").damaged == []
    assert [finding.code for finding in check(repository).findings] == ["index-damaged"]


def test_a_blob_in_no_index_is_damage(repository: Repository, source: Path) -> None:
    first = save(repository, source)
    [index] = repository.backend.list_files(FileKind.INDEX)
    repository.backend.remove(FileHandle(FileKind.INDEX, index.name))
    report = verify_snapshot(repository, first.snapshot)
    assert [(damage.pack, damage.blob) for damage in report.damage] == [(StorageId(""), first.snapshot.tree.hex())]
    assert "repair index" in report.findings[0].text
    save(repository, source)
    assert verify_snapshot(repository, first.snapshot).good
