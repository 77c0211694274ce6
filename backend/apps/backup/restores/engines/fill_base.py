"""The contract for filling a database quickly with rows and checking it as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ...core.manifest import ColumnRecord, TableRecord
from ...errors import RestoreFailed
from ...portable.engines.base import RawTable, Reading, Timestamps, Writing
from ...portable.forms import is_type_name
from ...portable.history import History

Counters = Mapping[str, Mapping[str, int]]
"""The last numbers that were given out, by table and column."""


@dataclass(frozen=True)
class Scratch:
    """The database that is filled: its name on the alias's server, or its path; what migrations have made of it."""

    alias: str
    place: str
    known: History
    timestamps: Timestamps
    source: str
    """The kind of database that the rows come from."""


class Filling(Protocol):
    """A scratch database that has been migrated. Its rows may be deleted."""

    @property
    def reading(self) -> Reading: ...

    @property
    def writing(self) -> Writing: ...

    def create(self, table: TableRecord) -> None:
        """Make a table that no migration makes: its columns and its key, nothing more."""
        ...

    def begin(self, tables: Iterable[RawTable]) -> None:
        """Empty these tables, and put aside what would act on rows, or slow them down, while they come in."""
        ...

    def finish(self, counters: Counters) -> Sequence[str]:
        """Put everything back and have it check the rows; no number is given out twice. Notes for the user.

        Raises `RestoreFailed`. References to rows that are not there come back as they were in a database of the same
        kind, which had them, and are a note.
        """
        ...


def definitions(table: TableRecord, type_of: Callable[[ColumnRecord], str], identifier: Callable[[str], str]) -> str:
    """Return the columns of a table as SQL, for `create`, with its primary key if it has one.

    Raises `RestoreFailed` for a type that is none: packages may come from anywhere.
    """
    parts = []
    for column in table.columns:
        if not is_type_name(chosen := type_of(column)):
            raise RestoreFailed(
                f"The type of {table.name}.{column.name} is no name of a type: {chosen[:100]!r}. Nothing live was"
                " changed."
            )
        parts.append(f"{identifier(column.name)} {chosen}{'' if column.nullable else ' NOT NULL'}")
    if table.key:
        parts.append(f"PRIMARY KEY ({', '.join(map(identifier, table.key))})")
    return ", ".join(parts)
