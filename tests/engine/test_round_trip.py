"""Archived content is restored unchanged: by strongroom, by restic, and content of restic by strongroom."""

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.testing.restic import PASSPHRASE, Restic

from strongroom import entries as tops
from strongroom.archiver import ArchiveOptions, archive
from strongroom.backends import LocalBackend
from strongroom.checker import check
from strongroom.entries import OnDisk
from strongroom.repository import Repository
from strongroom.restorer import restore
from strongroom.snapshots import SnapshotView
from strongroom.testing.trees import Fifo, File, Folder, HardLink, Link, Seen, build, look

ODD_NAMES = [
    b"plain",
    b"with space",
    b'quote"quote',
    b"back\\slash",
    b"'single'",
    b"tab\tand\nnewline\r",
    b"bell\a\b\f\v\x01\x1f\x7f",
    b"latin1-\xe9\xff",
    b"\xff\xfe",
    b"surrogate-\xed\xa0\x80",
    "Grüße-日本-🎉".encode(),
    "nbsp\u00a0-shy\u00ad-zwsp\u200b-ls\u2028-bom\ufeff".encode(),
    b"<html>&amp;",
    b"-rf",
    b"x" * 255,
    b"...",
    b" ",
]


def everything(root: Path) -> None:
    """Return a tree with all kinds of names, entries, times, modes, links, holes and attributes."""
    tree: dict[bytes, object] = {
        b"empty": File(b""),
        b"empty-folder": Folder({}, mode=0o700),
        b"names": {name: File(name) for name in ODD_NAMES},
        b"dirnames": {name: {b"inside": File(name * 3)} for name in ODD_NAMES[:12]},
        b"old": File(b"before the epoch", mtime_ns=-3_000_000_000_123_456_789),
        b"older": Folder({b"x": File(b"x")}, mtime_ns=-1),
        b"future": File(b"2096", mtime_ns=4_000_000_000_999_999_999),
        b"no-mode": File(b"secret", mode=0o000),
        b"setuid": File(b"#!", mode=0o6755),
        b"sticky": Folder({}, mode=0o1777),
        b"large": File(os.urandom(3_000_000) + bytes(2_000_000) + os.urandom(20_000_000)),
        b"hole": File(b"x" * 5000, size=9_000_000),
        b"zeros": File(bytes(20_000_000)),
        b"link": Link(b"names/plain"),
        b"dangling": Link(b"/nowhere/\xe4"),
        b"first": File(b"hard"),
        b"second": HardLink(b"first"),
        b"deep": {b"third": HardLink(b"first")},
        b"pipe": Fifo(0o640),
        b"attributes": File(b"a", xattrs={"user.note": b"\x00\xff", "user.empty": b""}),
    }
    build(root, tree)  # type: ignore[arg-type]
    if os.geteuid() == 0:
        os.mknod(root / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.mknod(root / "block", stat.S_IFBLK | 0o600, os.makedev(7, 200))
        os.chown(root / "old", 12345, 54321)
        os.chown(root / "dangling", 1, 2, follow_symlinks=False)


def differences(left: dict[bytes, Seen], right: dict[bytes, Seen], *, links_have_times: bool = True) -> list[str]:
    found = []
    for path in sorted(set(left) | set(right)):
        one, other = left.get(path), right.get(path)
        if one and other and stat.S_ISLNK(one.kind) and not links_have_times:
            if (one.kind, one.detail) != (other.kind, other.detail):
                found.append(f"{path!r}: {one} / {other}")
        elif one != other:
            found.append(f"{path!r}: {one} / {other}")
    return found


def save(repository: Repository, source: Path, **options: object) -> object:
    return archive(
        repository,
        [OnDisk(b"source", os.fsencode(source))],
        ArchiveOptions(paths=[str(source)], **options),  # type: ignore[arg-type]
    )


def test_a_snapshot_round_trips(repository: Repository, tmp_path: Path) -> None:
    everything(tmp_path / "source")
    before = look(tmp_path / "source")
    result = archive(
        repository, [OnDisk(b"source", os.fsencode(tmp_path / "source"))], ArchiveOptions(paths=["/source"])
    )
    assert result.problems == ()
    assert result.summary.total_files_processed == sum(stat.S_ISREG(seen.kind) for seen in before.values())
    restored = restore(repository, result.snapshot, tmp_path / "back", subtree=b"source")
    assert restored.damaged == []
    assert restored.unapplied == []
    assert differences(before, look(tmp_path / "back")) == []
    assert (tmp_path / "back/hole").stat().st_blocks * 512 < 1_000_000
    assert (tmp_path / "back/zeros").stat().st_blocks * 512 < 1_000_000
    report = check(repository, read_data=True)
    assert report.findings == []
    assert report.files == result.summary.total_files_processed


@pytest.mark.restic
def test_restic_reads_our_repository(repository: Repository, restic: Restic, tmp_path: Path) -> None:
    everything(tmp_path / "source")
    # restic before 0.16 knows no targets that are not UTF-8.
    (tmp_path / "source/dangling").unlink()
    before = look(tmp_path / "source")
    archive(repository, [OnDisk(b"source", os.fsencode(tmp_path / "source"))], ArchiveOptions(paths=["/source"]))
    restic.check()
    assert "source" in restic.run("ls", "latest")
    assert restic.run("dump", "latest", "/source/names/with space") == "with space"
    restic.run("restore", "latest", "--target", str(tmp_path / "back"))
    # restic restores attributes of value None or empty alike, and times of links everywhere but before 0.9.
    assert differences(before, look(tmp_path / "back/source")) == []


@pytest.mark.restic
def test_a_repository_of_restic_is_read(restic: Restic, store: Path, tmp_path: Path) -> None:
    everything(tmp_path / "source")
    (tmp_path / "source/dangling").unlink()
    before = look(tmp_path / "source")
    restic.run("init", "--repository-version", "2")
    restic.run("backup", ".", cwd=tmp_path / "source")
    repository = Repository.open(LocalBackend(store), PASSPHRASE)
    result = restore(repository, repository.snapshot("latest"), tmp_path / "back")
    assert (result.damaged, result.unapplied) == ([], [])
    assert differences(before, look(tmp_path / "back")) == []
    assert [finding for finding in check(repository, read_data=True).findings if finding.severity == "error"] == []


@pytest.mark.restic
def test_restic_and_strongroom_find_each_others_files_unchanged(
    repository: Repository, restic: Restic, tmp_path: Path
) -> None:
    build(tmp_path / "source", {b"a": File(b"a" * 1000), b"sub": {b"b": File(os.urandom(2_000_000))}})
    place = os.fsencode(tmp_path / "source")
    first = archive(repository, [OnDisk(b"source", place)], ArchiveOptions(paths=[str(tmp_path / "source")]))
    output = restic.run("backup", "source", "--json", "--force", cwd=tmp_path)
    assert '"message_type":"summary"' in output
    restic.check()
    theirs = repository.snapshot("latest")
    assert theirs.id != first.snapshot.id
    second = archive(
        repository, [OnDisk(b"source", place)], ArchiveOptions(paths=[str(tmp_path / "source")], parent=theirs)
    )
    assert second.summary.files_unmodified == 2
    assert second.summary.data_blobs == 0
    restic.check()


@contextlib.contextmanager
def in_memory() -> Iterator[Path]:
    """Return a folder in which reading holes is cheap, if there is one."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else None) as folder:
        yield Path(folder) / "file"


@pytest.mark.restic
@pytest.mark.slow
def test_a_folder_with_many_files_and_a_large_sparse_file(
    repository: Repository, restic: Restic, tmp_path: Path
) -> None:
    # Larger than 32 bits.
    far = (4 << 30) + 1
    many = tmp_path / "source/many"
    many.mkdir(parents=True)
    for number in range(20_000):
        (many / f"{number:05d}").write_bytes(b"%d" % (number % 100))
    with in_memory() as sparse:
        with sparse.open("wb") as file:
            file.seek(far)
            file.write(b"in the middle")
            file.truncate(far + (64 << 20))
        source = tops.Folder(b"source", [OnDisk(b"many", os.fsencode(many)), OnDisk(b"sparse", os.fsencode(sparse))])
        result = archive(repository, [source], ArchiveOptions(paths=["/source"]))
    assert result.problems == ()
    restic.check()
    restored = restore(repository, result.snapshot, tmp_path / "back", subtree=b"source")
    assert restored.damaged == []
    assert (tmp_path / "back/sparse").stat().st_size == far + (64 << 20)
    assert (tmp_path / "back/sparse").stat().st_blocks * 512 < 20_000_000
    with (tmp_path / "back/sparse").open("rb") as file:
        file.seek(far)
        assert file.read(14) == b"in the middle\0"
    assert len(list((tmp_path / "back/many").iterdir())) == 20_000
    names = restic.run("ls", "latest", "/source/many").splitlines()
    assert len([name for name in names if name.startswith("/source/many/")]) == 20_000


def test_a_link_target_that_is_not_utf8_round_trips(repository: Repository, tmp_path: Path) -> None:
    build(tmp_path / "source", {b"dangling": Link(b"/nowhere/\xe4")})
    result = archive(
        repository, [OnDisk(b"source", os.fsencode(tmp_path / "source"))], ArchiveOptions(paths=["/source"])
    )
    node = SnapshotView(repository, result.snapshot).find(b"source/dangling")
    assert node is not None
    assert node.target == b"/nowhere/\xe4"


def test_the_second_backup_reads_no_files(repository: Repository, tmp_path: Path) -> None:
    everything(tmp_path / "source")
    entries = [OnDisk(b"source", os.fsencode(tmp_path / "source"))]
    first = archive(repository, entries, ArchiveOptions(paths=["/source"]))
    second = archive(repository, entries, ArchiveOptions(paths=["/source"], parent=first.snapshot))
    assert second.snapshot.tree == first.snapshot.tree
    assert second.packs == ()
    assert second.summary.files_unmodified == first.summary.files_new
    (tmp_path / "source/names/plain").write_bytes(b"changed")
    third = archive(repository, entries, ArchiveOptions(paths=["/source"], parent=second.snapshot))
    assert (third.summary.files_changed, third.summary.files_new) == (1, 0)
