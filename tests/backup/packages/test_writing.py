"""Packages out: complete or not there, of odd names and moving files too."""

import datetime
import os
import subprocess
import uuid

import pytest
from tests.backup.sources.hosting import Host, start_with_file_limit

from apps.backup.manifest import FORMAT, JobFacts, Manifest, ProjectFacts, ReferenceFacts, encode
from apps.backup.packages import PackageRefused, extract, open_package, write_package
from apps.backup.sources.readers import BytesReader
from strongroom.entries import Folder, OnDisk, Stream

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
MANIFEST = Manifest(
    format=FORMAT,
    software="test",
    job=JobFacts(uuid=str(uuid.uuid4()), name="n", configuration="", type="EXPORT", started_at=NOW),
    cut_at=NOW,
    project=ProjectFacts(python="", django="", apps={}, code_migrations={}),
    secrets=[],
    databases=[],
    files=[],
    references=ReferenceFacts(fields=[], checked=0, missing=0, excluded=0, orphans=0, examples=[]),
    fact_files=[],
    problems=0,
)


class Entries:
    """What a package needs of a cut."""

    def __init__(self, *entries, staging):
        self._entries = [*entries, Stream(b"manifest.json", lambda: BytesReader(encode(MANIFEST)))]
        self.problems = []
        self.spec = type("Spec", (), {"staging": staging})

    def entries(self):
        return self._entries


def media_of(tmp_path):
    media = tmp_path / "media"
    media.mkdir()
    return media


def test_odd_names_and_times_come_back(tmp_path):
    media = media_of(tmp_path)
    names = [b"plain", b"bad\xff\xfeutf8", "größe 文書".encode(), b"new\nline", b"back\\slash", b"x" * 255, b"tab\t\"'"]
    for number, name in enumerate(names):
        path = os.fsencode(media) + b"/" + name
        with open(path, "wb") as file:
            file.write(b"%d" % number * number * 100_000)
        os.utime(path, ns=(0, -1_500_000_001 if number % 2 else 1_700_000_000_123_456_789))
        os.chmod(path, 0o640)  # noqa: PTH101  a name of bytes
    (media / "empty").mkdir()
    cut = Entries(Folder(b"files", [OnDisk(b"media", os.fsencode(media))]), staging=tmp_path)

    result = write_package(tmp_path / "p.tar.gz", cut)

    assert result.problems == []
    extract(open_package(tmp_path / "p.tar.gz"), {b"files/media": tmp_path / "out"})
    seen = {entry.name: entry for entry in os.scandir(os.fsencode(tmp_path / "out"))}
    assert sorted(seen) == sorted([*names, b"empty"])
    for name in names:
        before = os.lstat(os.fsencode(media) + b"/" + name)
        after = seen[name].stat()
        assert (after.st_mode, after.st_mtime_ns, after.st_size) == (before.st_mode, before.st_mtime_ns, before.st_size)
    subprocess.run(["tar", "xzf", "p.tar.gz"], cwd=tmp_path, check=True, stderr=subprocess.DEVNULL)
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=tmp_path, check=True)


def test_links_are_problems(tmp_path):
    media = media_of(tmp_path)
    (media / "link").symlink_to("/etc/passwd")
    result = write_package(
        tmp_path / "p.tar.gz",
        Entries(Folder(b"files", [OnDisk(b"media", os.fsencode(media))]), staging=tmp_path),
    )
    assert [(problem.path, "link" in problem.reason) for problem in result.problems] == [(str(media / "link"), True)]


def test_nothing_is_overwritten_or_left(tmp_path):
    target = tmp_path / "p.tar.gz"
    target.write_text("mine")
    with pytest.raises(PackageRefused, match="exists"):
        write_package(target, Entries(staging=tmp_path))
    assert target.read_text() == "mine"

    class Broken:
        def read(self, size):
            raise OSError(5, "Input/output error")

        def close(self):
            pass

    with pytest.raises(PackageRefused, match="Input/output error"):
        write_package(tmp_path / "q.tar.gz", Entries(Stream(b"databases", Broken), staging=tmp_path))

    def refuse():
        raise RuntimeError("the lease is gone")

    with pytest.raises(RuntimeError):
        write_package(tmp_path / "q.tar.gz", Entries(staging=tmp_path), before_publish=refuse)
    assert [path.name for path in tmp_path.iterdir()] == ["p.tar.gz"]


def test_a_full_disk_leaves_nothing(sqlite_host: Host, tmp_path):
    (sqlite_host.media / "large.bin").write_bytes(os.urandom(3_000_000))
    result = start_with_file_limit(
        sqlite_host, 1500, "trigger_backup", "--type", "FILES", "--output", str(tmp_path / "p.tar.gz")
    )
    assert result.returncode == 1
    assert "no space" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
