"""Lock records."""

from __future__ import annotations

import msgspec

from strongroom.format.go_text import encode_json
from strongroom.format.records import decode_record


class LockRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """The holder of a lock, and the time since when. `time` is RFC 3339."""

    time: str
    exclusive: bool
    hostname: str
    username: str
    pid: int
    uid: int = 0
    gid: int = 0


_decoder = msgspec.json.Decoder(LockRecord)


def encode_lock(record: LockRecord) -> bytes:
    """Return the JSON of a lock."""
    return encode_json(record)


def decode_lock(text: bytes) -> LockRecord:
    """Decode a lock. Raises Damaged."""
    return decode_record(_decoder, text, "lock")
