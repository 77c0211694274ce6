"""Files that cannot be read, or that change, grow, shrink or are deleted while they are read."""

import itertools
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.engine.testing.kept_files import Kept
from tests.engine.testing.pieces import Pieces
from tests.engine.testing.restic import CHEAP, PASSPHRASE, environment, let_everybody_through

from strongroom.archiver import ArchiveOptions, ArchiveResult, archive
from strongroom.archiver.files import ContentStore
from strongroom.backends import FileHandle
from strongroom.checker import check
from strongroom.entries import Folder, OnDisk, Stream
from strongroom.format.tree import Node
from strongroom.ids import BlobKind, FileKind
from strongroom.repository import Repository
from strongroom.repository.blob_writer import BlobWriter
from strongroom.restorer import restore
from strongroom.snapshots import SnapshotView
from strongroom.testing.broken import pack_of
from strongroom.testing.memory import MemoryBackend
from strongroom.testing.trees import File, build, look
from strongroom.testing.trees import Folder as Dir
from strongroom.workers import Pool


@pytest.fixture
def memory() -> Repository:
    return Repository.init(MemoryBackend(), PASSPHRASE, cost=CHEAP)


def save(repository: Repository, place: Path, **options: object) -> ArchiveResult:
    return archive(repository, [OnDisk(b"s", os.fsencode(place))], ArchiveOptions(paths=["/s"], **options))  # type: ignore[arg-type]


def test_an_unreadable_file_is_a_problem_and_the_rest_is_stored(tmp_path: Path) -> None:
    """Run in a process without root's privileges."""
    build(tmp_path / "s", {b"open": File(b"yes"), b"shut": File(b"no", mode=0), b"room": {b"in": File(b"no")}})
    (tmp_path / "s/room").chmod(0)
    let_everybody_through(tmp_path / "s")
    (tmp_path / "password").write_text(PASSPHRASE)
    (tmp_path / "password").chmod(0o644)
    (tmp_path / "readable").mkdir()
    program = f"""
import os, sys
from strongroom.cli import main
arguments = ["--repo", {str(tmp_path / "r")!r}, "--password-file", {str(tmp_path / "password")!r}, "--json"]
assert main(["init", *arguments]) == 0
# First as the current user, so that everything is imported: another user may not read our Python.
assert main(["backup", *arguments, {str(tmp_path / "readable")!r}]) == 0
if os.geteuid() == 0:
    for folder, folders, files in os.walk({str(tmp_path / "r")!r}):
        for name in [".", *files]:
            os.chown(os.path.join(folder, name), 65534, 65534)
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
sys.exit(main(["backup", *arguments, {str(tmp_path / "s")!r}]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment(), check=False
    )
    (tmp_path / "s/room").chmod(0o755)
    assert done.returncode == 3, done.stderr
    assert f"{tmp_path}/s/shut: cannot open: Permission denied" in done.stderr
    assert f"{tmp_path}/s/room: cannot read: Permission denied" in done.stderr
    assert '"files_new": 1' in done.stdout


def test_a_missing_root_is_a_problem(memory: Repository, tmp_path: Path) -> None:
    result = save(memory, tmp_path / "absent")
    assert [(problem.path, problem.reason) for problem in result.problems] == [
        (os.fsencode(tmp_path / "absent"), "cannot read: No such file or directory")
    ]


def test_an_excluded_path_is_not_read(memory: Repository, tmp_path: Path) -> None:
    build(tmp_path / "s", {b"in": File(b"1"), b"out": {b"x": File(b"2")}})
    entry = OnDisk(b"s", os.fsencode(tmp_path / "s"), lambda path: path.endswith(b"/out"))
    result = archive(memory, [entry], ArchiveOptions(paths=["/s"]))
    assert [path for path, _ in SnapshotView(memory, result.snapshot).walk()] == [b"s", b"s/in"]


@pytest.mark.parametrize("change", ["grow", "shrink", "rewrite"])
def test_a_file_that_keeps_changing_is_a_problem(
    memory: Repository, change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Change the file at each read. Set its time, since the clock of a file system is coarse."""
    path = tmp_path / "s/busy"
    build(tmp_path / "s", {b"busy": File(os.urandom(3_000_000)), b"calm": File(b"calm")})
    original, inode, reads = os.read, path.stat().st_ino, itertools.count(1)

    def read_and_change(descriptor: int, size: int) -> bytes:
        data = original(descriptor, size)
        if os.fstat(descriptor).st_ino == inode:
            number = next(reads)
            if change == "grow" and number < 20:
                with path.open("ab") as file:
                    file.write(b"more" * 1000)
            elif change == "shrink":
                os.truncate(path, max(0, 3_000_000 - 997 * number))
            else:
                with path.open("r+b") as file:
                    file.write(b"%d" % number)
            os.utime(path, ns=(number, number))
        return data

    monkeypatch.setattr(os, "read", read_and_change)
    result = save(memory, tmp_path / "s")
    monkeypatch.undo()
    assert [problem.reason for problem in result.problems] == [
        "changed while it was read; the content that was read is stored"
    ]
    assert check(memory, read_data=True).good
    assert restore(memory, result.snapshot, tmp_path / "back").damaged == []
    assert (tmp_path / "back/s/calm").read_bytes() == b"calm"


