"""Decode only the references of a tree: several times faster than all its nodes, for walks over all trees."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from strongroom.errors import Damaged
from strongroom.format.records import blob_id_from_hex, decode_record
from strongroom.ids import BlobId


class References(NamedTuple):
    """The data blobs and subtrees that a tree needs, with repetitions."""

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
    """Decode the references of nodes of any kind, also of unknown kinds. Raises Damaged."""
    content: list[BlobId] = []
    subtrees: list[BlobId] = []
    for node in decode_record(_decoder, blob, "tree").nodes:
        if node.content:
            content.extend(blob_id_from_hex(identity) for identity in node.content)
        if node.subtree:
            subtrees.append(blob_id_from_hex(node.subtree))
        elif node.type == "dir":
            raise Damaged("A stored tree has a folder without a subtree.")
    return References(content, subtrees)
