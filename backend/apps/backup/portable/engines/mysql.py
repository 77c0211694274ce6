"""MariaDB and MySQL: rows are read by an unbuffered cursor, and written by inserts of many rows."""

from __future__ import annotations

import datetime
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from ...core.manifest import ColumnRecord, TableRecord
from ...core.sql import backticked
from ..durations import microseconds
from ..errors import TableUnreadable
from ..forms import Kind, Row
from .base import (
    Convert,
    RawColumn,
    RawTable,
    Timestamps,
    ValueLimits,
    convert_columns,
    float_form,
    is_in_calendar,
    order,
)

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper

_TABLES: Final = """
    SELECT table_name, table_type, coalesce(engine, '') FROM information_schema.tables
    WHERE table_schema = DATABASE() ORDER BY BINARY table_name
"""
_CARRIED: Final = frozenset({"BASE TABLE", "SYSTEM VERSIONED"})
_NOT_DATA: Final = frozenset({"VIEW", "SYSTEM VIEW"})
_ELSEWHERE: Final = frozenset({"mrg_myisam", "federated", "connect", "spider", "s3", "oqgraph", "sphinx"})
"""Engines whose tables show rows of other tables or of other servers."""
_COLUMNS: Final = """
    SELECT c.table_name, c.column_name, c.column_type, c.data_type, c.is_nullable = 'YES', c.extra,
           coalesce(k.ordinal_position, 0)
    FROM information_schema.columns c LEFT JOIN information_schema.key_column_usage k
      ON k.table_schema = c.table_schema AND k.table_name = c.table_name AND k.column_name = c.column_name
      AND k.constraint_name = 'PRIMARY'
    WHERE c.table_schema = DATABASE() ORDER BY c.table_name, c.ordinal_position
"""
_COUNTER: Final = """
    SELECT t.auto_increment, c.column_name FROM information_schema.tables t
    JOIN information_schema.columns c ON c.table_schema = t.table_schema AND c.table_name = t.table_name
      AND c.extra LIKE '%%auto_increment%%'
    WHERE t.table_schema = DATABASE() AND t.table_name = %s
"""
_KINDS: Final = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint", "year", "bit"), Kind.INTEGER),
    "double": Kind.FLOAT,
    "float": Kind.FLOAT,
    "decimal": Kind.DECIMAL,
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"), Kind.TEXT),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), Kind.BINARY),
    "date": Kind.DATE,
    "time": Kind.TIME,
    **dict.fromkeys(("datetime", "timestamp"), Kind.DATETIME),
    "uuid": Kind.UUID,
    "json": Kind.JSON,
    **dict.fromkeys(("inet4", "inet6"), Kind.ADDRESS),
}
_SHAPES: Final = frozenset(
    {"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"}
    | {"geometrycollection", "geomcollection"}
)
"""Geometric types. Their values are backed up as the bytes that the server stores, in hexadecimal digits."""
_ALIKE: Final = {
    Kind.BOOLEAN: frozenset({Kind.INTEGER}),
    Kind.DURATION: frozenset({Kind.INTEGER}),
    Kind.UUID: frozenset({Kind.UUID, Kind.TEXT}),
    Kind.JSON: frozenset({Kind.JSON, Kind.TEXT}),
    Kind.ADDRESS: frozenset({Kind.ADDRESS, Kind.TEXT}),
}
"""The kinds of column in which values of a model's kind may be stored."""

_AS_TEXT: Final = frozenset(
    {Kind.DATE, Kind.TIME, Kind.DATETIME, Kind.UUID, Kind.DECIMAL, Kind.ADDRESS, Kind.JSON, Kind.NATIVE}
)


_DAY: Final = r"\d{4}-\d\d-\d\d"
_OUT_OF_CALENDAR: Final = {
    Kind.DATE: re.compile(_DAY),
    Kind.DATETIME: re.compile(rf"{_DAY} \d\d:\d\d:\d\d(?:\.\d{{1,6}})?"),
    Kind.TIME: re.compile(r"-?\d{2,3}:\d\d:\d\d(?:\.\d{1,6})?"),
}
"""Dates with a zero in them, and times below zero or of more than a day, which these servers store."""


def is_out_of_calendar(kind: Kind, form: str) -> bool:
    """Return whether a form is such a date or time."""
    pattern = _OUT_OF_CALENDAR.get(kind)
    return pattern is not None and pattern.fullmatch(form) is not None


LIMITS: Final = ValueLimits(
    vendor="mysql",
    label="MariaDB and MySQL",
    equal_texts=(
        "to the usual collations of MariaDB and MySQL, texts are equal that differ in case, accents or spaces at their"
        " end alone"
    ),
    has_date=lambda kind, form: is_in_calendar(kind, form) or is_out_of_calendar(kind, form),
)


class DriverCursor(Protocol):
    """A cursor of the driver itself."""

    def execute(self, query: str, /) -> object: ...

    def fetchmany(self, size: int, /) -> Sequence[Row]: ...

    def close(self) -> None: ...


