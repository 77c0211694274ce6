"""SQLite: rows are read as the file stores them, regardless of the declared types."""

from __future__ import annotations

import base64
import datetime
import decimal
import re
import sqlite3
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from ...core.manifest import ColumnRecord, TableRecord
from ...core.sql import quoted
from ..durations import microseconds
from ..errors import TableUnreadable
from ..forms import Kind, Row
from .base import (
    NOT_FINITE,
    Convert,
    RawColumn,
    RawTable,
    Timestamps,
    ValueLimits,
    convert_columns,
    float_form,
    order,
)

_TEXTS: Final = frozenset({"text"})
_DECLARED: Final = {
    **dict.fromkeys(("bool", "boolean"), (Kind.BOOLEAN, frozenset({"integer"}))),
    "date": (Kind.DATE, _TEXTS),
    "time": (Kind.TIME, _TEXTS),
    "datetime": (Kind.DATETIME, _TEXTS),
}
"""Types that Django declares and SQLite ignores: the kind of each, and the storage classes of its values."""
_STORED: Final = {
    frozenset({"integer"}): Kind.INTEGER,
    frozenset({"real"}): Kind.FLOAT,
    frozenset({"text"}): Kind.TEXT,
    frozenset({"blob"}): Kind.BINARY,
}

_DIGITS: Final = 15
"""Decimal digits that SQLite keeps: it stores decimals as binary floats."""
LIMITS: Final = ValueLimits(
    vendor="sqlite",
    label="SQLite",
    counts_characters=False,
    floats=NOT_FINITE - {"NaN"},
    decimal_digits=_DIGITS,
)
_EXACT: Final = decimal.Context(prec=_DIGITS)
_WIDE: Final = decimal.Context(prec=1000)
_UNFIT: Final = (ValueError, TypeError, KeyError, AttributeError, OverflowError, decimal.InvalidOperation)
"""Errors of a converter for a value that is not of its kind."""
_HIDDEN: Final = 1
_SHADOWS: Final = frozenset(
    {"config", "content", "data", "docsize", "idx", "node", "parent", "rowid", "segdir", "segments", "stat"}
)
"""Suffixes of the tables in which a virtual table keeps its content."""
_INDEX_OF_ANOTHER: Final = re.compile(r"\busing\s+fts[345]\s*\(.*\bcontent\s*=", re.IGNORECASE | re.DOTALL)
"""A full-text index without its own texts: they are in another table, or nowhere."""
_WITHOUT_CONTENT: Final = re.compile(r"""\bcontent\s*=\s*(?:''|"")""", re.IGNORECASE)
_SHOWN: Final = 5
_GENERATED: Final = frozenset({2, 3})


def is_index_of_a_table(sql: str) -> bool:
    """Return whether a statement makes a full-text index of another table, from which it can be rebuilt."""
    return _INDEX_OF_ANOTHER.search(sql) is not None and _WITHOUT_CONTENT.search(sql) is None


