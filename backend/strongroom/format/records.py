"""Decode JSON records from storage: typed, limited in depth by the types, unknown fields ignored."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from strongroom.errors import Damaged
from strongroom.ids import ID_SIZE, BlobId

Record = TypeVar("Record")


def decode_record(decoder: msgspec.json.Decoder[Record], text: bytes, what: str) -> Record:
    """Decode the record in `text`. Raises Damaged that names the expected kind, `what`."""
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Damaged(f"A stored {what} cannot be read: {error}.") from None


def blob_id_from_hex(text: str) -> BlobId:
    """Return the blob id in 64 hex digits. Raises Damaged."""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(raw) != ID_SIZE or text != raw.hex():
        raise Damaged(f"{text[:80]!r} is no valid blob id.")
    return BlobId(raw)
