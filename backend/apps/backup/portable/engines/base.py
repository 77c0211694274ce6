"""The contract of a database for packages: list its tables, read their rows, write rows."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ...core.manifest import ColumnRecord, TableRecord
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


CALENDAR: Final[Mapping[Kind, Callable[[str], object]]] = {
    Kind.DATE: datetime.date.fromisoformat,
    Kind.TIME: datetime.time.fromisoformat,
    Kind.DATETIME: datetime.datetime.fromisoformat,
}
"""The kinds with a calendar, each with its parser."""


def is_in_calendar(kind: Kind, form: str) -> bool:
    """Return whether Python's calendar has a date or time."""
    try:
        CALENDAR[kind](form)
    except ValueError:
        return False
    return True


NOT_FINITE: Final = frozenset({"NaN", "Infinity", "-Infinity"})


@dataclass(frozen=True)
class ValueLimits:
    """The values that a kind of database cannot store. `vendor` is Django's name for it, `label` that for users."""

    vendor: str
    label: str
    takes_nul: bool = True
    """Texts and JSON may hold NUL characters."""
    counts_characters: bool = True
    """A column of text takes no more characters than its model says."""
    floats: frozenset[str] = frozenset()
    """The floats that are not finite and can be stored."""
    takes_infinite_decimals: bool = False
    decimal_digits: int | None = None
    """Significant digits of a decimal that are kept; None keeps the digits of its column."""
    takes_intervals: bool = False
    """Durations may have months, and any length; otherwise they are counted in microseconds."""
    takes_arrays: bool = False
    equal_texts: str = ""
    """The different texts that a unique column treats as equal; "" if there are none."""
    has_date: Callable[[Kind, str], bool] = is_in_calendar
    """Whether a date or time can be stored."""


class Reading(Protocol):
    """One database at its consistency point."""

    @property
    def name(self) -> str:
        """The kind of database, as Django calls it."""
        ...

    def tables(self) -> list[RawTable]:
        """Every table with rows of its own, whether or not a model knows it."""
        ...

    def left_out(self) -> list[str]:
        """Return what cannot be carried, in words: the backup is INCOMPLETE with any of it."""
        ...

    def notes(self) -> list[str]:
        """Return what comes back in another form, or has to be made again, in words."""
        ...

    def met(self) -> list[str]:
        """Return what was odd in the rows that were read so far, and is carried as it is, in words."""
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
class Moments:
    """How moments are meant that a database stores without a zone, and which form they have in the package.

    `zone` is the one that the project stores them in, None where it keeps none; they are of its `default` zone then.
    `bare` forms have no zone either: they are what such a project has stored, in SQLite or MariaDB.
    """

    zone: datetime.tzinfo | None
    default: datetime.tzinfo
    bare: bool

    def to_form(self, stored: datetime.datetime) -> str:
        """The form of a moment that was stored without a zone, or with an offset of its own."""
        target = self.default if self.bare else datetime.UTC
        if stored.tzinfo is not None:
            # SQLite keeps what it is given, with an offset too.
            stored = stored.astimezone(self.zone or self.default).replace(tzinfo=None)
        moved = _moved(stored, self.zone or self.default, target)
        return moved.isoformat() if self.bare else f"{moved.isoformat()}Z"

    def from_form(self, form: str) -> datetime.datetime:
        """The moment to store without a zone."""
        moment = datetime.datetime.fromisoformat(form)
        source = self.default if moment.tzinfo is None else datetime.UTC
        return _moved(moment.replace(tzinfo=None), source, self.zone or self.default)


def _moved(moment: datetime.datetime, source: datetime.tzinfo, target: datetime.tzinfo) -> datetime.datetime:
    """The same moment on the clocks of another zone; the first and the last hours of the calendar only on the same."""
    if source is target or source == target:
        return moment
    return moment.replace(tzinfo=source).astimezone(target).replace(tzinfo=None)


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
    """Return the columns that rows are ordered by: the primary key, or all of them."""
    by_name = {column.name: column for column in table.columns}
    return [by_name[name] for name in table.key] or table.columns
