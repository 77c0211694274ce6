"""Every kind of damage is found and named, and intact content is still restored."""

import os
from pathlib import Path

import pytest
from tests.engine.testing.pieces import Pieces
from tests.engine.testing.restic import CHEAP, PASSPHRASE, Restic

from strongroom.archiver import ArchiveOptions, archive
from strongroom.backends import LocalBackend
from strongroom.checker import check, verify_snapshot
from strongroom.entries import Folder, OnDisk, Stream
from strongroom.errors import Damaged, UnsafeName, WrongPassphrase
from strongroom.ids import BlobKind, FileKind
from strongroom.repository import Repository
from strongroom.repository.packs import salvage_index
from strongroom.restorer import restore
from strongroom.snapshots import SnapshotView
from strongroom.testing.broken import SHELF, Broken, flip, node_text, only, pack_of, save_tree
from strongroom.testing.memory import MemoryBackend
from strongroom.testing.trees import File, build, look


def good(tmp_path: Path) -> tuple[Repository, MemoryBackend]:
    backend = MemoryBackend()
    repository = Repository.init(backend, PASSPHRASE, cost=CHEAP)
    repository.add_key("another", cost=CHEAP)
    build(tmp_path / "source", {b"a": File(b"first"), b"sub": {b"b": File(os.urandom(100_000)), b"c": File(b"")}})
    archive(repository, [OnDisk(b"source", os.fsencode(tmp_path / "source"))], ArchiveOptions(paths=["/source"]))
    return repository, backend


@pytest.mark.parametrize("broken", SHELF, ids=lambda broken: broken.name.replace(" ", "-"))
def test_check_names_damage_and_restore_restores_the_rest(broken: Broken, tmp_path: Path) -> None:
    repository, backend = good(tmp_path)
    snapshot = repository.snapshots()[0]
    before = backend.copy()
    assert check(repository, read_data=True).findings == []
    broken.damage(repository, backend)
    report = check(repository, read_data=True)
    codes = {finding.code for finding in report.findings}
    assert codes >= broken.codes, report.findings
    assert codes - broken.codes <= {"tree-damaged"}, report.findings
    # The other passphrase opens the repository, whichever key is damaged.
    try:
        again = Repository.open(backend, PASSPHRASE)
    except WrongPassphrase:
        again = Repository.open(backend, "another")
    index = salvage_index(again)
    if broken.restorable:
        result = restore(again, again.load_snapshot(snapshot.id), tmp_path / "back", subtree=b"source", index=index)
        assert result.damaged == []
        assert look(tmp_path / "back") == look(tmp_path / "source")
    del before


def test_a_flipped_bit_damages_only_its_file(tmp_path: Path) -> None:
    repository, backend = good(tmp_path)
    snapshot = repository.snapshots()[0]
    handle = pack_of(repository, BlobKind.DATA)
    for position in range(0, len(backend.files[handle]), 997):
        flip(backend, handle, position)
        target = tmp_path / f"back{position}"
        result = restore(repository, snapshot, target, subtree=b"source")
        assert len(result.damaged) <= 1
        seen, lost = look(target), {problem.path for problem in result.damaged}
        assert seen == {path: entry for path, entry in look(tmp_path / "source").items() if path not in lost}
        assert not check(repository, read_data=True).good
        flip(backend, handle, position)
    assert check(repository, read_data=True).good


