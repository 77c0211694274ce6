"""What each kind of database can do for a package: say what tables it has, give their rows, take rows in."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ...manifest import ColumnRecord, TableRecord
from ..forms import Kind, Row

Convert = Callable[[Any], Any]
"""From one form of a value, which is never None, to another. Raises `ValueError` or `TypeError` for what has none."""


@dataclass(frozen=True)
class RawColumn:
    """A column as the database describes it. `base` is its type without length, `item` that of an array's items.

    `key` is its place in the primary key, from 1 on; 0 if it is not in it.
    """

    name: str
    type: str
    base: str
    nullable: bool
    generated: bool = False
    key: int = 0
    item: str = ""


@dataclass(frozen=True)
class RawTable:
    """A table as the database describes it."""

    name: str
    columns: list[RawColumn]


class Reading(Protocol):
    """One database at its cut."""

    @property
    def name(self) -> str:
        """The kind of database, as Django calls it."""
        ...

    def tables(self) -> list[RawTable]:
        """Every table with rows of its own, whether or not a model knows it."""
        ...

    def left_out(self) -> list[str]:
        """Tables that cannot be carried, in words."""
        ...

    def kind_of(self, table: str, column: RawColumn) -> tuple[Kind, str]:
        """The kind of a column that no model explains, and the kind of its items."""
        ...

    def admits(self, column: RawColumn, kind: Kind) -> bool:
        """Whether such a column can hold values of the kind that its model says."""
        ...

    def counters(self, table: RawTable) -> Mapping[str, int]:
        """The last numbers given out, for columns that number themselves."""
        ...

    def batches(self, table: TableRecord) -> Batches:
        """The rows of a table in the order of its key, as the forms want them."""
        ...


class Batches(Protocol):
    """Rows, some at a time."""

    def fetch(self, count: int) -> Sequence[Row]:
        """The next rows, at most so many; none at the end."""
        ...


class Writing(Protocol):
    """One database that is being filled. Nothing is checked while rows come in."""

    def converters(self, table: TableRecord) -> Sequence[Convert | None]:
        """From the forms to what `insert` takes, for each column."""
        ...

    def insert(self, table: TableRecord, rows: Sequence[Row]) -> None:
        """Add rows."""
        ...


@dataclass(frozen=True)
class Zone:
    """How moments without a zone are meant: `None` where the project keeps no zones at all."""

    zone: datetime.tzinfo | None

    def to_form(self, moment: datetime.datetime) -> str:
        """The form of a moment that was stored without a zone."""
        if self.zone is None:
            return moment.isoformat()
        if self.zone is not datetime.UTC:
            moment = moment.replace(tzinfo=self.zone).astimezone(datetime.UTC)
        return moment.replace(tzinfo=None).isoformat() + "Z"

    def from_form(self, form: str, default: datetime.tzinfo) -> datetime.datetime:
        """The moment to store without a zone. `default` is the zone of a project that keeps none."""
        moment = datetime.datetime.fromisoformat(form)
        here = self.zone or default
        if moment.tzinfo is None:
            if self.zone is None:
                return moment
            moment = moment.replace(tzinfo=default)
        return moment.astimezone(here).replace(tzinfo=None)


def convert_columns(rows: Sequence[Row], converters: Sequence[Convert | None]) -> Sequence[Row]:
    """Apply a converter to each column that has one; None stays None."""
    if not rows or not any(converters):
        return rows
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for place, convert in enumerate(converters):
        if convert is not None:
            columns[place] = [None if value is None else convert(value) for value in columns[place]]
    return list(zip(*columns, strict=True))


def float_form(value: float) -> float | str:
    """The form of a float: JSON has no numbers for what is not finite."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def order(table: TableRecord) -> list[ColumnRecord]:
    """The columns that rows are ordered by."""
    by_name = {column.name: column for column in table.columns}
    return [by_name[name] for name in table.key]


def quoted(name: str, mark: str = '"') -> str:
    """A name as an identifier; schema and table apart are quoted by the caller."""
    return mark + name.replace(mark, mark * 2) + mark
