"""What a tree refers to, and nothing else of it: several times faster than its nodes, for walks over everything."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from strongroom.errors import Damaged
from strongroom.format.records import blob_id_from_hex, decode_record
from strongroom.ids import BlobId


class References(NamedTuple):
    """The data blobs and the trees that a tree needs; one may stand several times."""

    content: list[BlobId]
    subtrees: list[BlobId]


class _Node(msgspec.Struct, gc=False):
    type: str = ""
    content: list[str] | None = None
    subtree: str | None = None


class _Tree(msgspec.Struct):
    nodes: list[_Node]


_decoder = msgspec.json.Decoder(_Tree)


def decode_references(blob: bytes) -> References:
    """Raises Damaged. Whatever looks like a reference is one, on nodes of any kind, also of kinds not known to us."""
    content: list[BlobId] = []
    subtrees: list[BlobId] = []
    for node in decode_record(_decoder, blob, "tree").nodes:
        if node.content:
            content.extend(blob_id_from_hex(identity) for identity in node.content)
        if node.subtree:
            subtrees.append(blob_id_from_hex(node.subtree))
        elif node.type == "dir":
            raise Damaged("A stored tree has a folder without a tree of its own.")
    return References(content, subtrees)
