"""New files get their names where the file system has hard links, and where it has none."""

from __future__ import annotations

import errno
import os

import pytest
from tests.engine.packages.test_writing import MANIFEST, NOW

from strongroom.durable_names import publish_new
from strongroom.errors import PackageRefused
from strongroom.packages.writer import write_package


@pytest.fixture(params=["links", "none"])
def links(request, monkeypatch):
    """The calls of a file system with hard links, and of one without, such as exFAT."""

    def refused(source, target):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), str(source), None, str(target))

    if request.param == "none":
        monkeypatch.setattr(os, "link", refused)


@pytest.fixture
def complete(tmp_path):
    path = tmp_path / "complete.tmp"
    path.write_bytes(b"new")
    return path


@pytest.mark.usefixtures("links")
def test_a_new_file_gets_its_name(complete, tmp_path):
    publish_new(complete, tmp_path / "name")
    assert (tmp_path / "name").read_bytes() == b"new"


@pytest.mark.usefixtures("links")
@pytest.mark.parametrize("broken", [False, True], ids=["file", "broken link"])
def test_a_name_that_is_taken_stays(broken, complete, tmp_path):
    taken = tmp_path / "name"
    if broken:
        taken.symlink_to("nowhere")
    else:
        taken.write_bytes(b"old")
    with pytest.raises(FileExistsError):
        publish_new(complete, taken)
    assert taken.is_symlink() if broken else taken.read_bytes() == b"old"
    assert complete.read_bytes() == b"new"


def test_other_errors_of_the_file_system_are_raised(complete, tmp_path):
    with pytest.raises(FileNotFoundError):
        publish_new(complete, tmp_path / "absent" / "name")


@pytest.mark.usefixtures("links")
def test_a_package_is_written_to_a_stick_and_replaces_nothing(tmp_path):
    package = tmp_path / "stick" / "p.tar.gz"
    package.parent.mkdir()
    write_package(package, [MANIFEST], mtime_ns=NOW)
    written = package.read_bytes()
    assert list(package.parent.iterdir()) == [package]

    other = tmp_path / "stick" / "q.tar.gz"

    def taken_by_another():
        other.write_bytes(b"theirs")

    with pytest.raises(PackageRefused, match="Another process"):
        write_package(other, [MANIFEST], mtime_ns=NOW, before_publish=taken_by_another)
    assert (package.read_bytes(), other.read_bytes()) == (written, b"theirs")