def test_check_detects_a_change_of_any_byte(tmp_path: Path) -> None:
    """Flip one bit in each stored file: check always finds it."""
    repository, backend = good(tmp_path)
    handles = [handle for handle in backend.files if handle.name]
    for handle in handles:
        size = len(backend.files[handle])
        for position in {0, 1, size // 3, size - 33, size - 5, size - 4, size - 1}:
            flip(backend, handle, position)
            assert not check(repository, read_data=True).good, f"{handle} at {position} of {size}"
            flip(backend, handle, position)


def test_verify_snapshot_reads_only_needed_packs(tmp_path: Path) -> None:
    repository, backend = good(tmp_path)
    snapshot = repository.snapshots()[0]
    other = archive(
        repository, [Stream(b"other", lambda: Pieces(os.urandom(50_000), []))], ArchiveOptions(paths=["/other"])
    )
    whole = verify_snapshot(repository, snapshot)
    assert (whole.good, whole.packs_read) == (True, 2)
    flip(
        backend,
        only(MemoryBackend({h: d for h, d in backend.files.items() if h.name in other.packs}), FileKind.PACK),
        9,
    )
    assert verify_snapshot(repository, snapshot).good
    assert not verify_snapshot(repository, other.snapshot).good
    assert not verify_snapshot(repository, other.snapshot, packs=other.packs).good
    backend.remove(pack_of(repository, BlobKind.TREE))
    assert not verify_snapshot(repository, snapshot, packs=[]).good


@pytest.mark.parametrize("name", ["..", ".", "", "../../etc/passwd", "/etc/passwd", "a/b", "a\\\\x00b"])
def test_restore_refuses_hostile_names_before_writing(name: str, tmp_path: Path) -> None:
    repository = Repository.init(MemoryBackend(), PASSPHRASE, cost=CHEAP)
    snapshot = save_tree(repository, ('{"nodes":[' + node_text(name) + "]}\n").encode())
    with pytest.raises(UnsafeName):
        restore(repository, snapshot, tmp_path / "back")
    assert list(tmp_path.rglob("*")) in ([], [tmp_path / "back"])
    with pytest.raises(UnsafeName):
        list(SnapshotView(repository, snapshot).walk())


def test_restore_refuses_a_link_and_a_folder_of_one_name(tmp_path: Path) -> None:
    """The classic escape: a link `x` to an outside folder, and a folder `x` with a file."""
    repository = Repository.init(MemoryBackend(), PASSPHRASE, cost=CHEAP)
    inner = ('{"nodes":[' + node_text("planted") + "]}\n").encode()
    save_tree(repository, inner)
    subtree = repository.snapshots()[0].tree.hex()
    (tmp_path / "outside").mkdir()
    link = node_text("x", kind="symlink", rest=f'"linktarget":"{tmp_path}/outside","content":null')
    folder = node_text("x", kind="dir", rest=f'"content":null,"subtree":"{subtree}"')
    for nodes in ((link, folder), (folder, link)):
        snapshot = save_tree(repository, ('{"nodes":[' + ",".join(nodes) + "]}\n").encode())
        with pytest.raises(UnsafeName, match="same name"):
            restore(repository, snapshot, tmp_path / "back")
        assert list((tmp_path / "outside").iterdir()) == []


def test_restore_never_follows_a_restored_link(tmp_path: Path) -> None:
    repository = Repository.init(MemoryBackend(), PASSPHRASE, cost=CHEAP)
    (tmp_path / "outside").mkdir(mode=0o755)
    before = (tmp_path / "outside").stat()
    link = node_text("x", kind="symlink", rest=f'"linktarget":"{tmp_path}/outside","content":null')
    result = restore(repository, save_tree(repository, ('{"nodes":[' + link + "]}\n").encode()), tmp_path / "back")
    assert result.damaged == []
    assert (tmp_path / "back/x").is_symlink()
    after = (tmp_path / "outside").stat()
    assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)


def test_a_size_beyond_the_content_is_damage(tmp_path: Path) -> None:
    repository = Repository.init(MemoryBackend(), PASSPHRASE, cost=CHEAP)
    snapshot = save_tree(repository, ('{"nodes":[' + node_text("a", rest='"size":99,"content":[]') + "]}\n").encode())
    result = restore(repository, snapshot, tmp_path / "back")
    assert [problem.path for problem in result.damaged] == [b"a"]
    assert list((tmp_path / "back").iterdir()) == []


def test_an_unreadable_tree_ends_a_walk(tmp_path: Path) -> None:
    repository, backend = good(tmp_path)
    view = SnapshotView(repository, repository.snapshots()[0])
    flip(backend, pack_of(repository, BlobKind.TREE), 50)
    with pytest.raises(Damaged):
        list(view.walk())


@pytest.mark.restic
def test_check_accepts_a_repository_of_restic(restic: Restic, store: Path, tmp_path: Path) -> None:
    build(tmp_path / "source", {b"a": File(b"a"), b"b": {b"c": File(os.urandom(3_000_000))}})
    restic.run("init", "--repository-version", "2")
    restic.run("backup", str(tmp_path / "source"))
    (tmp_path / "source/a").write_bytes(b"changed")
    restic.run("backup", str(tmp_path / "source"))
    repository = Repository.open(LocalBackend(store), PASSPHRASE)
    report = check(repository, read_data=True)
    assert report.findings == []
    assert report.snapshots == 2
    first = repository.snapshots()[0]
    restic.run("forget", "--prune", first.id)
    assert check(repository, read_data=True).good


def test_a_virtual_folder_is_archived_without_a_disk(tmp_path: Path) -> None:
    repository = Repository.init(MemoryBackend(), PASSPHRASE, cost=CHEAP)
    content = os.urandom(20_000_000)
    result = archive(
        repository,
        [Folder(b"databases", [Stream(b"default.dump", lambda: Pieces(content, [10, 1, 100_000]))])],
        ArchiveOptions(paths=["/edms"]),
    )
    view = SnapshotView(repository, result.snapshot)
    node = view.find(b"databases/default.dump")
    assert node is not None
    assert node.size == len(content)
    with view.open(node) as stream:
        assert b"".join(iter(lambda: stream.read(70_000), b"")) == content
    assert view.find(b"databases/nothing") is None
    assert view.find(b"databases/default.dump/below") is None
    assert verify_snapshot(repository, result.snapshot).good
