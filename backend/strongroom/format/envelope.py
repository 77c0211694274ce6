"""The body of sealed JSON files: index, snapshots and locks."""

from __future__ import annotations

from strongroom import compression
from strongroom.errors import Damaged

_COMPRESSED = 0x02
MAX_SIZE = 1 << 30
"""The maximum size of a JSON file in bytes. restic writes about 8 MiB at most."""


def encode_body(text: bytes) -> bytes:
    """Return a JSON text in the form of format version 2."""
    return bytes([_COMPRESSED]) + compression.compress(text)


def decode_body(body: bytes, version: int) -> bytes:
    """Return the JSON in a body, for the format version of its repository. Raises Damaged."""
    if version < 2 or body[:1] in (b"{", b"[", b""):
        return body
    if body[0] != _COMPRESSED:
        raise Damaged(f"A stored file has the unknown encoding {body[0]}.")
    return compression.decompress(memoryview(body)[1:], MAX_SIZE)
