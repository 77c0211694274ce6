"""Writing packages: complete or absent, in one order, reproducible, with odd names and changing files."""

import gzip
import hashlib
import io
import os
import subprocess
import sys
import tarfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.testing.gnupg import PASSPHRASE
from tests.engine.testing.restic import environment

from strongroom.entries import Folder, OnDisk, Stream
from strongroom.errors import PackageRefused
from strongroom.packages import (
    archive_writer,
    extract,
    member_order,
    open_package,
    reader,
    readme,
    spool,
    write_package,
)
from strongroom.packages.checksums import encode_sum
from strongroom.packages.tar_format import END, Member, encode_header, padding
from strongroom.passphrase import Passphrase

NOW = 1_767_225_600_123_456_789


SECRET = Passphrase(PASSPHRASE.decode(), "a test")


def stream(name, content, **fields):
    return Stream(name, lambda: io.BytesIO(content), **fields)


MANIFEST = stream(b"manifest.json", b"{}")


def whole(content, size=1 << 20):
    return b"".join(iter(lambda: content.read(size), b""))


def media_of(tmp_path):
    media = tmp_path / "media"
    media.mkdir()
    return media


def names_in(path):
    with tarfile.open(path) as tar:
        return [member.name for member in tar]


def test_odd_names_and_times_round_trip(tmp_path):
    media = media_of(tmp_path)
    names = [b"plain", b"bad\xff\xfeutf8", "größe 文書".encode(), b"new\nline", b"back\\slash", b"x" * 255, b"tab\t\"'"]
    for number, name in enumerate(names):
        path = os.fsencode(media) + b"/" + name
        with open(path, "wb") as file:
            file.write(b"%d" % number * number * 100_000)
        os.utime(path, ns=(0, -1_500_000_001 if number % 2 else 1_700_000_000_123_456_789))
        os.chmod(path, 0o640)  # noqa: PTH101  a name of bytes
    (media / "empty").mkdir()

    result = write_package(
        tmp_path / "p.tar.gz", [MANIFEST, Folder(b"files", [OnDisk(b"media", os.fsencode(media))])], mtime_ns=NOW
    )

    assert result.problems == []
    package = open_package(tmp_path / "p.tar.gz")
    assert (package.roots["media"].files, package.roots["media"].folders) == (len(names), 1)
    extract(package, {b"files/media": tmp_path / "out"})
    seen = {entry.name: entry for entry in os.scandir(os.fsencode(tmp_path / "out"))}
    assert sorted(seen) == sorted([*names, b"empty"])
    for name in names:
        before = os.lstat(os.fsencode(media) + b"/" + name)
        after = seen[name].stat()
        assert (after.st_mode, after.st_mtime_ns, after.st_size) == (before.st_mode, before.st_mtime_ns, before.st_size)
    subprocess.run(["tar", "xzf", "p.tar.gz"], cwd=tmp_path, check=True, stderr=subprocess.DEVNULL)
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=tmp_path, check=True)


NAMES = st.binary(min_size=1, max_size=12).filter(
    lambda name: not set(name) & set(b"/\0") and name not in {b".", b".."}
)


CONTENTS = st.one_of(st.binary(max_size=40), st.integers(500, 3_000).map(lambda size: b"line\n" * size))


TREES = st.recursive(CONTENTS, lambda below: st.dictionaries(NAMES, below, max_size=4), max_leaves=12)


def entry_of(name, tree):
    if isinstance(tree, bytes):
        return stream(name, tree)
    return Folder(name, [entry_of(child, below) for child, below in tree.items()])


def flat(prefix, tree):
    if isinstance(tree, bytes):
        return {prefix: tree}
    return {
        path: content for name, below in tree.items() for path, content in flat(prefix + b"/" + name, below).items()
    }


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    trees=st.dictionaries(
        st.sampled_from([b"data", b"databases", b"files", b"project"]), st.dictionaries(NAMES, TREES, max_size=4)
    ),
    compression=st.booleans(),
)
def test_any_tree_round_trips_with_the_same_bytes(tmp_path_factory, trees, compression):
    folder = tmp_path_factory.mktemp("tree")
    packages = folder / "a.tar.gz", folder / "b.tar.gz"
    for path, step in zip(packages, (1, -1), strict=True):
        entries = [MANIFEST, *(entry_of(name, tree) for name, tree in trees.items())][::step]
        result = write_package(path, entries, mtime_ns=NOW, compression=compression)
    expected = {path: content for name, tree in trees.items() for path, content in flat(name, tree).items()}
    with open_package(packages[0]).members() as found:
        seen = {member.name: whole(content, 700) for member, content in found}
    assert seen.pop(b"README.txt").startswith(b"THIS IS A BACKUP")
    assert seen.pop(b"SHA256SUMS").count(b"  ") >= len(expected) + 2
    assert seen.pop(b"manifest.json") == b"{}"
    assert seen == expected
    assert result.files == len(expected) + 2
    assert packages[0].read_bytes() == packages[1].read_bytes()