def test_a_file_that_changes_once_is_read_again(memory: Repository, tmp_path: Path) -> None:
    """Change the file between two reads, deterministically: in its first read."""
    path = tmp_path / "file"
    path.write_bytes(b"before")
    reports: list[str] = []
    nodes: list[Node | None] = []
    original = os.read
    changed = False

    def read_and_change(descriptor: int, size: int) -> bytes:
        nonlocal changed
        data = original(descriptor, size)
        if not changed:
            changed = True
            path.write_bytes(b"after it changed")
        return data

    with BlobWriter(memory, memory.load_index()) as writer, Pool(1, lambda: None) as pool:

        def report(_path: bytes, reason: str) -> None:
            reports.append(reason)

        store = ContentStore(writer, pool, report, report, lambda _count: None)
        os.read = read_and_change
        try:
            store.store_file(b"file", os.fsencode(path), nodes.append, lambda: None)
        finally:
            os.read = original
    assert reports == []
    assert nodes[0] is not None
    assert nodes[0].size == 16


def test_a_deleted_or_replaced_file_is_a_problem(memory: Repository, tmp_path: Path) -> None:
    """Delete a file after its folder was listed; the stream before it does that."""
    build(tmp_path / "s", {b"%d" % number: File(b"x" * 600_000) for number in range(5)})
    calls = 0

    def meddle(path: bytes) -> bool:
        nonlocal calls
        calls += 1
        if path.endswith(b"/2"):
            (tmp_path / "s/3").unlink()
            (tmp_path / "s/4").unlink()
            os.mkfifo(tmp_path / "s/4")
        return False

    result = archive(memory, [OnDisk(b"s", os.fsencode(tmp_path / "s"), meddle)], ArchiveOptions(paths=["/s"]))
    assert calls == 5
    assert [problem.path.rpartition(b"/")[2] for problem in result.problems] == [b"3"]
    assert result.summary.files_new == 3
    assert check(memory, read_data=True).good


def test_a_file_deleted_meanwhile_is_read_from_the_kept_files(memory: Repository, tmp_path: Path) -> None:
    """Delete a file before its folder is listed, one between stat and read, and one with its whole folder."""
    tree, place = tmp_path / "s", tmp_path / "kept"
    build(
        tree,
        {b"%d" % number: File(b"%d" % number * 600_000) for number in range(5)} | {b"sub": Dir({b"x": File(b"x")})},
    )
    place.mkdir()
    (tree / "0").rename(place / "0")
    (place / "sub").mkdir()
    (tree / "sub/x").rename(place / "sub/x")
    (tree / "sub").rmdir()

    def meddle(path: bytes) -> bool:
        if path.endswith(b"/2"):
            (tree / "3").rename(place / "3")
        return False

    source = OnDisk(b"s", os.fsencode(tree), meddle, refuge=Kept(tree, place))
    result = archive(memory, [source], ArchiveOptions(paths=["/s"]))
    stored = {
        path: node.size for path, node in SnapshotView(memory, result.snapshot).walk() if node.content is not None
    }
    assert result.problems == ()
    assert stored == {b"s/%d" % number: 600_000 for number in range(5)} | {b"s/sub/x": 1}


