"""A collection of broken repositories. Each is made from a good repository by one named kind of damage.

Each has the codes of the findings that `strongroom.checker.check(read_data=True)` must report.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from strongroom.backends.base import FileHandle
from strongroom.format.index import decode_index, encode_index
from strongroom.format.pack import PackedBlob, encode_header, encode_length
from strongroom.format.snapshot import Snapshot
from strongroom.ids import BlobId, BlobKind, FileKind, StorageId, blob_id, storage_id
from strongroom.repository import Repository
from strongroom.repository.blob_writer import BlobWriter
from strongroom.testing.memory import MemoryBackend


@dataclasses.dataclass(frozen=True)
class Broken:
    """A kind of damage: its function, the codes that `check` reports, and whether all files can still be restored."""

    name: str
    damage: Callable[[Repository, MemoryBackend], None]
    codes: frozenset[str]
    restorable: bool


def only(backend: MemoryBackend, kind: FileKind) -> FileHandle:
    """Return the first stored file of a kind."""
    return sorted((handle for handle in backend.files if handle.kind is kind), key=lambda handle: handle.name)[0]


def flip(backend: MemoryBackend, handle: FileHandle, position: int) -> None:
    """Invert one bit of a stored file."""
    data = bytearray(backend.files[handle])
    data[position] ^= 0x10
    backend.files[handle] = bytes(data)


def pack_of(repository: Repository, kind: BlobKind) -> FileHandle:
    """Return a pack that holds blobs of that kind."""
    for stored in repository.backend.list_files(FileKind.INDEX):
        for pack, blobs in decode_index(repository.load_file(FileKind.INDEX, stored.name)):
            if blobs[0].kind is kind:
                return FileHandle(FileKind.PACK, pack)
    raise LookupError(kind)


def save_pack(repository: Repository, blobs: Iterable[tuple[BlobKind, bytes]], *, indexed: bool = True) -> StorageId:
    """Save a pack of exactly these blobs, in this order and uncompressed, and its index file. Return its name."""
    packed: list[PackedBlob] = []
    data = b""
    for kind, plaintext in blobs:
        sealed = bytes(repository.master.seal(plaintext))
        packed.append(PackedBlob(kind, blob_id(plaintext), len(data), len(sealed), 0))
        data += sealed
    header = bytes(repository.master.seal(encode_header(packed)))
    data += header + encode_length(len(header))
    name = storage_id(data)
    repository.backend.save(FileHandle(FileKind.PACK, name), [data])
    if indexed:
        repository.save_file(FileKind.INDEX, encode_index([(name, packed)]))
    return name


def _flipped(kind: FileKind) -> Callable[[Repository, MemoryBackend], None]:
    return lambda _, backend: flip(backend, only(backend, kind), len(backend.files[only(backend, kind)]) // 2)


def _flip_data_blob(repository: Repository, backend: MemoryBackend) -> None:
    flip(backend, pack_of(repository, BlobKind.DATA), 40)


def _flip_pack_header(repository: Repository, backend: MemoryBackend) -> None:
    handle = pack_of(repository, BlobKind.DATA)
    flip(backend, handle, len(backend.files[handle]) - 30)


def _truncate_pack(repository: Repository, backend: MemoryBackend) -> None:
    handle = pack_of(repository, BlobKind.DATA)
    backend.files[handle] = backend.files[handle][:-7]


def _lose_pack(repository: Repository, backend: MemoryBackend) -> None:
    del backend.files[pack_of(repository, BlobKind.DATA)]


def _lose_index(_: Repository, backend: MemoryBackend) -> None:
    del backend.files[only(backend, FileKind.INDEX)]


def _truncate_index(_: Repository, backend: MemoryBackend) -> None:
    handle = only(backend, FileKind.INDEX)
    backend.files[handle] = backend.files[handle][:50]


def _lie_in_index(repository: Repository, _: MemoryBackend) -> None:
    """Add a second index file that lists a pack with other blobs."""
    stored = next(repository.backend.list_files(FileKind.INDEX))
    packs = list(decode_index(repository.load_file(FileKind.INDEX, stored.name)))
    repository.save_file(FileKind.INDEX, encode_index([(packs[0][0], packs[0][1][:-1])]))


def _repeat_index(repository: Repository, _: MemoryBackend) -> None:
    stored = next(repository.backend.list_files(FileKind.INDEX))
    packs = list(decode_index(repository.load_file(FileKind.INDEX, stored.name)))
    repository.save_file(FileKind.INDEX, encode_index(packs[:1]))


def _stray_pack(repository: Repository, backend: MemoryBackend) -> None:
    data = backend.files[pack_of(repository, BlobKind.DATA)] + b"more"
    backend.save(FileHandle(FileKind.PACK, storage_id(data)), [data])


def _tree(*nodes: str) -> bytes:
    return ('{"nodes":[' + ",".join(nodes) + "]}\n").encode()


def node_text(name: str, *, kind: str = "file", rest: str = '"content":[]', mode: str = '"mode":420,') -> str:
    """Return one node as JSON, for trees that the encoder refuses to write."""
    time = '"mtime":"2023-11-14T22:13:20Z","atime":"2023-11-14T22:13:20Z","ctime":"2023-11-14T22:13:20Z"'
    return f'{{"name":"{name}","type":"{kind}",{mode}{time},"uid":0,"gid":0,{rest}}}'


def save_tree(repository: Repository, tree: bytes, *blobs: bytes) -> Snapshot:
    """Save a snapshot of a tree, given as bytes, with further data blobs."""
    with BlobWriter(repository, repository.load_index()) as writer:
        for blob in blobs:
            writer.store(BlobKind.DATA, blob)
        root = writer.store(BlobKind.TREE, tree)
    return repository.save_snapshot(Snapshot(time_ns=0, tree=root, paths=("/bad",)))


def _with_tree(tree: bytes) -> Callable[[Repository, MemoryBackend], None]:
    return lambda repository, _: (save_tree(repository, tree), None)[1]


def _dangling_tree(repository: Repository, _: MemoryBackend) -> None:
    repository.save_snapshot(Snapshot(time_ns=0, tree=BlobId(b"\x07" * 32), paths=("/bad",)))


def _index_of_nothing(repository: Repository, _: MemoryBackend) -> None:
    blob = PackedBlob(BlobKind.DATA, BlobId(b"\x01" * 32), 0, 100, 0)
    repository.save_file(FileKind.INDEX, encode_index([(StorageId("ab" * 32), [blob])]))


_LINKED = '"inode":7,"device_id":1,"size":{size},"links":2,"content":["{blob}"]'


def _links_disagree(repository: Repository, _: MemoryBackend) -> None:
    blobs = [b"one content", b"and another"]
    nodes = [
        node_text(name, rest=_LINKED.format(size=len(blob), blob=storage_id(blob)))
        for name, blob in zip("ab", blobs, strict=True)
    ]
    save_tree(repository, _tree(*nodes), *blobs)


SHELF = [
    Broken("bit flipped in a data blob", _flip_data_blob, frozenset({"pack-damaged"}), restorable=False),
    Broken("bit flipped in a pack's header", _flip_pack_header, frozenset({"pack-damaged"}), restorable=True),
    Broken("pack truncated", _truncate_pack, frozenset({"pack-truncated", "pack-damaged"}), restorable=True),
    Broken("pack missing", _lose_pack, frozenset({"pack-missing"}), restorable=False),
    Broken("bit flipped in the index", _flipped(FileKind.INDEX), frozenset({"index-damaged"}), restorable=True),
    Broken("index truncated", _truncate_index, frozenset({"index-damaged"}), restorable=True),
    Broken("index missing", _lose_index, frozenset({"blob-missing", "tree-damaged", "pack-unused"}), restorable=True),
    Broken("index lists a pack differently", _lie_in_index, frozenset({"index-disagrees"}), restorable=True),
    Broken("index lists a pack twice", _repeat_index, frozenset({"pack-indexed-twice"}), restorable=True),
    Broken("index names a pack that never was", _index_of_nothing, frozenset({"pack-missing"}), restorable=True),
    Broken("bit flipped in a snapshot", _flipped(FileKind.SNAPSHOT), frozenset({"snapshot-damaged"}), restorable=False),
    Broken("bit flipped in a key", _flipped(FileKind.KEY), frozenset({"key-damaged"}), restorable=True),
    Broken("pack that no index names", _stray_pack, frozenset({"pack-unused", "pack-damaged"}), restorable=True),
    Broken("snapshot without its tree", _dangling_tree, frozenset({"blob-missing", "tree-damaged"}), restorable=True),
    Broken(
        "size that is not that of the content",
        _with_tree(_tree(node_text("a", rest='"size":5,"content":[]'))),
        frozenset({"size-wrong"}),
        restorable=True,
    ),
    Broken(
        "entries out of order",
        _with_tree(_tree(node_text("b"), node_text("a"))),
        frozenset({"tree-faulty"}),
        restorable=True,
    ),
    Broken(
        "name that stands twice",
        _with_tree(_tree(node_text("a"), node_text("a"))),
        frozenset({"tree-faulty"}),
        restorable=True,
    ),
    Broken("name with a slash", _with_tree(_tree(node_text("a/b"))), frozenset({"tree-faulty"}), restorable=True),
    Broken("name that climbs", _with_tree(_tree(node_text(".."))), frozenset({"tree-faulty"}), restorable=True),
    Broken(
        "link without a target",
        _with_tree(_tree(node_text("a", kind="symlink", rest='"content":null'))),
        frozenset({"tree-faulty"}),
        restorable=True,
    ),
    Broken(
        "links without an inode",
        _with_tree(_tree(node_text("a", rest='"links":2,"content":[]'))),
        frozenset({"tree-faulty"}),
        restorable=True,
    ),
    Broken("links that disagree", _links_disagree, frozenset({"links-disagree"}), restorable=True),
    Broken(
        "tree that is not canonical",
        _with_tree(b'{"nodes": []}\n'),
        frozenset({"tree-faulty"}),
        restorable=True,
    ),
    Broken("tree without its last newline", _with_tree(b'{"nodes":[]}'), frozenset({"tree-faulty"}), restorable=True),
]
"""`restorable` refers to the good snapshot that each of them also holds."""
