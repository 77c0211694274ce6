"""A package appears under its final name whole or not at all."""

import os

import pytest
from tests.engine.packages.test_writing import MANIFEST, NOW, stream

from strongroom.entries import Folder, Stream
from strongroom.errors import PackageDamaged, PackageRefused
from strongroom.packages import (
    reader,
    remove_leftovers,
    write_package,
)


def test_a_package_that_cannot_be_opened_again_is_not_published(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "FREE", 1_000_000)
    twice = [MANIFEST, Folder(b"files", [stream(b"a", b""), stream(b"a", b"")])]
    with pytest.raises(PackageRefused, match="twice"):
        write_package(tmp_path / "p.tar.gz", twice, mtime_ns=NOW)
    with pytest.raises(PackageDamaged, match=r"no manifest\.json"):
        write_package(tmp_path / "p.tar.gz", [], mtime_ns=NOW)
    with pytest.raises(PackageDamaged, match="so it was removed: not what I meant"):
        write_package(tmp_path / "p.tar.gz", [MANIFEST], mtime_ns=NOW, verify=lambda _: ["not what I meant"])
    assert list(tmp_path.iterdir()) == []


def test_write_package_never_overwrites(tmp_path):
    target = tmp_path / "p.tar.gz"
    target.write_text("mine")
    with pytest.raises(PackageRefused, match="exists"):
        write_package(target, [MANIFEST], mtime_ns=NOW)
    assert target.read_text() == "mine"

    class Broken:
        def read(self, size):
            raise OSError(5, "Input/output error")

        def close(self):
            pass

    with pytest.raises(PackageRefused, match="Input/output error"):
        write_package(tmp_path / "q.tar.gz", [MANIFEST, Stream(b"data", Broken)], mtime_ns=NOW)

    def refuse():
        raise RuntimeError("the lease is gone")

    with pytest.raises(RuntimeError):
        write_package(tmp_path / "q.tar.gz", [MANIFEST], mtime_ns=NOW, before_publish=refuse)
    assert [path.name for path in tmp_path.iterdir()] == ["p.tar.gz"]


def test_a_full_disk_leaves_no_package(tmp_path, under_limit):
    rows = os.urandom(12_000_000)
    under_limit(10_000_000)
    with pytest.raises(PackageRefused, match=r"no space is left; nothing was left there"):
        write_package(tmp_path / "p.tar.gz", [MANIFEST, Folder(b"data", [stream(b"t", rows)])], mtime_ns=NOW)
    assert list(tmp_path.iterdir()) == []


def test_remove_leftovers_removes_only_abandoned_files(tmp_path):
    def made_long_ago(path):
        os.utime(path, (0, 0))
        return path

    (left := tmp_path / ".q.tar.gz.ab_12cd9.partial").write_bytes(bytes(1000))
    (young := tmp_path / ".r.tar.gz.ab_12cd9.partial").write_bytes(bytes(1000))
    (other := tmp_path / ".mine.partial").write_bytes(b"x")
    for path in (left, other):
        made_long_ago(path)

    def sweep():
        assert remove_leftovers(tmp_path) == 1000

    package = tmp_path / "p.tar.gz"
    write_package(package, [MANIFEST], mtime_ns=NOW, before_publish=sweep)
    assert set(tmp_path.iterdir()) == {package, young, other}
    # Killed between the two names of a complete package: no space is freed, and the package stays.
    made_long_ago(package)
    os.link(package, left)
    assert remove_leftovers(tmp_path) == 0
    assert set(tmp_path.iterdir()) == {package, young, other}
    assert remove_leftovers(tmp_path / "absent") == 0
