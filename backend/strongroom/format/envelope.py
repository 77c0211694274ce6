"""The body of sealed JSON files: index, snapshots and locks."""

from __future__ import annotations

from strongroom import compression
from strongroom.errors import Damaged

_COMPRESSED = 0x02
MAX_SIZE = 1 << 30
"""Bytes that a single JSON file may hold; restic writes about 8 MiB at the most."""


def encode_body(text: bytes) -> bytes:
    """JSON as version 2 stores it."""
    return bytes([_COMPRESSED]) + compression.compress(text)


def decode_body(body: bytes, version: int) -> bytes:
    """The JSON in a body of a repository of that version. Raises Damaged."""
    if version < 2 or body[:1] in (b"{", b"[", b""):
        return body
    if body[0] != _COMPRESSED:
        raise Damaged(f"A stored file has the unknown encoding {body[0]}.")
    return compression.decompress(memoryview(body)[1:], MAX_SIZE)