class MysqlReading:
    """A database inside a transaction WITH CONSISTENT SNAPSHOT on a connection of its own, whose zone is UTC."""

    name = "mysql"

    def __init__(self, wrapper: BaseDatabaseWrapper, cursor: CursorWrapper, *, timestamps: Timestamps) -> None:
        self._wrapper = wrapper
        self._cursor = cursor
        self._timestamps = timestamps
        self._met: dict[str, list[str]] = {}

    def prepare(self) -> None:
        """Set the session so that it writes values as this module reads them."""
        self._cursor.execute("SET time_zone = '+00:00'")
        self._cursor.execute("SET NAMES utf8mb4")

    def tables(self) -> list[RawTable]:
        columns: dict[str, list[RawColumn]] = {
            name: [] for name, kind, engine in self._all() if kind in _CARRIED and engine not in _ELSEWHERE
        }
        self._cursor.execute(_COLUMNS)
        for table, name, shown, base, nullable, extra, key in self._cursor.fetchall():
            if table in columns:
                generated = "GENERATED" in str(extra).upper() and "DEFAULT_GENERATED" not in str(extra).upper()
                columns[table].append(RawColumn(name, _as_text(shown), base, bool(nullable), generated, int(key)))
        return [RawTable(name, found) for name, found in columns.items()]

    def _all(self) -> list[tuple[str, str, str]]:
        """Return all entries in the server's list of tables: name, type, engine in lower case."""
        self._cursor.execute(_TABLES)
        return [(str(name), str(kind).upper(), str(engine).lower()) for name, kind, engine in self._cursor.fetchall()]

    def left_out(self) -> list[str]:
        found = []
        for name, kind, engine in self._all():
            if kind == "SYSTEM VERSIONED":
                found.append(f"the history of the system-versioned table {name}: its current rows alone are carried")
            elif kind not in _CARRIED | _NOT_DATA:
                found.append(f"the {kind.lower()} {name}")
            elif engine in _ELSEWHERE:
                found.append(f"the table {name} of the engine {engine}, whose rows lie elsewhere")
        return found

    def oddities(self) -> list[str]:
        return [
            f"the column {where} holds {values[0]}, which no calendar has"
            f"{f', and {len(values) - 1:,} such values more' if len(values) > 1 else ''}: carried as text, for MariaDB"
            " and MySQL alone"
            for where, values in self._met.items()
        ]

    def notes(self) -> list[str]:
        return []

    def kind_of(self, table: str, column: RawColumn) -> tuple[Kind, str]:
        return _KINDS.get(column.base, Kind.NATIVE), ""

    def admits(self, column: RawColumn, kind: Kind) -> bool:
        return _KINDS.get(column.base, Kind.NATIVE) in _ALIKE.get(kind, {kind})

    def counters(self, table: RawTable) -> Mapping[str, int]:
        self._cursor.execute(_COUNTER, [table.name])
        row = self._cursor.fetchone()
        if row is None or row[0] is None or int(row[0]) <= 1:
            return {}
        return {str(row[1]): int(row[0]) - 1}

    def batches(self, table: TableRecord) -> MysqlBatches:
        names = ", ".join(_selected(column) for column in table.columns)
        keys = ", ".join(_ordered(column) for column in order(table))
        cursor = _unbuffered(self._wrapper)
        cursor.execute(f"SELECT {names} FROM {backticked(table.name)} ORDER BY {keys}")  # noqa: S608  quoted
        return MysqlBatches(cursor, table, [self._to_form(column) for column in table.columns], self._met)

    def _to_form(self, column: ColumnRecord) -> Convert | None:
        kind = Kind(column.kind)
        if kind is Kind.DATETIME:
            to_form = self._timestamps.to_form
            return lambda text: to_form(datetime.datetime.fromisoformat(text))
        return _TO_FORM.get(kind)