def test_the_same_content_gives_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "_IN_MEMORY", 1000)
    media = media_of(tmp_path)
    for name in ("b", "a", "A"):
        (media / name).write_bytes(os.urandom(1_500_000))
    rows = b"".join(b'[%d, "row"]\n' % number for number in range(300_000))

    def write(name, **options):
        entries = [
            Folder(b"files", [OnDisk(b"media", os.fsencode(media))]),
            Folder(b"data", [stream(b"z.ndjson", rows), stream(b"a.ndjson", b"", mtime_ns=5)]),
            MANIFEST,
        ]
        write_package(tmp_path / name, entries, **{"mtime_ns": NOW, **options})
        return (tmp_path / name).read_bytes()

    first = write("1.tar.gz")
    assert write("2.tar.gz") == first
    assert write("3.tar.gz", mtime_ns=NOW + 1) != first
    assert gzip.decompress(write("4.tar.gz", compression=False)) == gzip.decompress(first)
    write("5.tar.gz.gpg", passphrase=SECRET)
    with open_package(tmp_path / "5.tar.gz.gpg", passphrase=lambda: SECRET).file.open() as source:
        assert whole(source) == first
    assert first[4:8] == bytes(4)  # gzip's own time
    with tarfile.open(tmp_path / "1.tar.gz") as tar:
        times = {member.name: member.pax_headers.get("mtime") for member in tar}
    assert times.pop("data/a.ndjson") == "0.000000005"
    generated = ["README.txt", "data", "data/z.ndjson", "files", "manifest.json", "SHA256SUMS"]
    assert [times[name] for name in generated] == ["1767225600.123456789"] * 6


def test_members_have_the_order_of_packages(tmp_path):
    media = media_of(tmp_path)
    for name in ("b", "a.txt", "a-z", "B"):
        (media / name).touch()
    (media / "a").mkdir()
    (media / "a" / "z").touch()
    entries = [
        MANIFEST,
        Folder(b"project", [stream(b".env", b"")]),
        Folder(b"files", [stream(b"z", b""), OnDisk(b"media", os.fsencode(media))]),
        Folder(b"databases", [Folder(b"second", []), Folder(b"first", [])]),
        Folder(b"data", []),
    ]
    write_package(tmp_path / "p.tar.gz", entries, mtime_ns=NOW)
    below = ["", "/B", "/a", "/a/z", "/a-z", "/a.txt", "/b"]
    assert names_in(tmp_path / "p.tar.gz") == [
        *("README.txt", "data", "databases", "databases/first", "databases/second", "files"),
        *(f"files/media{name}" for name in below),
        *("files/z", "project", "project/.env", "manifest.json", "SHA256SUMS"),
    ]


def test_the_readme_names_all_top_entries():
    assert all(name in readme.TEXT for name in member_order.TOP)
    assert readme.TEXT.isascii()
    assert max(map(len, readme.TEXT.splitlines())) <= 120


@pytest.mark.parametrize("name", [b"etc", b"README.txt", b"SHA256SUMS"])
def test_names_reserved_for_packages_are_refused(tmp_path, name):
    with pytest.raises(PackageRefused, match="a package has no entry of that name"):
        write_package(tmp_path / "p.tar.gz", [MANIFEST, stream(name, b"")], mtime_ns=NOW)
    assert list(tmp_path.iterdir()) == []


def test_a_stream_is_buffered_compressed(tmp_path, monkeypatch):
    sizes = []

    class Watched(spool.Spool):
        def rewind(self):
            sizes.append(self.size)
            super().rewind()

    monkeypatch.setattr(archive_writer, "Spool", Watched)
    rows = b"the same row again\n" * 1_000_000
    result = write_package(
        tmp_path / "p.tar.gz", [MANIFEST, Folder(b"data", [stream(b"t.ndjson", rows)])], mtime_ns=NOW
    )
    assert max(sizes) < len(rows) // 100
    assert sum(sizes) < result.size
    with open_package(tmp_path / "p.tar.gz").open_member("data/t.ndjson") as content:
        assert whole(content) == rows


