"""PostgreSQL: rows are read by a cursor in the server, and written by COPY."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from ...core.manifest import ColumnRecord, TableRecord
from ...core.sql import quoted
from ..durations import DAY, duration_form
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

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

_ZERO: Final = re.compile(r"0000-|\d{4}-00-|\d{4}-\d\d-00|-?\d{3}:\d\d|-\d\d:|2[5-9]:|[3-9]\d:")
"""The beginning of a date or time that only MariaDB and MySQL store. PostgreSQL stores all others, also some that
Python's calendar does not have."""
LIMITS: Final = ValueLimits(
    vendor="postgresql",
    label="PostgreSQL",
    takes_nul=False,
    floats=NOT_FINITE,
    takes_infinite_decimals=True,
    takes_intervals=True,
    takes_arrays=True,
    has_date=lambda _, form: _ZERO.match(form) is None,
)

# Partitioned tables are read as one; tables of an extension are made by the extension.
_TABLES: Final = """
    SELECT c.oid, n.nspname, c.relname, n.nspname = current_schema(), c.relkind = 'p'
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND NOT c.relispartition
      AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass
                      AND d.deptype = 'e')
    ORDER BY n.nspname, c.relname
"""
# A domain is described by its base type, an array also by the type of its items.
_COLUMNS: Final = """
    SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod),
           CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, NULL) ELSE format_type(a.atttypid, NULL) END,
           NOT (a.attnotnull OR t.typnotnull), a.attgenerated <> '',
           coalesce(array_position(i.indkey::int2[], a.attnum), -1) + 1,
           CASE WHEN t.typcategory = 'A' THEN format_type(t.typelem, NULL) ELSE '' END
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
    WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid = ANY(%s)
    ORDER BY a.attrelid, a.attnum
"""
# Table inheritance, where a parent shows the rows of its children; partitions are a different thing.
_CHILDREN: Final = """
    SELECT c.relname, p.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND NOT c.relispartition AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1, 2
"""
_COUNTER: Final = """
    SELECT s.last_value FROM pg_sequences s
    WHERE format('%%I.%%I', s.schemaname, s.sequencename) = pg_get_serial_sequence(%s, %s)
"""

_KINDS: Final = {
    "boolean": Kind.BOOLEAN,
    **dict.fromkeys(("smallint", "integer", "bigint"), Kind.INTEGER),
    **dict.fromkeys(("real", "double precision"), Kind.FLOAT),
    "numeric": Kind.DECIMAL,
    **dict.fromkeys(("text", "character varying", "character", "citext", "name"), Kind.TEXT),
    "bytea": Kind.BINARY,
    "date": Kind.DATE,
    "time without time zone": Kind.TIME,
    **dict.fromkeys(("timestamp with time zone", "timestamp without time zone"), Kind.DATETIME),
    "interval": Kind.DURATION,
    "uuid": Kind.UUID,
    **dict.fromkeys(("json", "jsonb"), Kind.JSON),
    "inet": Kind.ADDRESS,
}
_AS_THEY_ARE: Final = frozenset({Kind.BOOLEAN, Kind.INTEGER, Kind.BINARY})
_OFFSET: Final = re.compile(r"[+-]\d\d(?::\d\d){0,2}$")