class SqliteReading:
    """A database file without writers. `places` are the digits after the point of decimal columns.

    `derived` names virtual tables that the application rebuilds from other tables.
    """

    name = "sqlite"

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        timestamps: Timestamps,
        places: Mapping[tuple[str, str], int],
        derived: Collection[str] = (),
    ) -> None:
        self._connection = connection
        self._timestamps = timestamps
        self._places = places
        self._derived = derived

    def tables(self) -> list[RawTable]:
        virtual = set(self._virtual())
        shadows = {f"{name}_{ending}" for name in virtual for ending in _SHADOWS}
        rows = self._connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1"
        )
        names = [str(name) for (name,) in rows.fetchall()]
        kept = [name for name in names if name not in virtual | shadows]
        return [RawTable(name, self._columns(name)) for name in kept]

    def _virtual(self) -> dict[str, bool]:
        """Return the virtual tables, and whether each can be rebuilt from other tables."""
        rows = self._connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL%' ORDER BY 1"
        )
        return {str(name): str(name) in self._derived or bool(_INDEX_OF_ANOTHER.search(str(sql))) for name, sql in rows}

    def left_out(self) -> list[str]:
        return [
            f"the virtual table {name}, with the tables that it keeps its content in; if the application makes it again"
            " from other tables, name it in BACKUP_DERIVED_TABLES"
            for name, derived in self._virtual().items()
            if not derived
        ]

    def notes(self) -> list[str]:
        derived = [name for name, is_derived in self._virtual().items() if is_derived]
        found = [
            f"the virtual table {name} is derived from other tables: after a restore, run the command of the"
            " application that makes it again"
            for name in derived
        ]
        orphans = self._connection.execute("PRAGMA foreign_key_check").fetchmany(_SHOWN + 1)
        if orphans:
            shown = ", ".join(f"{table} (rowid {row}) to {parent}" for table, row, parent, _ in orphans[:_SHOWN])
            more = ", and more" if len(orphans) > _SHOWN else ""
            found.append(
                f"rows refer to rows that are not there: {shown}{more}. SQLite takes them in again; other databases"
                " refuse them, until they are set right or their tables are left out (--leave-out)"
            )
        return found

    def _columns(self, table: str) -> list[RawColumn]:
        rows = self._connection.execute(f"PRAGMA table_xinfo({quoted(table)})").fetchall()
        return [
            RawColumn(
                name=str(name),
                type=str(declared),
                base=str(declared).partition("(")[0].strip().lower(),
                # SQLite allows null in a primary key.
                nullable=not required,
                generated=hidden in _GENERATED,
                key=int(key),
            )
            for _, name, declared, required, _, key, hidden in rows
            if hidden != _HIDDEN
        ]

    def oddities(self) -> list[str]:
        return []

    def kind_of(self, table: str, column: RawColumn) -> tuple[Kind, str]:
        # SQLite does not enforce types: the stored values decide.
        rows = self._connection.execute(f"SELECT DISTINCT typeof({quoted(column.name)}) FROM {quoted(table)}")  # noqa: S608
        stored = frozenset(str(kind) for (kind,) in rows) - {"null"}
        declared, types = _DECLARED.get(column.base, (None, frozenset()))
        if declared is not None and stored <= types and self._all_are(declared, table, column):
            return declared, ""
        return _STORED.get(stored, Kind.MIXED), ""

    def _all_are(self, kind: Kind, table: str, column: RawColumn) -> bool:
        """Return whether a restore would write all values in the same way; other values are backed up as they are."""
        to_form = self._to_form(table, ColumnRecord(name=column.name, kind=kind, type=column.type, nullable=True))
        from_form = _writer(kind, self._timestamps) or (lambda form: form)
        values = self._connection.execute(f"SELECT DISTINCT {quoted(column.name)} FROM {quoted(table)}")  # noqa: S608
        try:
            return all(value is None or from_form(to_form(value)) == value for (value,) in values)
        except _UNFIT:
            return False

    def admits(self, column: RawColumn, kind: Kind) -> bool:
        return kind not in {Kind.ARRAY, Kind.NATIVE}

    def counters(self, table: RawTable) -> Mapping[str, int]:
        keys = [column.name for column in table.columns if column.key]
        if len(keys) != 1 or not self._exists("sqlite_sequence"):
            return {}
        row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", [table.name]).fetchone()
        return {keys[0]: int(row[0])} if row is not None and row[0] else {}

    def _exists(self, table: str) -> bool:
        found = self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", [table])
        return found.fetchone() is not None

    def batches(self, table: TableRecord) -> SqliteBatches:
        converters = [self._to_form(table.name, column) for column in table.columns]
        names = ", ".join(quoted(column.name) for column in table.columns)
        keys = ", ".join(f"{quoted(column.name)} COLLATE BINARY" for column in order(table))
        cursor = self._connection.execute(f"SELECT {names} FROM {quoted(table.name)} ORDER BY {keys}")  # noqa: S608
        return SqliteBatches(cursor, table, converters)

    def _to_form(self, table: str, column: ColumnRecord) -> Convert:
        kind = Kind(column.kind)
        if kind is Kind.DECIMAL:
            return _decimal_form(self._places.get((table, column.name)))
        if kind is Kind.DATETIME:
            to_form = self._timestamps.to_form
            return lambda value: to_form(datetime.datetime.fromisoformat(value))
        return _TO_FORM[kind]


