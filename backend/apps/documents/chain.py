"""The arithmetic of the audit chain: what exactly is hashed, and which field a broken row lost. No database here."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

# Details hold text and whole numbers only: both databases give these back exactly as they were.
Details = Mapping[str, str | int | None]

START: Final = "0" * 64
MARK_LENGTH: Final = 8


def moment(value: datetime) -> str:
    """A time in UTC with all six digits of its microseconds, also where they are zero."""
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def canonical(value: object) -> bytes:
    """One byte string for one value, whatever order a database keeps keys in."""
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
    """What an entry says, by the names of its columns, in the form that is hashed."""
    return {
        "id": str(entry_id),
        "sequence": sequence,
        "recorded_at": moment(recorded_at),
        "actor": actor,
        "action": action,
        "object_type": object_type,
        "object_id": str(object_id),
        "details": details,
    }


def marks(content: Mapping[str, object]) -> dict[str, str]:
    """The first digits of each field's own SHA-256."""
    return {name: hashlib.sha256(canonical(value)).hexdigest()[:MARK_LENGTH] for name, value in content.items()}


def link(previous_hash: str, content: Mapping[str, object], field_marks: Mapping[str, str]) -> str:
    """The hash of an entry: SHA-256 over the hash before it, all it says, and its marks."""
    return hashlib.sha256(canonical([previous_hash, content, field_marks])).hexdigest()


def differing(content: Mapping[str, object], field_marks: Mapping[str, str]) -> list[str]:
    """The names of the fields that are no longer what they were when the entry was written."""
    now = marks(content)
    return sorted(name for name in now.keys() | field_marks.keys() if now.get(name) != field_marks.get(name))