class MysqlBatches:
    """The rows of one table, read as the server sends them."""

    def __init__(
        self,
        cursor: DriverCursor,
        table: TableRecord,
        converters: Sequence[Convert | None],
        met: dict[str, list[str]],
    ) -> None:
        self._cursor = cursor
        self._table = table
        self._converters = converters
        self._met = met
        self._calendar = [place for place, column in enumerate(table.columns) if Kind(column.kind) in _OUT_OF_CALENDAR]

    def fetch(self, count: int) -> Sequence[Row]:
        """Return the next rows, at most `count`. Raises `TableUnreadable` for a value that has no portable form."""
        rows: Sequence[Row] = self._cursor.fetchmany(count)
        if not rows:
            self._cursor.close()
        try:
            return convert_columns(rows, self._converters)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            if any(self._is_odd(row, place) for row in rows for place in self._calendar):
                return [self._convert(row) for row in rows]
            raise TableUnreadable(
                f"The table {self._table.name} holds a value that has no portable form ({error}); set it right, then"
                " back up again."
            ) from error

    def _is_odd(self, row: Row, place: int) -> bool:
        """Return whether a value is a date or time that MariaDB and MySQL store, but that no calendar has."""
        value, convert = row[place], self._converters[place]
        if value is None or convert is None:
            return False
        try:
            convert(value)
        except ValueError:
            return _OUT_OF_CALENDAR[Kind(self._table.columns[place].kind)].fullmatch(str(value)) is not None
        return False

    def _convert(self, row: Row) -> Row:
        """Convert a row. Odd values stay as they are, and are noted with their row."""
        odd = {place for place in self._calendar if self._is_odd(row, place)}
        for place in sorted(odd):
            by_name = {column.name: value for column, value in zip(self._table.columns, row, strict=True)}
            key = ", ".join(f"{one.name} {by_name[one.name]!r}" for one in order(self._table)[:3])
            where = f"{self._table.name}.{self._table.columns[place].name}"
            self._met.setdefault(where, []).append(f"{row[place]!r} (where {key[:200]})")
        kept = [None if place in odd else convert for place, convert in enumerate(self._converters)]
        try:
            return tuple(convert_columns([row], kept)[0])
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise TableUnreadable(
                f"The table {self._table.name} holds a value that has no portable form ({error}); set it right, then"
                " back up again."
            ) from error


def _unbuffered(wrapper: BaseDatabaseWrapper) -> DriverCursor:
    """Return a cursor that does not fetch all rows at once; both drivers have one."""
    kind = vars(type(wrapper))["Database"].cursors.SSCursor
    cursor: DriverCursor = wrapper.connection.cursor(kind)
    return cursor


def _as_text(value: object) -> str:
    # Some drivers return long texts of information_schema as bytes.
    return value.decode() if isinstance(value, bytes) else str(value)


def _selected(column: ColumnRecord) -> str:
    name, kind = backticked(column.name), Kind(column.kind)
    if kind is Kind.FLOAT and column.type.startswith("float"):
        # The server shows six digits of a float and stores seven.
        return f"{name} + 0e0"
    if kind is Kind.INTEGER and column.type.startswith("bit"):
        return f"{name} + 0"
    if kind is Kind.NATIVE and column.type in _SHAPES:
        return f"HEX({name})"
    return f"CAST({name} AS CHAR)" if kind in _AS_TEXT else name


def _ordered(column: ColumnRecord) -> str:
    name = backticked(column.name)
    if Kind(column.kind) in {Kind.TEXT, Kind.UUID, Kind.JSON, Kind.ADDRESS}:
        return f"CAST(CAST({name} AS CHAR CHARACTER SET utf8mb4) AS BINARY)"
    return name


def _time(text: str) -> str:
    return datetime.time.fromisoformat(text).isoformat()


def _date(text: str) -> str:
    return datetime.date.fromisoformat(text).isoformat()


_TO_FORM: Final[dict[Kind, Convert]] = {
    Kind.DATE: _date,
    Kind.BOOLEAN: {0: False, 1: True}.__getitem__,
    Kind.FLOAT: lambda value: float_form(float(value)),
    Kind.TIME: _time,
    Kind.UUID: lambda text: str(uuid.UUID(text)),
}


class MysqlWriting:
    """A database that is being filled in one transaction of its own connection, without checks of constraints."""

    def __init__(self, cursor: CursorWrapper, tables: Mapping[str, RawTable], *, timestamps: Timestamps) -> None:
        self._cursor = cursor
        self._tables = tables
        self._timestamps = timestamps

    def converters(self, table: TableRecord) -> list[Convert | None]:
        """Return a conversion from the portable form to the value that Django stores here, for each column."""
        bases = {column.name: column.base for column in self._tables[table.name].columns}
        return [self._from_form(Kind(column.kind), bases[column.name]) for column in table.columns]

    def _from_form(self, kind: Kind, base: str) -> Convert | None:
        if kind is Kind.DATETIME:
            from_form = self._timestamps.from_form
            return lambda form: form if is_out_of_calendar(kind, form) else from_form(form).isoformat(" ")
        if kind is Kind.UUID and base != "uuid":
            return lambda form: form.replace("-", "")
        if kind is Kind.NATIVE and base in _SHAPES:
            return bytes.fromhex
        return _FROM_FORM.get(kind)

    def insert(self, table: TableRecord, rows: Sequence[Row]) -> None:
        """Insert rows."""
        names = ", ".join(backticked(column.name) for column in table.columns)
        marks = ", ".join(["%s"] * len(table.columns))
        self._cursor.executemany(f"INSERT INTO {backticked(table.name)} ({names}) VALUES ({marks})", rows)  # noqa: S608


_FROM_FORM: Final[dict[Kind, Convert]] = {
    Kind.BOOLEAN: int,
    Kind.DURATION: microseconds,
    # As text: some drivers lose digits, or the sign of a zero, of a number in a statement.
    Kind.FLOAT: str,
}
