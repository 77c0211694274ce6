"""What each kind of database does to be filled quickly and checked as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ...manifest import TableRecord
from ...portable.engines.base import Moments, RawTable, Reading, Writing
from ...portable.forms import Kind, is_type_name
from ...portable.history import History
from ..errors import RestoreFailed

Counters = Mapping[str, Mapping[str, int]]
"""The last numbers that were given out, by table and column."""


@dataclass(frozen=True)
class Scratch:
    """The database that is filled: its name on the alias's server, or its path; what migrations have made of it."""

    alias: str
    place: str
    known: History
    moments: Moments


class Filling(Protocol):
    """A scratch database that has been migrated and holds nothing that anybody needs."""

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

    def finish(self, counters: Counters) -> None:
        """Put everything back and have it check the rows; no number is given out twice. Raises `RestoreFailed`."""
        ...


def definitions(
    table: TableRecord, types: Mapping[Kind, str], identifier: Callable[[str], str], *, native: bool
) -> str:
    """The columns of a table as SQL, for `create`. `native` is True where the package is of the same kind of database,
    whose own types can be used. Raises `RestoreFailed` for a type that is none: packages may come from anybody."""
    odd = next((column for column in table.columns if native and not is_type_name(column.type)), None)
    if odd is not None:
        raise RestoreFailed(
            f"The type of {table.name}.{odd.name} is no name of a type: {odd.type[:100]!r}. Nothing live was changed."
        )
    parts = [
        f"{identifier(column.name)} {column.type if native else types[Kind(column.kind)]}"
        f"{'' if column.nullable else ' NOT NULL'}"
        for column in table.columns
    ]
    if len(table.key) < len(table.columns) or len(table.columns) == 1:
        parts.append(f"PRIMARY KEY ({', '.join(map(identifier, table.key))})")
    return ", ".join(parts)