class PostgresqlReading:
    """A database inside a REPEATABLE READ transaction on a connection of its own, whose zone is UTC."""

    name = "postgresql"

    def __init__(self, cursor: CursorWrapper, timestamps: Timestamps) -> None:
        self._cursor = cursor
        self._timestamps = timestamps
        self._read = 0
        self.identifiers: dict[str, str] = {}
        """The tables' names in SQL by their names in the package, which begin with the schema for other schemas."""
        self._sources: dict[str, str] = {}
        self._without_values: list[str] = []

    def prepare(self) -> None:
        """Set the session so that it writes values as this module reads them."""
        # Timestamps without a zone are in the project's own zone.
        zone = str(self._timestamps.default) if self._timestamps.bare else "UTC"
        self._cursor.execute("SELECT set_config('TimeZone', %s, false)", [zone])
        self._cursor.execute("SET datestyle = 'ISO'")
        self._cursor.execute("SET intervalstyle = 'postgres'")
        self._cursor.execute("SET extra_float_digits = 3")

    def tables(self) -> list[RawTable]:
        self._cursor.execute(_TABLES)
        found: dict[int, str] = {}
        for oid, schema, table, ours, partitioned in self._cursor.fetchall():
            found[int(oid)] = name = table if ours else f"{schema}.{table}"
            self.identifiers[name] = f"{quoted(schema)}.{quoted(table)}"
            # A parent in an inheritance also shows the rows of its children, which are read from the children.
            self._sources[name] = self.identifiers[name] if partitioned else f"ONLY {self.identifiers[name]}"
        self._cursor.execute(_COLUMNS, [list(found)])
        columns: dict[int, list[RawColumn]] = {oid: [] for oid in found}
        for oid, name, shown, base, nullable, generated, key, item in self._cursor.fetchall():
            columns[oid].append(RawColumn(name, shown, base, nullable, generated, key, item))
        holding = [oid for oid, listed in columns.items() if not all(column.generated for column in listed)]
        self._without_values = [name for oid, name in found.items() if oid not in holding]
        return [RawTable(found[oid], columns[oid]) for oid in holding]

    def left_out(self) -> list[str]:
        self._cursor.execute("SELECT count(*) FROM pg_largeobject_metadata")
        (count,) = self._cursor.fetchone() or (0,)
        return [f"{count} large objects"] if count else []

    def notes(self) -> list[str]:
        self._cursor.execute(_CHILDREN, None)
        empty = [f"the table {name} has no column of its own and is not carried" for name in self._without_values]
        return empty + [
            f"the table {child} inherits from {parent}: where no migration makes it so, it comes back as a table of its"
            " own"
            for child, parent in self._cursor.fetchall()
        ]

    def oddities(self) -> list[str]:
        return []

    def kind_of(self, table: str, column: RawColumn) -> tuple[Kind, str]:
        # As text, because a list does not have the lower bound of an array.
        return (Kind.NATIVE, "") if column.item else _kind_of(column)

    def admits(self, column: RawColumn, kind: Kind) -> bool:
        return _kind_of(column)[0] is kind

    def counters(self, table: RawTable) -> Mapping[str, int]:
        found = {}
        for column in table.columns:
            if column.base in {"smallint", "integer", "bigint"}:
                self._cursor.execute(_COUNTER, [self.identifiers[table.name], column.name])
                row = self._cursor.fetchone()
                if row is not None and row[0] is not None:
                    found[column.name] = int(row[0])
        return found

    def batches(self, table: TableRecord) -> PostgresqlBatches:
        self._read += 1
        names = ", ".join(_selected(column) for column in table.columns)
        keys = ", ".join(_ordered(column) for column in order(table))
        cursor = f"rows_{self._read}"
        self._cursor.execute(
            f"DECLARE {cursor} NO SCROLL CURSOR FOR SELECT {names} FROM {self._sources[table.name]} ORDER BY {keys}"  # noqa: S608
        )
        return PostgresqlBatches(self._cursor, cursor, table, bare=self._timestamps.bare)


class PostgresqlBatches:
    """The rows of one table, behind a cursor in the server."""

    def __init__(self, cursor: CursorWrapper, name: str, table: TableRecord, *, bare: bool) -> None:
        self._cursor = cursor
        self._name = name
        self._converters = [_to_form(column, bare=bare) for column in table.columns]

    def fetch(self, count: int) -> Sequence[Row]:
        """Return the next rows, at most `count`."""
        self._cursor.execute(f"FETCH {count} FROM {self._name}")
        rows = self._cursor.fetchall()
        if not rows:
            self._cursor.execute(f"CLOSE {self._name}")
        return convert_columns(rows, self._converters)


def _kind_of(column: RawColumn) -> tuple[Kind, str]:
    if column.item:
        item = _KINDS.get(column.item)
        return (Kind.NATIVE, "") if item is None else (Kind.ARRAY, item.value)
    return _KINDS.get(column.base, Kind.NATIVE), ""


def _selected(column: ColumnRecord) -> str:
    kind, name = Kind(column.kind), quoted(column.name)
    if kind in _AS_THEY_ARE:
        return name
    if kind is Kind.FLOAT:
        return f"{name}::float8"
    if kind is Kind.ADDRESS:
        # With the length of its network prefix, if it has one.
        return f"abbrev({name})"
    if kind is Kind.ARRAY:
        item = Kind(column.item)
        return name if item in _AS_THEY_ARE else f"{name}::float8[]" if item is Kind.FLOAT else f"{name}::text[]"
    return f"{name}::text"


def _ordered(column: ColumnRecord) -> str:
    name = quoted(column.name)
    if Kind(column.kind) is Kind.TEXT:
        return f'{name} COLLATE "C"'
    if Kind(column.kind) in {Kind.JSON, Kind.NATIVE, Kind.ARRAY}:
        return f'{name}::text COLLATE "C"'
    return name


def _to_form(column: ColumnRecord, *, bare: bool) -> Convert | None:
    kind = Kind(column.kind)
    if kind is Kind.ARRAY:
        convert = _to_form(ColumnRecord(name="", kind=column.item, type="", nullable=True), bare=bare)
        return None if convert is None else _on_items(convert)
    if kind is Kind.DATETIME and "without" in column.type:
        return _moment_without_zone
    if kind is Kind.DATETIME and bare:
        return _bare_moment
    return _TO_FORM.get(kind)


