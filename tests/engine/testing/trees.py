"""Snapshots as literals: bytes are a file, lists of bytes a file of several blobs, dicts are folders."""

from strongroom.format.key import Cost
from strongroom.format.snapshot import Snapshot
from strongroom.format.tree import Node, NodeKind, encode_tree, go_mode
from strongroom.ids import BlobKind
from strongroom.repository import Repository
from strongroom.repository.blob_writer import BlobWriter
from strongroom.snapshots import SnapshotView
from strongroom.testing.memory import MemoryBackend
from strongroom.testing.trees import Link

NOW = 1_767_225_600_123_456_789
MANIFEST = b'{"format": 1, "software": "a test", "databases": [], "data": [], "files": [], "problems": 0}'


def new_repository():
    return Repository.init(MemoryBackend(), "secret", cost=Cost(n=128, r=1, p=1))


def snapshot_of(tree, repository=None):
    """Store a snapshot of this tree in the repository, by default one in memory. Return its view."""
    repository = repository or new_repository()
    index = repository.load_index()
    with BlobWriter(repository, index) as writer:
        root = _store(writer, tree)
    snapshot = repository.save_snapshot(Snapshot(time_ns=NOW, tree=root, paths=("/edms",)))
    return SnapshotView(repository, snapshot, index)


def _store(writer, tree):
    return writer.store(BlobKind.TREE, encode_tree([_node(writer, name, entry) for name, entry in tree.items()]))


def _node(writer, name, entry):
    if isinstance(entry, NodeKind):
        return Node(name=name, kind=entry, mode=go_mode(entry, 0o600), mtime_ns=NOW)
    if isinstance(entry, dict):
        mode = go_mode(NodeKind.DIR, 0o750)
        return Node(name=name, kind=NodeKind.DIR, mode=mode, mtime_ns=NOW, subtree=_store(writer, entry))
    if isinstance(entry, Link):
        mode = go_mode(NodeKind.SYMLINK, 0o777)
        return Node(name=name, kind=NodeKind.SYMLINK, mode=mode, mtime_ns=NOW, target=entry.target)
    blobs = entry if isinstance(entry, list) else [entry] if entry else []
    return Node(
        name=name,
        kind=NodeKind.FILE,
        mode=go_mode(NodeKind.FILE, 0o640),
        mtime_ns=NOW,
        size=sum(map(len, blobs)),
        content=tuple(writer.store(BlobKind.DATA, blob) for blob in blobs),
    )


def whole(download):
    return b"".join(download.read(0, download.length))


def part(download, start, stop):
    return b"".join(download.read(start, stop))
