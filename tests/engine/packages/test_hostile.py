"""Hostile and damaged packages: each is refused by name before anything is written."""

import gzip
import hashlib
import io
import os
import tarfile

import pytest

from strongroom.errors import PackageDamaged, PackageRefused
from strongroom.packages import extract, member_order, open_package, reader

MANIFEST = b'{"files": [{"name": "media", "files": 1, "bytes": 5}]}'


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


def test_open_package_accepts_a_good_package(tmp_path):
    package = open_package(write(tmp_path / "p.tar.gz", GOOD))
    assert (package.total.files, package.total.folders) == (3, 2)
    extract(package, {b"files/media": tmp_path / "out"})
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.txt"]
    assert (tmp_path / "out/a.txt").read_bytes() == b"hello"


def inside(*members):
    """Return a good package with further members in its folder of files."""
    return [*GOOD[:-1], *members, GOOD[-1]]


EVIL = {
    "absolute": (inside(file("/etc/passwd")), "lead out"),
    "climbing": (inside(file("files/media/../../../x")), "lead out"),
    "dot": (inside(file("files/./x")), "lead out"),
    "empty part": (inside(file("files//x")), "lead out"),
    "NUL": (inside(file("files/x", pax_headers={"path": "files/a\0b"})), "lead out"),
    "symbolic link": (inside(file("files/media/l", b"", type=tarfile.SYMTYPE, linkname="/etc")), "a symbolic link"),
    "hard link": (inside(file("files/media/l", b"", type=tarfile.LNKTYPE, linkname="/etc/passwd")), "a hard link"),
    "device": (inside(file("files/media/d", b"", type=tarfile.CHRTYPE, devmajor=1)), "a character device"),
    "block device": (inside(file("files/media/d", b"", type=tarfile.BLKTYPE, devmajor=1)), "a block device"),
    "fifo": (inside(file("files/media/f", b"", type=tarfile.FIFOTYPE)), "a FIFO"),
    "sparse": (inside(file("files/media/s", b"", type=tarfile.GNUTYPE_SPARSE)), "unknown kind"),
    "GNU's long name": (inside(file("files/media/s", b"", type=tarfile.GNUTYPE_LONGNAME)), "unknown kind"),
    "global header": (inside(file("files/media/s", b"", type=tarfile.XGLTYPE)), "unknown kind"),
    "doubled": (inside(file("files/media/a.txt")), "in the package twice"),
    "doubled later": (
        inside(file("files/media/b"), file("files/media/a.txt")),
        "twice, or another program wrote",
    ),
    "doubled folder": (inside(folder("files/media")), "twice, or another program wrote"),
    "doubled empty folder": ([GOOD[0], GOOD[0], *GOOD[1:]], "in the package twice"),
    "out of order": (inside(file("files/media/0")), "comes after 'files/media/a.txt'"),
    "top out of order": ([*GOOD, folder("project")], "comes after 'manifest.json'"),
    "back into a folder": (inside(folder("files/other"), file("files/media/z")), "comes after 'files/other'"),
    "below a file": (inside(file("files/media/a.txt/b")), "folder that is missing in the package"),
    "without its folder": (inside(file("files/other/b")), "folder that is missing in the package"),
    "without its top": ([file("data/b"), *GOOD], "folder that is missing in the package"),
    "foreign": (inside(file("run-me.sh")), "does not belong into a package"),
    "a file for a folder": ([file("data"), *GOOD], "'data' is a file"),
    "a folder for a file": ([folder("README.txt"), *GOOD], "'README.txt' is a folder"),
    "too deep": (inside(file("files/" + "a/" * 200 + "x")), "too long or too deep"),
    "too long": (inside(file("files/" + "a" * 5000)), "too long or too deep"),
    "folder with content": (inside(file("files/media/d", b"x", type=tarfile.DIRTYPE)), "folder with content"),
    "impossible owner": (inside(file("files/x", pax_headers={"uid": "4294967295"})), "impossible owner 4294967295"),
    "no number": (inside(file("files/x", pax_headers={"size": "-1"})), "is invalid"),
    "unlisted": (GOOD, "but not in SHA256SUMS"),
    "missing": (GOOD, "'files/media/gone' is in SHA256SUMS, but not in the package"),
    "missing in the middle": (GOOD, "'files/media/Gone' is in SHA256SUMS, but not in the package"),
    "nothing that can be listed": (GOOD, "'run-me.sh' is in SHA256SUMS, but not in the package"),
    "changed": (GOOD, "'files/media/a.txt' is damaged"),
    "listed twice": (GOOD, "'manifest.json' is in SHA256SUMS, but not in the package"),
    "no line": (GOOD, "an unreadable line"),
    "a line without end": (GOOD, "an unreadable line"),
    "an endless line": (GOOD, "an unreadable line"),
    "an empty list": (GOOD, "but not in SHA256SUMS"),
    "strange attribute": (inside(file("files/x", pax_headers={"GNU.sparse.major": "1"})), "GNU.sparse.major"),
}
A_TXT, LAST = (sums([GOOD[place]])[1] for place in (2, 3))
LISTED = {
    "unlisted": LAST,
    "missing": A_TXT + sums([file("files/media/gone")])[1] + LAST,
    "missing in the middle": sums([file("files/media/Gone")])[1] + A_TXT + LAST,
    "nothing that can be listed": sums([file("run-me.sh")])[1] + A_TXT + LAST,
    "changed": sums([file("files/media/a.txt", b"HELLO")])[1] + LAST,
    "listed twice": A_TXT + LAST + LAST,
    "no line": A_TXT + b"something else\n" + LAST,
    "a line without end": A_TXT + LAST[:-1],
    "an endless line": A_TXT + b"0" * 3_000_000,
    "an empty list": b"",
}


