"""Tree blobs: the nodes of one folder in canonical form."""

from __future__ import annotations

import base64
import enum
import itertools
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, NamedTuple

import msgspec

from strongroom.errors import Damaged, UnsafeName
from strongroom.format.go_text import encode_json, format_time, parse_time, quote_name, replace_invalid, unquote_name
from strongroom.format.records import blob_id_from_hex, decode_record
from strongroom.ids import BlobId


class NodeKind(enum.StrEnum):
    """The kind of a node; the value is the word of the format."""

    FILE = "file"
    DIR = "dir"
    SYMLINK = "symlink"
    BLOCK_DEVICE = "dev"
    CHAR_DEVICE = "chardev"
    FIFO = "fifo"
    SOCKET = "socket"


class Xattr(msgspec.Struct, frozen=True):
    """An extended attribute; None is an empty value."""

    name: str
    value: bytes | None


class Node(msgspec.Struct, kw_only=True, gc=False):
    """One entry of a folder. Times are nanoseconds since the epoch; `mode` has Go's bits (see `go_mode`).

    `size` is the size of the content; `content` lists the blobs of a file and is None for any other kind.
    """

    name: bytes
    kind: NodeKind
    mode: int = 0
    mtime_ns: int = 0
    atime_ns: int = 0
    ctime_ns: int = 0
    uid: int = 0
    gid: int = 0
    user: str = ""
    group: str = ""
    inode: int = 0
    device_id: int = 0
    size: int = 0
    links: int = 0
    target: bytes | None = None
    xattrs: tuple[Xattr, ...] = ()
    device: int = 0
    content: tuple[BlobId, ...] | None = None
    subtree: BlobId | None = None

    @property
    def permissions(self) -> int:
        """Return the permission and set-id bits as `chmod` takes them."""
        return unix_permissions(self.mode)


_U32 = Annotated[int, msgspec.Meta(ge=0, le=(1 << 32) - 1)]
_U64 = int


class _Node(msgspec.Struct, omit_defaults=True, kw_only=True, gc=False):
    name: str
    type: NodeKind
    mode: _U32 = 0
    mtime: str
    atime: str
    ctime: str
    uid: _U32
    gid: _U32
    user: str = ""
    group: str = ""
    inode: _U64 = 0
    device_id: _U64 = 0
    size: _U64 = 0
    links: _U64 = 0
    linktarget: str = ""
    linktarget_raw: str = ""
    extended_attributes: list[Xattr] = []
    generic_attributes: dict[str, msgspec.Raw] = {}
    device: _U64 = 0
    content: list[str] | None
    subtree: str = ""
    error: str = ""


class _LenientNode(_Node):
    """A node of other writers: missing times and owners are zero."""

    mtime: str = "0001-01-01T00:00:00Z"
    atime: str = "0001-01-01T00:00:00Z"
    ctime: str = "0001-01-01T00:00:00Z"
    uid: _U32 = 0
    gid: _U32 = 0
    content: list[str] | None = None


class _Tree(msgspec.Struct):
    nodes: list[_Node]


class _LenientTree(msgspec.Struct):
    nodes: list[_LenientNode]


_decoder = msgspec.json.Decoder(_LenientTree)
_strict_decoder = msgspec.json.Decoder(_Tree)

# Go's os.FileMode bits, by the bits of Unix.
_TYPE_BITS = {
    NodeKind.FILE: 0,
    NodeKind.DIR: 1 << 31,
    NodeKind.SYMLINK: 1 << 27,
    NodeKind.BLOCK_DEVICE: 1 << 26,
    NodeKind.CHAR_DEVICE: (1 << 26) | (1 << 21),
    NodeKind.FIFO: 1 << 25,
    NodeKind.SOCKET: 1 << 24,
}
_CANONICAL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?(Z|[+-](?!00:00)\d\d:\d\d)\Z", re.ASCII)
_SPECIAL_BITS = ((stat.S_ISUID, 1 << 23), (stat.S_ISGID, 1 << 22), (stat.S_ISVTX, 1 << 20))


def go_mode(kind: NodeKind, permissions: int) -> int:
    """Convert Unix permission and set-id bits to Go's file mode, with the bits of the kind."""
    mode = permissions & 0o777 | _TYPE_BITS[kind]
    if permissions & 0o7000:
        for unix, go in _SPECIAL_BITS:
            if permissions & unix:
                mode |= go
    return mode


def unix_permissions(mode: int) -> int:
    """Convert Go's file mode to Unix permission and set-id bits; the bits of the kind are ignored."""
    permissions = mode & 0o777
    for unix, go in _SPECIAL_BITS:
        if mode & go:
            permissions |= unix
    return permissions


def require_safe_name(name: bytes) -> None:
    """Raise UnsafeName for a name that could lead outside of its own folder."""
    if name in {b"", b".", b".."} or b"/" in name or b"\0" in name:
        raise UnsafeName(f"{name!r} is not a safe file name. The snapshot is damaged or was made to do harm.")


