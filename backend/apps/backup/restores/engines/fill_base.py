"""The contract for filling a database quickly with rows and checking it at the end."""

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
"""The last number that was given out, by table and column."""


@dataclass(frozen=True)
class Scratch:
    """The database to be filled: its name on the alias's server, or its path, and its migrations."""

    alias: str
    place: str
    known: History
    timestamps: Timestamps
    source: str
    """The vendor of the database from which the rows come."""


class Filling(Protocol):
    """A new database that was migrated. Its rows may be deleted."""

    @property
    def reading(self) -> Reading: ...

    @property
    def writing(self) -> Writing: ...

    def create(self, table: TableRecord) -> None:
        """Create a table that no migration makes: only its columns and its key."""
        ...

    def begin(self, tables: Iterable[RawTable]) -> None:
        """Empty these tables, and disable triggers, constraints and indexes, which would act on or slow the loading."""
        ...

    def finish(self, counters: Counters) -> Sequence[str]:
        """Enable all of these again, check the rows, set the counters, and return notes for the user.

        References to missing rows are a note if the rows come from the same kind of database, which had them, too.
        Raises `RestoreFailed`.
        """
        ...


def definitions(table: TableRecord, type_of: Callable[[ColumnRecord], str], identifier: Callable[[str], str]) -> str:
    """Return the columns of a table as SQL, for `create`, with its primary key if it has one.

    Raises `RestoreFailed` for a text that is no type: a package may be hostile.
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