@pytest.mark.parametrize("evil", EVIL)
def test_a_hostile_package_is_refused_by_name(tmp_path, evil):
    members, said = EVIL[evil]
    listed = file("SHA256SUMS", LISTED[evil]) if evil in LISTED else None
    path = write(tmp_path / "p.tar.gz", members, listed=listed)
    with pytest.raises(PackageRefused, match=said):
        open_package(path)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["p.tar.gz"]


def test_data_after_the_list_is_refused(tmp_path):
    path = write(tmp_path / "p.tar.gz", [*GOOD, sums(GOOD)], listed=file("SHA256SUMS"))
    with pytest.raises(PackageRefused, match="follows SHA256SUMS"):
        open_package(path)


def test_data_after_the_end_is_refused(tmp_path):
    path = write(tmp_path / "p.tar.gz", GOOD, trailer=b"x" * 512)
    with pytest.raises(PackageRefused, match="follows the end"):
        open_package(path)


def test_a_large_extended_header_is_refused(tmp_path):
    path = write(tmp_path / "p.tar.gz", [file("files/x", pax_headers={"path": "y" * 200_000})])
    with pytest.raises(PackageRefused, match="more than 65536"):
        open_package(path)


def test_a_package_without_list_or_manifest_is_refused(tmp_path):
    no_list = write(tmp_path / "a.tar.gz", GOOD[:3], listed=GOOD[3])
    with pytest.raises(PackageDamaged, match="is incomplete"):
        open_package(no_list)
    no_manifest = write(tmp_path / "b.tar.gz", GOOD[:3])
    with pytest.raises(PackageDamaged, match=r"has no manifest\.json"):
        open_package(no_manifest)


@pytest.mark.parametrize("size", [b"-0000000001\0", b"0_000000001\0", b"\x80" + bytes(11)])
def test_numbers_that_int_would_accept_are_refused(tmp_path, size):
    header = bytearray(file("files/x", b"")[0].tobuf(tarfile.USTAR_FORMAT))
    header[124:136], header[148:156] = size, b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    path = tmp_path / "p.tar.gz"
    path.write_bytes(gzip.compress(bytes(header) + bytes(1024)))
    with pytest.raises(PackageDamaged, match="is invalid"):
        open_package(path)


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    path = write(tmp_path / "p.tar.gz", inside(folder("files/more"), folder("files/most")))
    monkeypatch.setattr(reader, "MAX_ROOTS", 3)
    open_package(path)
    monkeypatch.setattr(reader, "MAX_ROOTS", 2)
    with pytest.raises(PackageRefused, match="more than 2 folders in files/"):
        open_package(path)
    monkeypatch.setattr(member_order, "MAX_MEMBERS", 6)
    with pytest.raises(PackageRefused, match="more than"):
        open_package(path)


def test_a_package_that_inflates_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "FREE", 1_000_000)
    noise = os.urandom(20_000)
    path = write(tmp_path / "p.tar.gz", inside(file("files/media/b", bytes(3_000_000)), file("files/media/c", noise)))
    assert open_package(path).total.bytes > 3_000_000
    path = write(tmp_path / "q.tar.gz", inside(file("files/media/b", bytes(3_000_000))))
    with pytest.raises(PackageRefused, match="more than 250 times its size"):
        open_package(path)
    monkeypatch.setattr(reader, "FREE", 4_000_000)
    open_package(path)


def test_any_change_of_a_package_is_detected(tmp_path):
    path = write(tmp_path / "p.tar.gz", GOOD)
    content = path.read_bytes()
    for length in range(0, len(content), 37):
        path.write_bytes(content[:length])
        with pytest.raises(PackageRefused):
            open_package(path)
    for place in range(10, len(content), 11):
        path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        with pytest.raises(PackageRefused):
            open_package(path)


def test_a_package_that_changed_since_opening_is_refused(tmp_path):
    package = open_package(write(tmp_path / "p.tar.gz", GOOD))
    write(package.path, inside(file("files/media/more")))
    with pytest.raises(PackageRefused, match="has changed"):
        extract(package, {b"files/media": tmp_path / "out"})
    with pytest.raises(PackageRefused, match="has changed"), package.open_member("files/media/a.txt"):
        pass


def test_a_folder_or_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.tar.gz")
    for path in (tmp_path, tmp_path / "pipe.tar.gz"):
        with pytest.raises(PackageRefused, match="not a regular file"):
            open_package(path)
