"""The contract of engines for portable rows: list the tables of a database, read their rows, write rows."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ...core.manifest import ColumnRecord, TableRecord
from ..forms import Kind, Row

Convert = Callable[[Any], Any]
"""A conversion of a value, which is never None. Raises `ValueError` or `TypeError` if the value has no such form."""


@dataclass(frozen=True)
class RawColumn:
    """A column as the database describes it. `base` is its type without length, `item` that of an array's items.

    `key` is its position in the primary key, counted from 1; 0 if it is not part of the key.
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
        """The vendor of Django's connection."""
        ...

    def tables(self) -> list[RawTable]:
        """Return all tables with rows of their own, also those without a model."""
        ...

    def left_out(self) -> list[str]:
        """Return a text for each object that cannot be backed up as rows: with any, the backup is INCOMPLETE."""
        ...

    def notes(self) -> list[str]:
        """Return a text for each object that a restore brings back in another form, or that must be made again."""
        ...

    def oddities(self) -> list[str]:
        """Return a text for each odd value in the rows read so far, which is backed up as it is."""
        ...

    def kind_of(self, table: str, column: RawColumn) -> tuple[Kind, str]:
        """Return the kind of a column without a model, and the kind of its items."""
        ...

    def admits(self, column: RawColumn, kind: Kind) -> bool:
        """Return whether a column can hold values of the kind that its model says."""
        ...

    def counters(self, table: RawTable) -> Mapping[str, int]:
        """Return the last number that was given out, by column, for columns that number themselves."""
        ...

    def batches(self, table: TableRecord) -> Batches:
        """Return the rows of a table in the order of its key, in portable form."""
        ...


class Batches(Protocol):
    """Rows in batches."""

    def fetch(self, count: int) -> Sequence[Row]:
        """Return the next rows, at most `count`; none at the end."""
        ...


class Writing(Protocol):
    """One database that is being filled. Constraints are not checked meanwhile."""

    def converters(self, table: TableRecord) -> Sequence[Convert | None]:
        """Return a conversion from the portable form to the values for `insert`, for each column."""
        ...

    def insert(self, table: TableRecord, rows: Sequence[Row]) -> None:
        """Add rows."""
        ...


@dataclass(frozen=True)
class Timestamps:
    """The meaning of timestamps that a database stores without a zone, and their form in the package.

    `zone` is the one in which the project stores them; None without USE_TZ, where the `default` zone is meant. Forms
    that are `bare` have no zone either: such a project has stored them, in SQLite or MariaDB.
    """

    zone: datetime.tzinfo | None
    default: datetime.tzinfo
    bare: bool

    def to_form(self, stored: datetime.datetime) -> str:
        """Return the form of a timestamp that was stored without a zone, or with its own offset."""
        target = self.default if self.bare else datetime.UTC
        if stored.tzinfo is not None:
            # SQLite stores the text that it is given, also one with an offset.
            stored = stored.astimezone(self.zone or self.default).replace(tzinfo=None)
        moved = _moved(stored, self.zone or self.default, target)
        return moved.isoformat() if self.bare else f"{moved.isoformat()}Z"

    def from_form(self, form: str) -> datetime.datetime:
        """Return the timestamp to store, without a zone."""
        moment = datetime.datetime.fromisoformat(form)
        source = self.default if moment.tzinfo is None else datetime.UTC
        return _moved(moment.replace(tzinfo=None), source, self.zone or self.default)


def _moved(moment: datetime.datetime, source: datetime.tzinfo, target: datetime.tzinfo) -> datetime.datetime:
    """Return a timestamp in another zone. Raises `OverflowError` in the first and last hours of the calendar."""
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
    """Return the form of a float, as text if it is not finite, for which JSON has no numbers."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def order(table: TableRecord) -> list[ColumnRecord]:
    """Return the columns by which rows are ordered: the primary key, or all columns if there is none."""
    by_name = {column.name: column for column in table.columns}
    return [by_name[name] for name in table.key] or table.columns