def _on_items(convert: Convert) -> Convert:
    def on_items(value: list[Any]) -> list[Any]:
        return [None if one is None else on_items(one) if isinstance(one, list) else convert(one) for one in value]

    return on_items


def _padded(text: str) -> str:
    whole, point, fraction = text.partition(".")
    return f"{whole}.{fraction:0<6}" if point else whole


def _moment(text: str) -> str:
    if not text.endswith("+00"):
        # Only PostgreSQL has infinity and years BC.
        return text
    # The form of nearly all timestamps: with six digits after the point, or none.
    if len(text) == 29:
        return f"{text[:10]}T{text[11:26]}Z"
    if len(text) == 22:
        return f"{text[:10]}T{text[11:19]}Z"
    return _padded(text[:-3].replace(" ", "T")) + "Z"


def _bare_moment(text: str) -> str:
    """Return a timestamp in the session's zone, without the offset."""
    if not text[:1].isdigit() or text.endswith("BC"):
        return text
    return _padded(_OFFSET.sub("", text).replace(" ", "T"))


def _moment_without_zone(text: str) -> str:
    return _padded(text.replace(" ", "T")) if _is_plain(text) else text


def _is_plain(text: str) -> bool:
    """Return whether other databases can store a timestamp: it is neither infinite, nor BC, nor after 9999."""
    return text[:4].isdigit() and text[4:5] == "-" and not text.endswith("BC")


_TO_FORM: Final[dict[Kind, Convert]] = {
    Kind.FLOAT: float_form,
    Kind.TIME: _padded,
    Kind.DATETIME: _moment,
    Kind.DURATION: duration_form,
}


class PostgresqlWriting:
    """A database that is being filled in one transaction of its own connection."""

    def __init__(self, cursor: CursorWrapper, identifiers: Mapping[str, str], *, timestamps: Timestamps) -> None:
        self._cursor = cursor
        self._identifiers = identifiers
        self._timestamps = timestamps

    def converters(self, table: TableRecord) -> list[Convert | None]:
        """Return a conversion from the portable form to a cell of COPY, not escaped yet, for each column."""
        return [self._cell(column) for column in table.columns]

    def _cell(self, column: ColumnRecord) -> Convert | None:
        kind = Kind(column.kind)
        if kind is Kind.ARRAY:
            convert = self._cell(ColumnRecord(name="", kind=column.item, type="", nullable=True))
            if Kind(column.item) is Kind.BINARY:
                # Items of an array are not decoded when a line is read: these are still base64.
                return lambda value: _array(value, lambda item: "\\x" + base64.b64decode(item).hex())
            return lambda value: _array(value, convert)
        if kind is Kind.DATETIME and "without" in column.type:
            from_form = self._timestamps.from_form
            return lambda form: from_form(form).isoformat(" ") if _is_plain(form) else form
        # A timestamp needs no conversion: one without a zone is in the session's, which is then the project's.
        return _CELLS.get(kind)

    def insert(self, table: TableRecord, rows: Sequence[Row]) -> None:
        """Insert rows; their cells are texts or None."""
        names = ", ".join(quoted(column.name) for column in table.columns)
        statement = f"COPY {self._identifiers[table.name]} ({names}) FROM STDIN"
        lines = _copy_lines(rows)
        raw = self._cursor.cursor
        if hasattr(raw, "copy_expert"):
            raw.copy_expert(statement, io.BytesIO(lines))
        else:
            with raw.copy(statement) as target:
                target.write(lines)


# No text of PostgreSQL has a NUL, so NUL can mark separators: many rows are escaped at once.
_CELL, _ROW, _NULL = "\0c", "\0r", "\0n"
_ESCAPED: Final = (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))


def _copy_lines(rows: Sequence[Row]) -> bytes:
    text = "".join([_CELL.join([_NULL if cell is None else cell for cell in row]) + _ROW for row in rows])
    for mark, escaped in _ESCAPED:
        text = text.replace(mark, escaped)
    return text.replace(_CELL, "\t").replace(_ROW, "\n").replace(_NULL, "\\N").encode()


def _array(value: list[Any], convert: Convert | None) -> str:
    items = []
    for one in value:
        if one is None:
            items.append("NULL")
        elif isinstance(one, list):
            items.append(_array(one, convert))
        else:
            cell = one if convert is None else convert(one)
            items.append('"' + cell.replace("\\", "\\\\").replace('"', '\\"') + '"')
    return "{" + ",".join(items) + "}"


def _interval(form: int | str) -> str:
    if isinstance(form, str):
        return form
    days, rest = divmod(form, DAY)
    return f"{days} days {rest} microseconds"


_CELLS: Final[dict[Kind, Convert]] = {
    Kind.BOOLEAN: lambda form: "t" if form else "f",
    Kind.INTEGER: str,
    Kind.FLOAT: str,
    Kind.BINARY: lambda form: "\\x" + form.hex(),
    Kind.DURATION: _interval,
}
