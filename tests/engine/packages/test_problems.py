"""A package names each file that it cannot hold, or that changed while it was read."""

import errno
import os

import pytest
from tests.engine.packages.test_writing import MANIFEST, NOW, media_of, names_in
from tests.engine.testing.kept_files import Kept

from strongroom.entries import Folder, OnDisk
from strongroom.packages import (
    archive_writer,
    open_package,
    write_package,
)


def test_a_file_that_is_not_stored_is_a_problem(tmp_path):
    media = media_of(tmp_path)
    (media / "link").symlink_to("/etc/passwd")
    os.mkfifo(media / "pipe")
    (media / "kept").write_bytes(b"1")
    (media / "left").mkdir()
    (media / "left" / "out").touch()
    asked = []

    def exclude(path):
        asked.append(path.rpartition(b"/")[2])
        return path.endswith(b"/left")

    result = write_package(
        tmp_path / "p.tar.gz",
        [MANIFEST, Folder(b"files", [OnDisk(b"media", os.fsencode(media), exclude)])],
        mtime_ns=NOW,
    )
    said = {problem.path: problem.reason for problem in result.problems}
    assert sorted(said) == [os.fsencode(media / "link"), os.fsencode(media / "pipe")]
    assert all("a link or a special file" in reason for reason in said.values())
    assert asked == [b"kept", b"left", b"link", b"pipe"]
    assert names_in(tmp_path / "p.tar.gz")[1:4] == ["files", "files/media", "files/media/kept"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("rewrite", "changed while it was read; the content that was read is stored"),
        ("grow", "grew while it was read; only its beginning is stored"),
        ("shrink", "shrank from 3000000 to 1048576 bytes while it was read"),
        ("break", "cannot read: Input/output error; its last 1951424 bytes are stored as zeros"),
    ],
)
def test_a_file_that_changes_while_it_is_read_is_a_problem(tmp_path, monkeypatch, change, said):
    """Change the file at its first read. Set its time, since the clock of a file system is coarse."""
    busy = media_of(tmp_path) / "busy"
    busy.write_bytes(b"1" * 3_000_000)
    original, inode, reads = os.read, busy.stat().st_ino, []

    def read_and_change(descriptor, size):
        if os.fstat(descriptor).st_ino == inode:
            if reads and change == "break":
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            reads.append(size)
        data = original(descriptor, size)
        if len(reads) == 1 and os.fstat(descriptor).st_ino == inode:
            if change == "shrink":
                os.truncate(busy, 1_048_576)
            elif change != "break":
                with busy.open("r+b") as file:
                    file.seek(0, os.SEEK_END if change == "grow" else os.SEEK_SET)
                    file.write(b"2")
            os.utime(busy, ns=(1, 1))
        return data

    monkeypatch.setattr(os, "read", read_and_change)
    met = []
    result = write_package(
        tmp_path / "p.tar.gz",
        [MANIFEST, Folder(b"files", [OnDisk(b"media", os.fsencode(busy.parent))])],
        mtime_ns=NOW,
        on_problem=met.append,
    )
    monkeypatch.undo()
    assert [(problem.path, problem.reason) for problem in result.problems] == [(os.fsencode(busy), said)]
    assert met == result.problems
    assert open_package(tmp_path / "p.tar.gz").roots["media"].files == 1


def test_a_replaced_file_is_a_problem(tmp_path):
    """Delete or replace a folder and two files before they are read, when `exclude` is called for another entry."""
    media = media_of(tmp_path)
    for name in ("calm", "linked", "piped"):
        (media / name).write_text(name)
    (media / "folder").mkdir()
    turned = []

    def turn(path):
        name = path.rpartition(b"/")[2]
        if name == b"calm":
            (media / "folder").rmdir()
            (media / "linked").unlink()
            (media / "linked").symlink_to("/etc/passwd")
            (media / "piped").unlink()
            turned.append(name)
        return False

    result = write_package(
        tmp_path / "p.tar.gz",
        [MANIFEST, Folder(b"files", [OnDisk(b"media", os.fsencode(media), turn)])],
        mtime_ns=NOW,
    )
    assert turned
    assert {problem.path.rpartition(b"/")[2] for problem in result.problems} == {b"folder", b"linked", b"piped"}
    assert open_package(tmp_path / "p.tar.gz").roots["media"].files == 1


def test_an_entry_that_a_package_cannot_hold_is_a_problem(tmp_path):
    """A reader would refuse a file of terabytes of holes, and a folder that is too deep."""
    media = media_of(tmp_path)
    (media / "small").write_bytes(b"here")
    with (media / "sparse").open("wb") as file:
        file.truncate(3 << 40)
    with (media / "some holes").open("wb") as file:
        file.truncate(1 << 20)
    deep = media
    for _ in range(archive_writer.MAX_DEPTH):
        deep = deep / "d"
        deep.mkdir()
    (deep / "lost").write_bytes(b"too deep")
    path = tmp_path / "p.tar.gz"
    result = write_package(path, [MANIFEST, Folder(b"files", [OnDisk(b"media", os.fsencode(media))])], mtime_ns=NOW)
    told = {os.fsdecode(one.path): one.reason for one in result.problems}
    first_too_deep = media / "/".join("d" * (archive_writer.MAX_DEPTH - 1))
    assert set(told) == {str(media / "sparse"), str(first_too_deep)}
    assert "mostly holes" in told[str(media / "sparse")]
    assert "is too deep" in told[str(first_too_deep)]
    assert {"files/media/small", "files/media/some holes"} <= set(names_in(path))
    assert open_package(path).roots["media"].files == 2


def test_attributes_that_are_not_stored_are_noted(tmp_path):
    media = media_of(tmp_path)
    for number in range(12):
        (media / f"f{number:02}").write_bytes(b"x")
        os.setxattr(media / f"f{number:02}", "user.origin", b"scanner")
    (media / "plain").write_bytes(b"x")
    path = tmp_path / "p.tar.gz"
    result = write_package(path, [MANIFEST, Folder(b"files", [OnDisk(b"media", os.fsencode(media))])], mtime_ns=NOW)
    [note] = result.notes
    assert note.startswith("12 files or folders have extended attributes or access control lists")
    assert str(media / "f00") in note
    assert note.endswith(", …")
    assert "plain" not in note
    assert result.problems == []


def test_a_file_deleted_meanwhile_is_read_from_the_kept_files(tmp_path):
    """Delete a file before its folder is listed, one later, one with its whole folder, and one that is not kept."""
    media, kept = media_of(tmp_path), tmp_path / "kept"
    (kept / "sub").mkdir(parents=True)
    for place in (kept / "0", media / "1", media / "2", media / "3", media / "4", kept / "sub/x"):
        place.write_text(place.name)

    def meddle(path):
        if path.endswith(b"/2"):
            (media / "3").rename(kept / "3")
            (media / "4").unlink()
        return False

    source = OnDisk(b"media", os.fsencode(media), meddle, refuge=Kept(media, kept))
    path = tmp_path / "p.tar.gz"
    result = write_package(path, [MANIFEST, Folder(b"files", [source])], mtime_ns=NOW)

    inside = [name.removeprefix("files/media/") for name in names_in(path) if name.startswith("files/media/")]
    assert inside == ["0", "1", "2", "3", "sub", "sub/x"]
    assert [(one.path.rpartition(b"/")[2], one.vanished) for one in result.problems] == [(b"4", True)]
