"""Select a sample of large objects for a rehearsal: there may be millions, with few owners and few kinds of grants."""

from __future__ import annotations

import dataclasses
import re
from typing import Final

from .script import Entry, Script

_KINDS: Final = frozenset({"BLOB", "BLOB METADATA"})
_ABOUT: Final = "LARGE OBJECT"
"""The beginning of the names of their comments and rights."""
_NUMBER: Final = re.compile(rb"\d+")


def sample_large_objects(script: Script) -> Script:
    """Return the script with one large object, or one group of them, of each owner and each set of rights."""
    rights = {
        number: _NUMBER.sub(b"", entry.sql)
        for entry in script.entries
        if entry.is_rights and entry.name.startswith(_ABOUT)
        for number in entry.needs
    }
    first: dict[tuple[str, bytes], int] = {}
    for entry in script.entries:
        if entry.kind in _KINDS:
            first.setdefault((entry.owner_role, rights.get(entry.number, b"")), entry.number)
    kept = frozenset(first.values())

    def is_wanted(entry: Entry) -> bool:
        if entry.kind in _KINDS:
            return entry.number in kept
        return not entry.name.startswith(_ABOUT) or not kept.isdisjoint(entry.needs)

    return dataclasses.replace(
        script,
        before=[entry for entry in script.before if is_wanted(entry)],
        large=[entry for entry in script.large if is_wanted(entry)],
    )
