"""Any range of a download equals that range of the whole; tar, gzip and our packages read the result."""

import dataclasses
import gzip
import io
import os
import subprocess
import tarfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.testing.restic import CHEAP
from tests.engine.testing.trees import MANIFEST, new_repository, part, snapshot_of, whole

from strongroom.archiver import ArchiveOptions, archive
from strongroom.backends import LocalBackend
from strongroom.backends.base import FileHandle
from strongroom.cli import main
from strongroom.downloads import FileDownload, FolderDownload, LeftOut, PackageDownload, stored_gzip
from strongroom.entries import OnDisk
from strongroom.errors import Damaged, PackageRefused, UnsafeName
from strongroom.format.tree import Node, NodeKind
from strongroom.ids import BlobKind, FileKind
from strongroom.packages import extract, open_package
from strongroom.repository import Repository
from strongroom.snapshots import SnapshotView
from strongroom.testing.trees import File, Folder, HardLink, Link, build, look

NAMES = st.one_of(
    st.binary(min_size=1, max_size=12),
    st.integers(90, 255).map(lambda length: b"n" * length),
    st.text(min_size=1, max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")),
).filter(lambda name: not set(name) & set(b"/\0") and name not in {b".", b".."})
CONTENTS = st.lists(st.binary(min_size=1, max_size=700), max_size=4)
LEAVES = st.one_of(
    CONTENTS,
    st.builds(Link, st.binary(min_size=1, max_size=150).filter(lambda target: b"\0" not in target)),
    st.sampled_from([NodeKind.FIFO, NodeKind.SOCKET, NodeKind.CHAR_DEVICE]),
)
TREES = st.recursive(LEAVES, lambda below: st.dictionaries(NAMES, below, max_size=4), max_leaves=10)
FOLDERS = st.dictionaries(NAMES, TREES, max_size=4)
quick = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])


