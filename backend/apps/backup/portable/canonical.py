"""Compute a digest of rows that is equal if databases differ only in how they store the same value."""

from __future__ import annotations

import decimal
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from ..core.manifest import TableRecord
from .durations import microseconds
from .errors import NotPortable
from .forms import Kind, Row, encode_rows

_EXACT: Final = decimal.Context(prec=200_000)
"""More digits than any database keeps."""


class RowDigest:
    """A digest of the rows of a table in any order: the sum of the SHA-256 of their lines.

    With `normal`, for rows that go to another kind of database, each JSON text, zero and duration is in a normal form.
    PostgreSQL sorts the keys of an object and writes numbers out; others keep the text that they were given, and forget
    the sign of a zero. The order differs, too: nulls come first or last, and rows of a table without a key may be equal
    for the database and still differ, such as 1.0 and 1.00.
    """

    def __init__(self, table: TableRecord, *, normal: bool) -> None:
        forms = [(place, _NORMAL.get(Kind(column.kind))) for place, column in enumerate(table.columns)]
        self._normals = [(place, form) for place, form in forms if form is not None] if normal else []
        self._sum = 0
        self.rows = 0

    def add(self, rows: Sequence[Row]) -> int:
        """Add the next rows, and return their size as lines in bytes."""
        self.rows += len(rows)
        if self._normals:
            rows = [self._normal(row) for row in rows]
        lines = encode_rows(rows)
        self._sum += sum(int.from_bytes(hashlib.sha256(line).digest(), "big") for line in lines.splitlines())
        return len(lines)

    def _normal(self, row: Row) -> Row:
        values = list(row)
        for place, form in self._normals:
            if values[place] is not None:
                values[place] = form(values[place])
        return tuple(values)

    def hexdigest(self) -> str:
        """Return the digest of all rows so far."""
        return f"{self._sum:064x}"


def normal_json(text: str) -> str:
    """Return the same text for the same JSON value. Raises `NotPortable` for a text that is no JSON."""
    try:
        return _ENCODER.encode(_DECODER.decode(text))
    except (ValueError, RecursionError, decimal.InvalidOperation) as error:
        raise NotPortable(f"The JSON {text[:60]!r} cannot be read: {error}.") from error


def _number(digits: str) -> list[Any]:
    # In a list, so that the number 1 differs from the text "1".
    exact = decimal.Decimal(digits)
    return ["\0number", str(_EXACT.normalize(exact) if exact else decimal.Decimal(0))]


def _unsigned_zero(value: float | str) -> float | str:
    return 0.0 if value == 0 else value


_NORMAL: Final[dict[Kind, Callable[[Any], Any]]] = {
    Kind.JSON: normal_json,
    Kind.FLOAT: _unsigned_zero,
    Kind.DURATION: microseconds,
}
_DECODER: Final = json.JSONDecoder(parse_float=_number, parse_int=_number)
_ENCODER: Final = json.JSONEncoder(sort_keys=True, ensure_ascii=False)
