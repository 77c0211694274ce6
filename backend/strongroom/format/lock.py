"""Lock records."""

from __future__ import annotations

import msgspec

from strongroom.format.go_text import encode_json
from strongroom.format.records import decode_record


class LockRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who holds a repository since when. `time` is RFC 3339."""

    time: str
    exclusive: bool
    hostname: str
    username: str
    pid: int
    uid: int = 0
    gid: int = 0


_decoder = msgspec.json.Decoder(LockRecord)


def encode_lock(record: LockRecord) -> bytes:
    """The JSON of a lock."""
    return encode_json(record)


def decode_lock(text: bytes) -> LockRecord:
    """Raises Damaged."""
    return decode_record(_decoder, text, "lock")