def test_a_deleted_file_is_recalled_from_the_parent(memory: Repository, tmp_path: Path) -> None:
    tree = tmp_path / "s"
    build(tree, {b"%d" % number: File(b"%d" % number) for number in range(4)})
    first = save(memory, tree)
    (tree / "1").unlink()
    (tree / "2").unlink()

    def meddle(path: bytes) -> bool:
        if path.endswith(b"/3"):
            (tree / "3").unlink()
        return False

    def wanted(path: bytes) -> bool:
        return not path.endswith(b"/2")

    source = OnDisk(b"s", os.fsencode(tree), meddle, recall=wanted)
    result = archive(memory, [source], ArchiveOptions(paths=["/s"], parent=first.snapshot))
    assert result.problems == ()
    assert [path for path, _ in SnapshotView(memory, result.snapshot).walk()] == [b"s", b"s/0", b"s/1", b"s/3"]
    assert check(memory, read_data=True).good


def test_a_deleted_file_differs_from_an_unreadable_one(memory: Repository, tmp_path: Path) -> None:
    tree = tmp_path / "s"
    build(tree, {b"%d" % number: File(b"x" * 600_000) for number in range(3)})

    def meddle(path: bytes) -> bool:
        if path.endswith(b"/1"):
            (tree / "2").unlink()
        return False

    entries = [OnDisk(b"s", os.fsencode(tree), meddle), OnDisk(b"t", os.fsencode(tmp_path / "absent"))]
    problems = archive(memory, entries, ArchiveOptions(paths=["/s"])).problems
    assert [(one.path.rpartition(b"/")[2], one.vanished) for one in problems] == [(b"2", True), (b"absent", False)]


def test_only_sockets_are_left_out(memory: Repository, tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s/socket"))
    listener.close()
    build(tmp_path / "s", {b"file": File(b"x")})
    result = save(memory, tmp_path / "s")
    assert result.problems == ()
    assert [path for path, _ in SnapshotView(memory, result.snapshot).walk()] == [b"s", b"s/file"]


def test_the_last_root_entry_is_opened_after_all_others(memory: Repository, tmp_path: Path) -> None:
    build(tmp_path / "s", {b"%d" % number: File(os.urandom(700_000)) for number in range(10)})
    order: list[str] = []

    def manifest() -> Pieces:
        order.append("manifest")
        return Pieces(b"{}", [])

    def dump() -> Pieces:
        order.append("dump")
        return Pieces(b"rows", [])

    result = archive(
        memory,
        [
            Folder(b"databases", [Stream(b"dump", dump)]),
            OnDisk(b"files", os.fsencode(tmp_path / "s")),
            Stream(b"aaa-manifest.json", manifest),
        ],
        ArchiveOptions(paths=["/s"]),
    )
    assert order == ["dump", "manifest"]
    names = [node.name for node in SnapshotView(memory, result.snapshot).nodes(result.snapshot.tree)]
    assert names == [b"aaa-manifest.json", b"databases", b"files"]


def test_a_lost_blob_of_the_parent_is_stored_again(tmp_path: Path) -> None:
    backend = MemoryBackend()
    repository = Repository.init(backend, PASSPHRASE, cost=CHEAP)
    build(tmp_path / "s", {b"a": File(b"precious"), b"b": File(b"other")})
    first = save(repository, tmp_path / "s")
    backend.remove(pack_of(repository, BlobKind.DATA))
    for stored in list(backend.list_files(FileKind.INDEX)):
        backend.remove(FileHandle(FileKind.INDEX, stored.name))
    second = save(repository, tmp_path / "s", parent=first.snapshot)
    assert second.problems == ()
    assert second.notes
    assert "is damaged, so all files were read again" in second.notes[0]
    target = tmp_path / "back"
    assert restore(repository, second.snapshot, target, subtree=b"s").damaged == []
    assert look(target) == look(tmp_path / "s")