def encode_tree(nodes: Iterable[Node]) -> bytes:
    """Return the canonical bytes of a folder. Raises UnsafeName for an unsafe name, ValueError for a duplicate."""
    ordered = sorted(nodes, key=lambda node: node.name)
    for before, after in itertools.pairwise(ordered):
        if before.name == after.name:
            raise ValueError(f"Two entries of one folder are named {after.name!r}.")
    return encode_json(_Tree([_encode_node(node) for node in ordered])) + b"\n"


def _encode_node(node: Node) -> _Node:
    require_safe_name(node.name)
    target = raw_target = ""
    if node.target is not None:
        target = replace_invalid(node.target)
        if target.encode() != node.target:
            raw_target = base64.b64encode(node.target).decode()
    return _Node(
        name=quote_name(node.name),
        type=node.kind,
        mode=node.mode,
        mtime=format_time(node.mtime_ns),
        atime=format_time(node.atime_ns),
        ctime=format_time(node.ctime_ns),
        uid=node.uid,
        gid=node.gid,
        user=node.user,
        group=node.group,
        inode=node.inode,
        device_id=node.device_id,
        size=node.size,
        links=node.links,
        linktarget=target,
        linktarget_raw=raw_target,
        extended_attributes=list(node.xattrs),
        device=node.device,
        content=None if node.content is None else [blob.hex() for blob in node.content],
        subtree=node.subtree.hex() if node.subtree else "",
    )


def decode_tree(blob: bytes) -> list[Node]:
    """Return the nodes of a folder in stored order. Raises Damaged.

    As lenient as restic: unsorted nodes, missing fields and unknown fields are accepted. `tree_faults` is strict.
    """
    return [_decode_node(node) for node in decode_record(_decoder, blob, "tree").nodes]


def _decode_node(node: _Node) -> Node:
    if node.linktarget_raw:
        try:
            target: bytes | None = base64.b64decode(node.linktarget_raw, validate=True)
        except ValueError:
            raise Damaged(f"The stored link {node.name!r} has a target that cannot be read.") from None
    else:
        target = node.linktarget.encode("utf-8", "replace") if node.type is NodeKind.SYMLINK else None
    content = None
    if node.type is NodeKind.FILE:
        content = tuple(blob_id_from_hex(blob) for blob in node.content or ())
    return Node(
        name=unquote_name(node.name),
        kind=node.type,
        mode=node.mode,
        mtime_ns=parse_time(node.mtime),
        atime_ns=parse_time(node.atime),
        ctime_ns=parse_time(node.ctime),
        uid=node.uid,
        gid=node.gid,
        user=node.user,
        group=node.group,
        inode=node.inode,
        device_id=node.device_id,
        size=node.size,
        links=node.links,
        target=target,
        xattrs=tuple(node.extended_attributes),
        device=node.device,
        content=content,
        subtree=blob_id_from_hex(node.subtree) if node.subtree else None,
    )


class TreeFault(NamedTuple):
    """A fault of a tree, in words. A harmful fault makes a restore differ; other faults concern only the form."""

    harmful: bool
    text: str


def tree_faults(blob: bytes) -> Iterator[TreeFault]:
    """Yield the faults of a readable tree: names, order, fields of each kind, canonical form."""
    try:
        record = decode_record(_strict_decoder, blob, "tree")
    except Damaged as error:
        yield TreeFault(harmful=False, text=f"not canonical: {error}")
        return
    if encode_json(record) + b"\n" != blob:
        yield TreeFault(harmful=False, text="not canonical: encoding it again gives other bytes")
    for text in _name_faults([unquote_name(node.name) for node in record.nodes]):
        yield TreeFault(harmful=True, text=text)
    for node in record.nodes:
        for fault in _node_faults(node):
            yield TreeFault(fault.harmful, f"entry {node.name!r}: {fault.text}")


def _name_faults(names: Sequence[bytes]) -> Iterator[str]:
    for name in names:
        try:
            require_safe_name(name)
        except UnsafeName:
            yield f"entry {name!r}: not a safe file name"
    for before, after in itertools.pairwise(names):
        if before == after:
            yield f"entry {after!r}: duplicate name"
        elif before > after:
            yield f"entry {after!r}: out of order"


def _node_faults(node: _Node) -> Iterator[TreeFault]:
    expected = {
        "content": (node.type is NodeKind.FILE, node.content is not None),
        "a subtree": (node.type is NodeKind.DIR, bool(node.subtree)),
        "a link target": (node.type is NodeKind.SYMLINK, bool(node.linktarget)),
    }
    for what, (due, given) in expected.items():
        if due != given:
            yield TreeFault(harmful=True, text=f"a {node.type.value} {'without' if due else 'with'} {what}")
    if node.size and node.type is not NodeKind.FILE:
        yield TreeFault(harmful=False, text=f"a {node.type.value} with a size")
    if node.links > 1 and node.type is NodeKind.FILE and not node.inode:
        yield TreeFault(harmful=True, text="several links but no inode, so that other files could be linked to it")
    if quote_name(unquote_name(node.name)) != node.name:
        yield TreeFault(harmful=False, text="its name is not quoted in canonical form")
    for text in (node.mtime, node.atime, node.ctime):
        if not _CANONICAL_TIME.match(text):
            yield TreeFault(harmful=False, text=f"the time {text!r} is not in canonical form")
