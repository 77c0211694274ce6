"""The scope of a backup, to compare it with others: databases, file roots, and exclude patterns."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Final, Self

from ..models import BackupType

_UNKNOWN: Final = "*"
"""Stands for names or patterns that are not known any more."""
_KINDS: Final = {BackupType.DATABASE: ("databases", "dumps"), BackupType.FILES: ("files",)}
_WORDS: Final = (
    ("files", "the files", "the file root"),
    ("databases", "the database", "the database"),
    ("dumps", "the dump", "the dump of"),
    ("rows", "the rows that name files", "the rows of"),
)
_ALL_KINDS: Final = ("databases", "dumps", "files")


@dataclasses.dataclass(frozen=True, slots=True)
class Scope:
    """The contents of a backup. `parts` are databases (at least as rows), native dumps, and file roots (`files/media`).

    `rows/files` stands for rows that name files: a backup without any is that of a system that has lost its documents,
    or has none yet.
    """

    parts: frozenset[str]
    exclude: frozenset[str] = frozenset()

    @classmethod
    def of_backup(cls, backup_type: str, manifest: Mapping[str, object], exclude: Collection[str]) -> Self:
        """Return the scope of a stored backup, from the facts of its manifest and the exclude patterns of its job."""
        names = {kind: _names(manifest, kind) for kind in ("databases", "files")}
        if not any(names.values()):
            kinds = _KINDS.get(BackupType(backup_type), _ALL_KINDS)
            return cls(frozenset(f"{kind}/{_UNKNOWN}" for kind in kinds), frozenset(exclude))
        if backup_type != BackupType.EXPORT:
            names["dumps"] = names["databases"]
        if manifest.get("references_checked"):
            names["rows"] = ["files"]
        patterns = set(exclude)
        if not patterns and manifest.get("references_excluded"):
            # A catalogue that was rebuilt from the storage does not know the patterns.
            patterns.add(_UNKNOWN)
        return cls(frozenset(f"{kind}/{name}" for kind, found in names.items() for name in found), frozenset(patterns))

    def covers(self, other: Scope) -> bool:
        """Return whether it holds all that the other one holds."""
        return self.parts >= other.parts and self.exclude <= other.exclude

    def difference_from(self, others: Collection[Scope]) -> str:
        """Return words for a part that it holds and none of the others does: the first of several."""
        alike = [one for one in others if one.exclude <= self.exclude]
        missing = sorted(self.parts - {part for one in alike for part in one.parts})
        kinds = {part.partition("/")[0] for one in others for part in one.parts}
        for kind, every, single in _WORDS:
            if kind in {part.partition("/")[0] for part in missing} - kinds:
                return every
            names = [part.partition("/")[2] for part in missing if alike and part.startswith(f"{kind}/")]
            if names:
                return f"{single} {names[0]!r}"
        left_out = sorted({pattern for one in others for pattern in one.exclude} - self.exclude)
        return f"what the pattern {left_out[0]!r} leaves out" if left_out else "its parts together"


def _names(manifest: Mapping[str, object], kind: str) -> Collection[str]:
    found = manifest.get(kind)
    return list(found) if isinstance(found, Mapping) else []
