"""Packages from anybody: each evil or damaged one is refused, by name, before anything is written."""

import gzip
import hashlib
import io
import json
import tarfile

import pytest

from apps.backup.manifest import ManifestInvalid
from apps.backup.packages import PackageDamaged, PackageRefused, extract, open_package, verify_package

MANIFEST = json.dumps(
    {
        "format": 1,
        "software": "x",
        "job": {
            "uuid": "11111111-1111-1111-1111-111111111111",
            "name": "n",
            "configuration": "",
            "type": "EXPORT",
            "started_at": "2026-01-01T00:00:00Z",
        },
        "cut_at": "2026-01-01T00:00:00Z",
        "project": {"python": "3", "django": "5", "apps": {}, "code_migrations": {}},
        "secrets": [],
        "databases": [],
        "files": [{"name": "media", "path": "/m", "files": 1, "folders": 0, "others": 0, "bytes": 5}],
        "references": {"fields": [], "checked": 0, "missing": 0, "excluded": 0, "orphans": 0, "examples": []},
        "fact_files": [],
        "problems": 0,
    }
).encode()


def folder(name):
    info = tarfile.TarInfo(name)
    info.type = tarfile.DIRTYPE
    info.mode = 0o755
    return info, b""


def file(name, content=b"hello", **fields):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


GOOD = [folder("files"), folder("files/media"), file("files/media/a.txt"), file("manifest.json", MANIFEST)]


def sums(members):
    lines = [
        hashlib.sha256(content).hexdigest().encode() + b"  " + info.name.encode("utf-8", "surrogateescape") + b"\n"
        for info, content in members
        if info.isreg()
    ]
    return file("SHA256SUMS", b"".join(lines))


def write(path, members, *, listed=None, trailer=b""):
    raw = io.BytesIO()
    for info, content in [*members, listed if listed is not None else sums(members)]:
        raw.write(info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape"))
        raw.write(content + bytes(-len(content) % 512))
    raw.write(bytes(1024) + trailer)
    path.write_bytes(gzip.compress(raw.getvalue()))
    return path


def test_a_good_one_is_taken(tmp_path):
    package = open_package(write(tmp_path / "p.tar.gz", GOOD))
    assert (package.total.files, package.total.folders) == (3, 2)
    extract(package, {b"files/media": tmp_path / "out"})
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.txt"]
    assert (tmp_path / "out/a.txt").read_bytes() == b"hello"
    assert verify_package(package.path) == []


EVIL = {
    "absolute": ([*GOOD, file("/etc/passwd")], "lead out"),
    "climbing": ([*GOOD, file("files/media/../../../x")], "lead out"),
    "dot": ([*GOOD, file("files/./x")], "lead out"),
    "empty part": ([*GOOD, file("files//x")], "lead out"),
    "symbolic link": ([*GOOD, file("files/media/l", b"", type=tarfile.SYMTYPE, linkname="/etc")], "a symbolic link"),
    "hard link": ([*GOOD, file("files/media/l", b"", type=tarfile.LNKTYPE, linkname="/etc/passwd")], "a hard link"),
    "device": ([*GOOD, file("files/media/d", b"", type=tarfile.CHRTYPE, devmajor=1)], "a character device"),
    "fifo": ([*GOOD, file("files/media/f", b"", type=tarfile.FIFOTYPE)], "a FIFO"),
    "sparse": ([*GOOD, file("files/media/s", b"", type=tarfile.GNUTYPE_SPARSE)], "unknown kind"),
    "doubled": ([*GOOD, file("files/media/a.txt")], "twice"),
    "doubled folder": ([*GOOD, folder("files/media")], "twice"),
    "below a file": ([*GOOD, file("files/media/a.txt/b")], "folder that is not in the package"),
    "without its folder": ([*GOOD, file("files/other/b")], "folder that is not in the package"),
    "foreign": ([*GOOD, file("run-me.sh")], "nothing that a package holds"),
    "too deep": ([*GOOD, file("files/" + "a/" * 200 + "x")], "too long or too deep"),
    "unlisted": (GOOD, "not in its list"),
    "missing": (GOOD, "not in the package"),
    "changed": (GOOD, "is damaged"),
    "strange attribute": ([*GOOD, file("files/x", pax_headers={"GNU.sparse.major": "1"})], "GNU.sparse.major"),
}
LISTED = {
    "unlisted": sums(GOOD[-1:]),
    "missing": sums([*GOOD, file("files/media/gone")]),
    "changed": sums([file("files/media/a.txt", b"HELLO"), GOOD[-1]]),
}


@pytest.mark.parametrize("evil", EVIL)
def test_evil_is_refused_by_name(tmp_path, evil):
    members, said = EVIL[evil]
    path = write(tmp_path / "p.tar.gz", members, listed=LISTED.get(evil))
    with pytest.raises(PackageRefused, match=said):
        open_package(path)
    assert len(verify_package(path)) == 1
    assert sorted(one.name for one in tmp_path.iterdir()) == ["p.tar.gz"]


def test_something_after_the_list(tmp_path):
    path = write(tmp_path / "p.tar.gz", [*GOOD, sums(GOOD)], listed=file("files/media/late"))
    with pytest.raises(PackageRefused, match="follows SHA256SUMS"):
        open_package(path)


def test_something_after_the_end(tmp_path):
    path = write(tmp_path / "p.tar.gz", GOOD, trailer=b"x" * 512)
    with pytest.raises(PackageRefused, match="follows the end"):
        open_package(path)


def test_a_large_extended_header(tmp_path):
    path = write(tmp_path / "p.tar.gz", [file("files/x", pax_headers={"path": "y" * 200_000})])
    with pytest.raises(PackageRefused, match="too much"):
        open_package(path)


def test_without_a_list_or_manifest(tmp_path):
    no_list = write(tmp_path / "a.tar.gz", GOOD, listed=folder("project"))
    with pytest.raises(PackageDamaged, match="not written to its end"):
        open_package(no_list)
    no_manifest = write(tmp_path / "b.tar.gz", GOOD[:3])
    with pytest.raises(ManifestInvalid):
        open_package(no_manifest)


def test_another_manifest_format(tmp_path):
    members = [*GOOD[:3], file("manifest.json", MANIFEST.replace(b'"format": 1', b'"format": 2'))]
    with pytest.raises(ManifestInvalid, match="format 2"):
        open_package(write(tmp_path / "p.tar.gz", members))
    members = [*GOOD[:3], file("manifest.json", MANIFEST.replace(b'"secrets"', b'"secrests"'))]
    with pytest.raises(ManifestInvalid, match="secrests"):
        open_package(write(tmp_path / "p.tar.gz", members))


def test_every_truncation_and_flipped_bit_is_found(tmp_path):
    path = write(tmp_path / "p.tar.gz", GOOD)
    content = path.read_bytes()
    for length in range(0, len(content), 37):
        path.write_bytes(content[:length])
        with pytest.raises(PackageRefused):
            open_package(path)
    for place in range(10, len(content), 11):
        path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        with pytest.raises((PackageRefused, ManifestInvalid)):
            open_package(path)


def test_a_package_that_changes_between_looking_and_taking(tmp_path):
    package = open_package(write(tmp_path / "p.tar.gz", GOOD))
    write(package.path, [*GOOD, file("files/media/more")])
    with pytest.raises(PackageRefused, match="has changed"):
        extract(package, {b"files/media": tmp_path / "out"})