class SqliteBatches:
    """The rows of one table."""

    def __init__(self, cursor: sqlite3.Cursor, table: TableRecord, converters: Sequence[Convert | None]) -> None:
        self._cursor = cursor
        self._table = table
        self._converters = converters

    def fetch(self, count: int) -> Sequence[Row]:
        """Return the next rows, at most `count`. Raises `TableUnreadable` for a value that is not of its kind."""
        rows: Sequence[Row] = self._cursor.fetchmany(count)
        try:
            return convert_columns(rows, self._converters)
        except _UNFIT as error:
            raise TableUnreadable(_describe(self._table, rows, self._converters)) from error


def _describe(table: TableRecord, rows: Sequence[Row], converters: Sequence[Convert | None]) -> str:
    for row in rows:
        for column, value, convert in zip(table.columns, row, converters, strict=True):
            try:
                if convert is not None and value is not None:
                    convert(value)
            except _UNFIT:
                key = dict(zip((one.name for one in table.columns), row, strict=True))
                where = ", ".join(f"{one.name} {key[one.name]!r}" for one in order(table)[:3])
                return (
                    f"The column {column.name} of the table {table.name} holds, where {where[:200]}, a value of the"
                    f" type {type(value).__name__} that is no {column.kind}; set it right, then back up again."
                )
    return f"The table {table.name} holds a value that has no portable form."


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    # Bytes that are not UTF-8 were decoded as surrogates, which JSON cannot hold.
    value.encode()
    return value


def _integer(value: object) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def _float(value: object) -> float | str:
    if not isinstance(value, int | float):
        raise TypeError
    return float_form(float(value))


def _decimal_form(places: int | None) -> Convert:
    def convert(value: int | float | str) -> str:
        exact = _EXACT.create_decimal_from_float(value) if isinstance(value, float) else decimal.Decimal(value)
        if places is not None and exact.is_finite():
            exact = exact.quantize(decimal.Decimal(1).scaleb(-places), context=_WIDE)
        return format(exact, "f")

    return convert


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError
    return value


def _mixed(value: object) -> object:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, float):
        form = float_form(value)
        # In an object, since a text may have the same letters.
        return {"float": form} if isinstance(form, str) else form
    return _text(value) if isinstance(value, str) else value


_TO_FORM: Final[dict[Kind, Convert]] = {
    Kind.BOOLEAN: {0: False, 1: True}.__getitem__,
    Kind.INTEGER: _integer,
    Kind.FLOAT: _float,
    Kind.TEXT: _text,
    Kind.BINARY: _bytes,
    Kind.DATE: lambda value: datetime.date.fromisoformat(value[:10]).isoformat(),
    Kind.TIME: lambda value: datetime.time.fromisoformat(value).isoformat(),
    Kind.DURATION: _integer,
    Kind.UUID: lambda value: str(uuid.UUID(value)),
    Kind.JSON: _text,
    Kind.ADDRESS: _text,
    Kind.MIXED: _mixed,
}


class SqliteWriting:
    """A database file that is being filled. Constraints are not checked meanwhile."""

    def __init__(self, connection: sqlite3.Connection, *, timestamps: Timestamps) -> None:
        self._connection = connection
        self._timestamps = timestamps

    def converters(self, table: TableRecord) -> list[Convert | None]:
        """Return a conversion from the portable form to the value that Django stores here, for each column."""
        return [_writer(Kind(column.kind), self._timestamps) for column in table.columns]

    def insert(self, table: TableRecord, rows: Sequence[Row]) -> None:
        """Insert rows."""
        names = ", ".join(quoted(column.name) for column in table.columns)
        marks = ", ".join("?" * len(table.columns))
        self._connection.executemany(
            f"INSERT INTO {quoted(table.name)} ({names}) VALUES ({marks})",  # noqa: S608  quoted
            rows,
        )


def _writer(kind: Kind, timestamps: Timestamps) -> Convert | None:
    if kind is Kind.DATETIME:
        return lambda form: timestamps.from_form(form).isoformat(" ")
    return _FROM_FORM.get(kind)


def _mixed_value(form: object) -> object:
    if not isinstance(form, dict):
        return form
    return float(form["float"]) if "float" in form else base64.b64decode(form["base64"], validate=True)


_FROM_FORM: Final[dict[Kind, Convert]] = {
    Kind.BOOLEAN: int,
    Kind.FLOAT: float,
    Kind.DURATION: microseconds,
    Kind.UUID: lambda form: form.replace("-", ""),
    Kind.MIXED: _mixed_value,
}
