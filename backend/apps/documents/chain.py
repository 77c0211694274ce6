"""The hash chain of the audit trail: the hashed form of an entry, and the changed fields of a broken one. No I/O."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

# Details hold only text and whole numbers: every database returns these unchanged.
Details = Mapping[str, str | int | None]

START: Final = "0" * 64
MARK_LENGTH: Final = 8


def timestamp(value: datetime) -> str:
    """Format a time in UTC, always with six decimals."""
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def canonical(value: object) -> bytes:
    """Encode a value as bytes, the same for any order of keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode("ascii")


def fields(
    *,
    entry_id: uuid.UUID,
    sequence: int,
    recorded_at: datetime,
    actor: str,
    action: str,
    object_type: str,
    object_id: uuid.UUID,
    details: Details,
) -> dict[str, object]:
    """Return the content of an entry by column names, in the form that is hashed."""
    return {
        "id": str(entry_id),
        "sequence": sequence,
        "recorded_at": timestamp(recorded_at),
        "actor": actor,
        "action": action,
        "object_type": object_type,
        "object_id": str(object_id),
        "details": details,
    }


def marks(content: Mapping[str, object]) -> dict[str, str]:
    """Return the first digits of the SHA-256 of each field."""
    return {name: hashlib.sha256(canonical(value)).hexdigest()[:MARK_LENGTH] for name, value in content.items()}


def link(previous_hash: str, content: Mapping[str, object], field_marks: Mapping[str, str]) -> str:
    """Return the hash of an entry: SHA-256 over the previous hash, its content, and its marks."""
    return hashlib.sha256(canonical([previous_hash, content, field_marks])).hexdigest()


def differing(content: Mapping[str, object], field_marks: Mapping[str, str]) -> list[str]:
    """Return the names of the fields that have changed since the entry was written."""
    now = marks(content)
    return sorted(name for name in now.keys() | field_marks.keys() if now.get(name) != field_marks.get(name))
