"""The JSON forms of values: one per kind, the same whichever database they come from or go to.

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
    """How the values of a column are written."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    FLOAT = "float"
    """A number, or "NaN", "Infinity", "-Infinity"."""
    DECIMAL = "decimal"
    """Its digits as text, with those after the point that the column has."""
    TEXT = "text"
    BINARY = "binary"
    """Base64."""
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    """ISO 8601; in UTC with a Z, or without any zone where the project keeps none."""
    DURATION = "duration"
    """Microseconds, or what PostgreSQL writes where they do not tell it: see `durations`."""
    UUID = "uuid"
    JSON = "json"
    """The JSON text as a text, so that its null is another than the row's, and every digit stays."""
    ADDRESS = "address"
    """An IP address."""
    ARRAY = "array"
    """An array, of arrays too; the items are of one kind."""
    NATIVE = "native"
    """A type that only this kind of database has, as it writes it."""
    MIXED = "mixed"
    """SQLite without a declared type: number, text, or an object with the bytes in base64 or an infinite number."""


_WORD: Final = r"[^\W\d][\w$]*"
_NAME: Final = rf'(?:{_WORD}|"(?:[^"\0]|"")+")'
_SPACE: Final = "[ \\t\\r\\n]"
_ITEM: Final = rf"(?:[+-]?[0-9]+(?:\.[0-9]+)?|{_WORD}|'(?:[^'\\\0]|'')*')"
# Possessive, so that no text of a stranger takes longer to refuse than to read.
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
    """Whether a text is the name of a type as the databases write it, such as `timestamp(3) without time zone`,
    `enum('a','b')` or "", which SQLite has too, and no other piece of SQL: it becomes part of a statement.
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
"""Rows as lines. Takes what the engines give: numbers, texts, bytes, lists, None."""


def row_decoder(table: TableRecord) -> msgspec.json.Decoder[Row]:
    """Reads lines of a table, strictly: one value per column, each of its kind's type."""
    types = []
    for column in table.columns:
        kind = _TYPES.get(Kind(column.kind), str)
        types.append(kind | None if column.nullable else kind)
    return msgspec.json.Decoder(tuple[tuple(types)])  # type: ignore[misc]  # made at run time
