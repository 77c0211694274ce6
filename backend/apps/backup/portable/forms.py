"""The JSON forms of values: one for each kind, the same for all databases.

A row is a line: an array with the values of its columns in the order that the manifest lists them. null is null in
every kind. `docs/reference/package.md` has the table of forms for people.
"""

from __future__ import annotations

import enum
import re
from typing import Any, Final

import msgspec

from ..core.manifest import TableRecord

Row = tuple[Any, ...]

MAX_LINE: Final = 1 << 30
"""Bytes of one row; PostgreSQL's own limit for a value."""


class Kind(enum.StrEnum):
    """The form in which the values of a column are written."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    FLOAT = "float"
    """A number, or "NaN", "Infinity", "-Infinity"."""
    DECIMAL = "decimal"
    """Its digits as text, with as many after the point as the column has."""
    TEXT = "text"
    BINARY = "binary"
    """Base64."""
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    """ISO 8601; in UTC with a Z, or without a zone if the project stores none."""
    DURATION = "duration"
    """Microseconds, or the text of PostgreSQL if they are not enough: see `durations`."""
    UUID = "uuid"
    JSON = "json"
    """The JSON text as a string, so that its null differs from the row's, and each digit stays."""
    ADDRESS = "address"
    """An IP address."""
    ARRAY = "array"
    """An array, also of arrays; all items are of one kind."""
    NATIVE = "native"
    """A type that only this kind of database has, in the database's own text."""
    MIXED = "mixed"
    """SQLite without a declared type: number, text, or an object with the bytes in base64 or an infinite number."""


_WORD: Final = r"[^\W\d][\w$]*"
_NAME: Final = rf'(?:{_WORD}|"(?:[^"\0]|"")+")'
_SPACE: Final = "[ \\t\\r\\n]"
_ITEM: Final = rf"(?:[+-]?[0-9]+(?:\.[0-9]+)?|{_WORD}|'(?:[^'\\\0]|'')*')"
# Possessive quantifiers: a hostile text cannot make the matching slow.
_LIST: Final = rf"(?:{_SPACE}*+\({_SPACE}*+{_ITEM}{_SPACE}*+(?:,{_SPACE}*+{_ITEM}{_SPACE}*+)*+\))?+"
_TYPE: Final = re.compile(rf"{_NAME}(?:\.{_NAME})*+{_LIST}(?:{_SPACE}++{_WORD}{_LIST})*+(?:\[\])*+")
_QUOTED: Final = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")+\"""")
_CLAUSE: Final = re.compile(
    r"\b(?:as|check|collate|comment|compression|constraint|default|deferrable|generated|initially|key|not|null|on"
    r"|primary|references|storage|unique)\b",
    re.IGNORECASE,
)
"""Text after a type in the definition of a column that can run code."""


def is_type_name(text: str) -> bool:
    """Return whether a text is the name of a type as databases write it, and no other piece of SQL.

    The text becomes part of a statement. Examples are `timestamp(3) without time zone`, `enum('a','b')`, and "" of
    SQLite.
    """
    return not text or (_TYPE.fullmatch(text) is not None and not _CLAUSE.search(_QUOTED.sub("''", text)))


_TYPES: Final[dict[Kind, Any]] = {
    Kind.BOOLEAN: bool,
    Kind.INTEGER: int,
    Kind.FLOAT: float | str,
    Kind.BINARY: bytes,
    Kind.DURATION: int | str,
    Kind.ARRAY: list[Any],
    Kind.MIXED: int | float | str | dict[str, str],
}

encode_rows: Final = msgspec.json.Encoder().encode_lines
"""The encoder of rows as lines. The values are those of the engines: numbers, texts, bytes, lists, None."""


def row_decoder(table: TableRecord) -> msgspec.json.Decoder[Row]:
    """Return a strict decoder of a table's lines: one value for each column, of the type of the column's kind."""
    types = []
    for column in table.columns:
        kind = _TYPES.get(Kind(column.kind), str)
        types.append(kind | None if column.nullable else kind)
    return msgspec.json.Decoder(tuple[tuple(types)])  # type: ignore[misc]  # made at run time
