"""Two trees of files: the comparison can fail, and names the first difference."""

import os
import shutil

import pytest

from demo.compare import CHUNK, compare_trees, first_attribute

ODD = os.fsdecode(b"caf\xe9\n")


@pytest.fixture
def trees(tmp_path):
    """The tree that was, and an exact copy of it."""
    old = tmp_path / "old"
    (old / "a" / "b").mkdir(parents=True)
    (old / "empty").mkdir()
    (old / "a" / "file").write_bytes(b"content")
    (old / "a" / "b" / "large").write_bytes(bytes(CHUNK) + b"end")
    (old / "a.txt").write_bytes(b"")
    (old / ODD).write_bytes(b"odd")
    (old / "link").symlink_to("a/file")
    shutil.copytree(old, tmp_path / "new", symlinks=True)
    return old, tmp_path / "new"


def put_byte(path, position, byte):
    times = path.stat()
    with open(path, "r+b") as file:
        file.seek(position)
        file.write(byte)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def later(path):
    times = os.lstat(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns + 1), follow_symlinks=False)


def keep_times(path, change):
    times = os.lstat(path)
    change()
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_the_same_is_identical(trees):
    result = compare_trees(*trees)
    assert result.identical, result.first
    assert result.compared == 9
    assert result.size == 7 + CHUNK + 3 + 3


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda new: put_byte(new / "a" / "file", 3, b"T"), "file 'a/file': differs from byte 3 on"),
        (lambda new: put_byte(new / "a" / "b" / "large", CHUNK + 2, b"x"), f"differs from byte {CHUNK + 2} on"),
        (lambda new: (new / "a" / "file").chmod(0o600), "file 'a/file': mode is 0600 and was 0644"),
        (lambda new: (new / "empty").chmod(0o700), "file 'empty': mode is 0700 and was 0755"),
        (lambda new: later(new / ODD), "ns and was"),
        (lambda new: later(new / "empty"), "file 'empty': mtime is"),
        (lambda new: later(new / "link"), "file 'link': mtime is"),
        (lambda new: keep_times(new, (new / "a.txt").unlink), "file 'a.txt': is missing"),
        (lambda new: keep_times(new, (new / "0").touch), "file '0': is there, and was not"),
        (
            lambda new: keep_times(new / "a" / "file", lambda: os.truncate(new / "a" / "file", 6)),
            "has 6 bytes and had 7",
        ),
        (shutil.rmtree, "is missing"),
    ],
)
def test_a_difference_is_named(trees, change, named):
    old, new = trees
    change(new)
    result = compare_trees(old, new)
    assert not result.identical
    assert named in result.first


def test_a_link_that_points_elsewhere(trees):
    old, new = trees
    times = os.lstat(new / "link")
    (new / "link").unlink()
    (new / "link").symlink_to("a.file")
    os.utime(new / "link", ns=(times.st_atime_ns, times.st_mtime_ns), follow_symlinks=False)
    later(new)
    os.utime(new, ns=(0, old.stat().st_mtime_ns))
    assert compare_trees(old, new).first == "file 'link': points to b'a.file' and pointed to b'a/file'"


def test_a_file_that_became_a_folder(trees):
    old, new = trees
    (new / "a" / "file").unlink()
    (new / "a" / "file").mkdir()
    os.utime(new / "a", ns=(0, (old / "a").stat().st_mtime_ns))
    assert compare_trees(old, new).first == "file 'a/file': is of the kind d and was -"


def test_another_owner(trees):
    was = os.lstat(trees[0] / "a" / "file")
    # Only root may give files away, and the tests run without that too.
    now = os.stat_result([*was[:4], 12345, 54321, *was[6:]])
    assert first_attribute(was, now) == f"owner is 12345:54321 and was {was.st_uid}:{was.st_gid}"


def test_all_differences_are_counted(trees):
    old, new = trees
    shutil.rmtree(new / "a")
    os.utime(new, ns=(0, old.stat().st_mtime_ns))
    assert compare_trees(old, new).differences == 4