def test_members_of_a_folder_are_read_in_one_pass(tmp_path, monkeypatch):
    tables = {b"data/b/%d" % number: os.urandom(40_000) for number in range(5)}
    entries = [
        MANIFEST,
        Folder(b"data", [Folder(b"b", [stream(name[-1:], content) for name, content in tables.items()])]),
        Folder(b"files", [stream(b"large", os.urandom(10_000_000))]),
    ]
    monkeypatch.setattr("strongroom.packages.package_file.PIECE", 100_000)
    write_package(tmp_path / "p.tar.gz", entries, mtime_ns=NOW)
    package = open_package(tmp_path / "p.tar.gz")
    for prefix in (b"data", b"data/b"):
        with package.members(prefix) as found:
            assert {member.name: content.read(50_000) for member, content in found} == tables
    with package.members(b"data/b/3") as found:
        assert [member.name for member, _ in found] == [b"data/b/3"]
    for nothing in (b"data/bb", b"dat", b"data/b/3/x", b"zzz"):
        with package.members(nothing) as found:
            assert list(found) == []
    with pytest.raises(KeyError), package.open_member("data/b"):
        pass
    # Members far behind the last requested one are not read.
    with package.path.open("r+b") as file:
        file.seek(-2_000_000, os.SEEK_END)
        file.write(b"changed")
    with package.members(b"data") as found:
        assert len(list(found)) == 5
    with pytest.raises(PackageRefused, match="has changed while"), package.members() as found:
        list(found)


def test_gigabytes_of_the_same_byte_are_not_refused_as_a_bomb(tmp_path, monkeypatch):
    """Written zeros, not holes: they are stored large enough that readers do not refuse them as a bomb."""
    monkeypatch.setattr(reader, "FREE", 1_000_000)
    size = 40_000_000
    zeros = [MANIFEST, Folder(b"files", [stream(b"zeros", bytes(size))])]
    result = write_package(tmp_path / "p.tar.gz", zeros, mtime_ns=NOW)
    again = write_package(tmp_path / "again.tar.gz", zeros, mtime_ns=NOW)
    assert size / 250 < result.size < size / 100
    assert again.sha256 == result.sha256
    plain = subprocess.run(["tar", "-xzOf", str(tmp_path / "p.tar.gz"), "files/zeros"], capture_output=True, check=True)
    assert plain.stdout == bytes(size)


def write_many(path, count):
    """Build a package of many small files, faster than the writer: headers differ only in digits and checksum."""
    header = bytearray(encode_header(Member(b"files/media/%07d" % 0, False, 1, 0o600, 0)))
    blank = sum(header[:148]) + sum(header[156:]) + 8 * ord(" ") - 7 * ord("0")
    digest = hashlib.sha256(b"x").hexdigest().encode()
    listed = []
    with gzip.open(path, "wb", compresslevel=1) as file:

        def put(name, content):
            file.write(encode_header(Member(name, False, len(content), 0o600, 0)) + content + padding(len(content)))

        for folder in (b"files", b"files/media"):
            file.write(encode_header(Member(folder, True, 0, 0o700, 0)))
        for number in range(count):
            digits = b"%07d" % number
            header[12:19], header[148:156] = digits, b"%06o\0 " % (blank + sum(digits))
            file.write(header + b"x" + bytes(511))
            listed.append(digest + b"  files/media/" + digits + b"\n")
        put(b"manifest.json", b"{}")
        listed.append(encode_sum(b"manifest.json", hashlib.sha256(b"{}").digest()))
        put(b"SHA256SUMS", b"".join(listed))
        file.write(END)


_READ = """
import sys
from pathlib import Path
from strongroom.packages import open_package
def peak():
    # Not ru_maxrss: it starts with the peak of the parent.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])
before = peak()
package = open_package(Path(sys.argv[1]))
assert package.roots["media"].files == int(sys.argv[2])
print(peak() - before)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_members(tmp_path):
    write_many(tmp_path / "p.tar.gz", 200_000)
    command = [sys.executable, "-c", _READ, str(tmp_path / "p.tar.gz"), "200000"]
    done = subprocess.run(command, env=environment(), check=True, capture_output=True, text=True)
    # Kilobytes: buffers, and data in memory before it is written to the disk. All names and hashes would be 40 MB.
    assert int(done.stdout) < 30 * 1024
