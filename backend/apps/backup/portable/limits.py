"""Limits of a kind of database: values too long, too large, too exact, or outside of its calendar."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from ..core.manifest import ColumnRecord
from .canonical import normal_json
from .durations import microseconds
from .engines.mysql import is_out_of_calendar
from .engines.sqlite import DIGITS
from .errors import NotPortable
from .forms import Kind

_LONGEST: Final = (1 << 63) - 1


@dataclasses.dataclass(frozen=True)
class Check:
    """The limits of one column for values that are not None: `reason` returns why one cannot be stored, or "".

    `all_fit` looks at many at once, quickly; False may be a false alarm.
    """

    all_fit: Callable[[Sequence[Any]], bool]
    reason: Callable[[Any], str]


def check_for(
    column: ColumnRecord, field: models.Field[Any, Any] | None, connection: BaseDatabaseWrapper
) -> Check | None:
    """The check of a column of that field (None for one that no model knows) in this database; None if all fits."""
    kind, engine = Kind(column.kind), connection.vendor
    if kind is Kind.INTEGER:
        return None if field is None else _integer_check(field, connection)
    if kind in _CALENDAR:
        return _calendar_check(kind, engine)
    makers: dict[Kind, Callable[[], Check | None]] = {
        Kind.TEXT: lambda: _text_check(field, engine),
        Kind.FLOAT: lambda: _float_check(engine),
        Kind.DECIMAL: lambda: _decimal_check(field, engine),
        Kind.DURATION: lambda: _duration_check(engine),
        Kind.JSON: lambda: _json_check(engine),
        Kind.UUID: lambda: _each(lambda text: "" if _UUID.fullmatch(text) else f"is {text[:40]!r}, which is no UUID"),
    }
    return makers[kind]() if kind in makers else None


def _each(reason: Callable[[Any], str]) -> Check:
    return Check(lambda values: not any(map(reason, values)), reason)


def _text_check(field: models.Field[Any, Any] | None, engine: str) -> Check | None:
    longest = field.max_length if isinstance(field, models.CharField) else None
    nul = engine == "postgresql"
    if engine == "sqlite" or (longest is None and not nul):
        # SQLite takes any length and any character; MariaDB's scratch databases are made with all of Unicode.
        return None

    def reason(text: str) -> str:
        if nul and "\0" in text:
            return "holds a NUL character, which PostgreSQL has not"
        return f"has more than {longest} characters" if longest is not None and len(text) > longest else ""

    def all_fit(values: Sequence[str]) -> bool:
        short = longest is None or max(map(len, values), default=0) <= longest
        return short and not (nul and "\0" in "".join(values))

    return Check(all_fit, reason)


def _integer_check(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> Check:
    low, high = connection.ops.integer_field_range(field.get_internal_type())
    if low is None or high is None:
        low, high = -_LONGEST - 1, _LONGEST

    def reason(number: int) -> str:
        return "" if low <= number <= high else f"is outside of {low} to {high}"

    return Check(lambda values: not values or (low <= min(values) and max(values) <= high), reason)


def _float_check(engine: str) -> Check | None:
    if engine == "postgresql":
        return None

    def reason(number: float | str) -> str:
        if number == "NaN" or (isinstance(number, str) and engine == "mysql"):
            return f"is {number}, which {engine} has not"
        return ""

    return _each(reason)


def _decimal_check(field: models.Field[Any, Any] | None, engine: str) -> Check:
    digits = field.max_digits if isinstance(field, models.DecimalField) else None
    places = field.decimal_places if isinstance(field, models.DecimalField) else None

    def reason(text: str) -> str:
        try:
            number = decimal.Decimal(text)
        except decimal.InvalidOperation:
            return f"is {text[:40]!r}, which is no number"
        if not number.is_finite():
            return "" if engine == "postgresql" else f"is {text}, which {engine} has not"
        _, all_digits, exponent = number.as_tuple()
        assert isinstance(exponent, int)  # noqa: S101  it is finite
        significant = len("".join(map(str, all_digits)).strip("0"))
        if engine == "sqlite":
            return f"has {significant} digits; SQLite keeps {DIGITS}" if significant > DIGITS else ""
        whole = max(0, number.adjusted() + 1) if number else 0
        if digits is not None and places is not None and (whole > digits - places or -exponent > places):
            return f"does not fit into {digits} digits with {places} after the point"
        return ""

    return _each(reason)


_CALENDAR: Final[dict[Kind, Callable[[str], object]]] = {
    Kind.DATE: datetime.date.fromisoformat,
    Kind.TIME: datetime.time.fromisoformat,
    Kind.DATETIME: datetime.datetime.fromisoformat,
}


_ZERO: Final = re.compile(r"0000-|\d{4}-00-|\d{4}-\d\d-00|-?\d{3}:\d\d|-\d\d:|2[5-9]:|[3-9]\d:")
"""How such a date or time begins."""


def _calendar_check(kind: Kind, engine: str) -> Check | None:
    parse = _CALENDAR[kind]
    if engine == "postgresql":
        # It takes more than Python's calendar has, but not what MariaDB and MySQL take besides.
        return _each(lambda text: f"is {text[:40]!r}, which {engine} has not" if _ZERO.match(text) else "")

    def reason(text: str) -> str:
        try:
            parse(text)
        except ValueError:
            if engine == "mysql" and is_out_of_calendar(kind, text):
                return ""
            return f"is {text[:40]!r}, which {engine} has not"
        return ""

    return _each(reason)


def _duration_check(engine: str) -> Check | None:
    if engine == "postgresql":
        return None

    def reason(form: int | str) -> str:
        length = microseconds(form)
        if length is None:
            return f"is {form!r}, which {engine} has not"
        return "" if abs(length) <= _LONGEST else f"is longer than {engine} can count in microseconds"

    return _each(reason)


def _json_check(engine: str) -> Check:
    def holds_nul(text: str) -> bool:
        return engine == "postgresql" and "\\u0000" in text.replace("\\\\", "")

    def reason(text: str) -> str:
        try:
            normal_json(text)
        except NotPortable as error:
            return str(error)
        return "holds a NUL character, which PostgreSQL has not" if holds_nul(text) else ""

    def all_fit(values: Sequence[str]) -> bool:
        together = ",".join(values)
        try:
            whole = _ANY_LIST.decode(f"[{together}]")
        except (msgspec.DecodeError, RecursionError):
            return False
        return len(whole) == len(values) and "\\u0000" not in together

    return Check(all_fit, reason)


_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ANY_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])
