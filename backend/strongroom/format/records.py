"""Decoding of JSON records from storage: typed, bounded in depth by the types, foreign keys ignored."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from strongroom.errors import Damaged
from strongroom.ids import ID_SIZE, BlobId

Record = TypeVar("Record")


def decode_record(decoder: msgspec.json.Decoder[Record], text: bytes, what: str) -> Record:
    """The record in `text`; raises Damaged that names `what` it should have been."""
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Damaged(f"A stored {what} cannot be read: {error}.") from None


def blob_id_from_hex(text: str) -> BlobId:
    """A blob's identity from its 64 hex digits."""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(raw) != ID_SIZE or text != raw.hex():
        raise Damaged(f"{text[:80]!r} is no identity of a blob.")
    return BlobId(raw)