def cuts(draw, length):
    """Draw two offsets, often at or near the ends."""
    offset = st.integers(0, length) | st.sampled_from([0, length, max(length - 1, 0), length // 2])
    return sorted((draw(offset), draw(offset)))


def check_stretches(draw, download):
    everything = whole(download)
    assert len(everything) == download.length
    for _ in range(4):
        start, stop = cuts(draw, download.length)
        assert part(download, start, stop) == everything[start:stop]
    return everything


@quick
@given(blobs=CONTENTS, data=st.data())
def test_any_range_of_a_file(blobs, data):
    view = snapshot_of({b"file": blobs})

    download = FileDownload(view, view.find(b"file"))

    assert check_stretches(data.draw, download) == b"".join(blobs)


@quick
@given(folder=FOLDERS, data=st.data())
def test_any_range_of_a_folder(folder, data):
    view = snapshot_of({b"folder": folder})

    download = FolderDownload(view, view.find(b"folder"))

    everything = check_stretches(data.draw, download)
    with tarfile.open(fileobj=io.BytesIO(everything), errors="surrogateescape") as tar:
        found = {os.fsencode(member.name): seen(tar, member) for member in tar}
    expected = flat(b"folder", folder)
    assert found == {path: entry for path, entry in expected.items() if not isinstance(entry, NodeKind)}
    assert download.left_out == LeftOut(specials=sum(isinstance(entry, NodeKind) for entry in expected.values()))


def seen(tar, member):
    if member.isdir():
        return {}
    return Link(os.fsencode(member.linkname)) if member.issym() else tar.extractfile(member).read()


def flat(path, entry):
    """Return every path with its content; folders are empty."""
    if not isinstance(entry, dict):
        return {path: b"".join(entry) if isinstance(entry, list) else entry}
    below = [flat(path + b"/" + name, inner) for name, inner in entry.items()]
    return {path: {}} | {key: value for one in below for key, value in one.items()}


@quick
@given(tops=st.dictionaries(st.sampled_from([b"data", b"databases", b"files", b"project"]), FOLDERS), data=st.data())
def test_any_range_of_a_package(tmp_path_factory, tops, data):
    view = snapshot_of({**tops, b"manifest.json": MANIFEST})

    download = PackageDownload(view, without=[b"project"])

    everything = check_stretches(data.draw, download)
    path = tmp_path_factory.mktemp("package") / "p.tar.gz"
    path.write_bytes(everything)
    package = open_package(path)
    kept = {key: value for name in sorted(tops) if name != b"project" for key, value in flat(name, tops[name]).items()}
    with package.walk() as members:
        found = {member.name: {} if member.is_folder else content.read(1 << 20) for member, content in members}
    for name in (b"README.txt", b"SHA256SUMS", b"manifest.json"):
        assert found.pop(name)
    assert found == {path: entry for path, entry in kept.items() if isinstance(entry, bytes | dict)}
    assert download.left_out == LeftOut(
        links=sum(isinstance(entry, Link) for entry in kept.values()),
        specials=sum(isinstance(entry, NodeKind) for entry in kept.values()),
        withheld=len(flat(b"project", tops[b"project"])) if b"project" in tops else 0,
    )


@pytest.mark.parametrize(
    "length", [0, 1, 65_535, 65_536, stored_gzip.BLOCK, stored_gzip.BLOCK + 1, 3 * stored_gzip.BLOCK - 1]
)
def test_gzip_reads_stored_blocks(length):
    content = os.urandom(length)
    pieces = [content[start : start + 300_001] for start in range(0, length, 300_001)]

    packed = b"".join(member.make() for member in stored_gzip.stored(pieces))

    assert len(packed) == stored_gzip.stored_length(length)
    assert gzip.decompress(packed) == content
    assert subprocess.run(["gzip", "-dc"], input=packed, capture_output=True, check=length > 0).stdout == content


@pytest.fixture
def backup(tmp_path):
    """Archive a real folder with all kinds of entries."""
    tree = {
        b"deep": {b"x" * 120: {b"y" * 200: File(b"deep", mtime_ns=-1_500_000_001)}},
        b"bad\xff": File(os.urandom(3_000_000), mode=0o600),
        b"empty": File(b""),
        b"folder": Folder({}, mode=0o711),
        b"gr\xc3\xb6\xc3\x9fe": File(b"size", mtime_ns=1_700_000_000_000_000_000),
        b"link": Link(b"deep/" + b"l" * 130),
        b"second": HardLink(b"empty"),
    }
    build(tmp_path / "media", tree)
    (tmp_path / "manifest.json").write_bytes(MANIFEST)
    repository = Repository.init(LocalBackend(tmp_path / "repository"), "secret", cost=CHEAP)
    entries = [
        OnDisk(b"files", os.fsencode(tmp_path / "media")),
        OnDisk(b"manifest.json", os.fsencode(tmp_path / "manifest.json")),
    ]
    return SnapshotView(repository, archive(repository, entries, ArchiveOptions(paths=("/edms",))).snapshot)


def test_tar_unpacks_a_folder_download(backup, tmp_path):
    download = FolderDownload(backup, backup.find(b"files"))
    (tmp_path / "f.tar").write_bytes(whole(download))
    (tmp_path / "out").mkdir()

    subprocess.run(["tar", "-xpf", tmp_path / "f.tar", "-C", tmp_path / "out"], check=True, capture_output=True)

    expected = {path: dataclasses.replace(one, same_as=None) for path, one in look(tmp_path / "media").items()}
    assert look(tmp_path / "out" / "files") == expected


def test_gzip_tar_and_sha256sum_accept_a_package_download(backup, tmp_path):
    download = PackageDownload(backup)
    path = tmp_path / "p.tar.gz"
    path.write_bytes(whole(download))

    assert main(["package", "verify", str(path)]) == 0
    extract(open_package(path), {b"files": tmp_path / "files"})
    expected = {name: dataclasses.replace(one, same_as=None) for name, one in look(tmp_path / "media").items()}
    del expected[b"link"]
    assert look(tmp_path / "files") == expected
    assert download.left_out == LeftOut(links=1)
    (tmp_path / "out").mkdir()
    subprocess.run(["tar", "-xzf", path, "-C", tmp_path / "out"], check=True)
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=tmp_path / "out", check=True)


def test_an_offset_is_found_without_reading_the_bytes_before():
    view = snapshot_of({b"folder": {b"large": [bytes([number]) * 1000 for number in range(1, 101)]}})
    data_read = []
    read = view.reader.read
    view.reader.read = lambda kind, blob: (kind is BlobKind.DATA and data_read.append(blob), read(kind, blob))[1]
    folder = FolderDownload(view, view.find(b"folder"))

    part(folder, folder.length - 12_000, folder.length)
    part(FileDownload(view, view.find(b"folder/large")), 99_500, 99_501)

    assert len(data_read) <= 13


def test_only_the_same_content_has_the_same_identity():
    repository = new_repository()
    one = snapshot_of({b"a": {b"x": b"1"}, b"b": {b"x": b"1"}, b"manifest.json": MANIFEST}, repository)
    other = snapshot_of({b"a": {b"x": b"1"}, b"b": {b"x": b"2"}, b"manifest.json": MANIFEST}, repository)

    assert FolderDownload(one, one.find(b"a")).identity == FolderDownload(other, other.find(b"a")).identity
    assert FileDownload(one, one.find(b"a/x")).identity == FileDownload(one, one.find(b"b/x")).identity
    different = [
        FolderDownload(one, one.find(b"a")).identity,
        FolderDownload(one, one.find(b"b")).identity,
        FolderDownload(other, other.find(b"b")).identity,
        FileDownload(one, one.find(b"b/x")).identity,
        FileDownload(other, other.find(b"b/x")).identity,
    ]
    assert len(set(different)) == len(different)


def test_damaged_content_raises_and_is_never_yielded():
    blobs = [bytes([number]) * 1000 for number in range(1, 4)]
    view = snapshot_of({b"files": {b"f": blobs}, b"manifest.json": MANIFEST})
    spoil(view, view.find(b"files/f").content[1])

    for download in (
        FileDownload(view, view.find(b"files/f")),
        FolderDownload(view, view.find(b"files")),
        PackageDownload(view),
    ):
        given_out = []
        with pytest.raises(Damaged):
            given_out.extend(download.read(0, download.length))
        assert blobs[1] not in b"".join(given_out)
        assert len(b"".join(given_out)) < download.length


def spoil(view, blob):
    """Flip a bit of a blob in its pack."""
    ((pack, place),) = view.reader.index.find(BlobKind.DATA, blob)
    files = view.repository.backend
    handle = FileHandle(FileKind.PACK, pack)
    data = bytearray(files.load(handle))
    data[place.offset + 20] ^= 1
    files.remove(handle)
    files.save(handle, [bytes(data)])


def test_a_file_with_a_wrong_size_is_refused_before_its_length_is_known():
    view = snapshot_of({b"f": b"content"})
    node = view.find(b"f")
    node.size += 1

    with pytest.raises(Damaged, match="7 bytes instead of 8"):
        FileDownload(view, node)


def test_a_link_and_a_folder_of_one_name_are_refused():
    view = snapshot_of({b"files": {b"a": Link(b"/etc"), b"b": {b"passwd": b"x"}}})
    honest = view.nodes

    def hostile(tree):
        return [dataclass_with(node, b"a") if node.name == b"b" else node for node in honest(tree)]

    view.nodes = hostile
    with pytest.raises(UnsafeName, match="twice"):
        FolderDownload(view, honest(view.snapshot.tree)[0])


def dataclass_with(node, name):
    return Node(name=name, kind=node.kind, mode=node.mode, subtree=node.subtree)


@pytest.mark.parametrize(
    ("tree", "says"),
    [
        ({b"files": {}}, "no manifest.json"),
        ({b"manifest.json": MANIFEST, b"home": {}}, "b'home'"),
        ({b"manifest.json": MANIFEST, b"README.txt": b"x"}, "README.txt"),
        ({b"manifest.json": MANIFEST, b"files": Link(b"x")}, "b'files'"),
        ({b"manifest.json": {}}, "manifest.json"),
        ({b"manifest.json": MANIFEST, b"files": b"a file"}, "files"),
        ({b"manifest.json": MANIFEST, b"files": {b"a": {b"b" * 250: {b"c" * 250: b""}}}}, None),
    ],
)
def test_a_snapshot_that_is_no_backup_is_refused_as_a_package(tree, says):
    if says is None:
        assert PackageDownload(snapshot_of(tree)).length
        return
    with pytest.raises(PackageRefused, match=says):
        PackageDownload(snapshot_of(tree))


def test_a_cached_measure_is_reused():
    tree = {b"files": {b"a": {b"b": b"content"}, b"l": Link(b"x")}, b"manifest.json": MANIFEST}
    view = snapshot_of(tree)
    measures = {}
    first = PackageDownload(view, measures=measures), FolderDownload(view, view.find(b"files"), measures=measures)
    folder = view.find(b"files")
    view.nodes = None

    again = PackageDownload(view, measures=measures), FolderDownload(view, folder, measures=measures)

    assert [(one.length, one.left_out) for one in again] == [(one.length, one.left_out) for one in first]
    del view.nodes
    assert [whole(one) for one in again] == [whole(one) for one in first]
