"""Check values against the limits of a kind of database: too long, too large, too exact, or outside of its calendar."""

from __future__ import annotations

import dataclasses
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
from .engines.base import CALENDAR, NOT_FINITE, ValueLimits
from .engines.registry import VALUE_LIMITS
from .errors import NotPortable
from .forms import Kind

_LONGEST: Final = (1 << 63) - 1


@dataclasses.dataclass(frozen=True)
class Check:
    """The limits of one column for values that are not None: `reason` returns why one cannot be stored, or "".

    `all_fit` checks many values at once, quickly; False may be a false alarm.
    """

    all_fit: Callable[[Sequence[Any]], bool]
    reason: Callable[[Any], str]


def check_for(
    column: ColumnRecord, field: models.Field[Any, Any] | None, connection: BaseDatabaseWrapper
) -> Check | None:
    """Return the check of a column in this database; None if each value of its kind can be stored.

    `field` is that of the model, None for a column that no model knows.
    """
    kind, limits = Kind(column.kind), VALUE_LIMITS[connection.vendor]
    if kind is Kind.INTEGER:
        return None if field is None else _integer_check(field, connection)
    if kind in CALENDAR:
        return _calendar_check(kind, limits)
    makers: dict[Kind, Callable[[], Check | None]] = {
        Kind.TEXT: lambda: _text_check(field, limits),
        Kind.FLOAT: lambda: _float_check(limits),
        Kind.DECIMAL: lambda: _decimal_check(field, limits),
        Kind.DURATION: lambda: _duration_check(limits),
        Kind.JSON: lambda: _json_check(limits),
        Kind.UUID: lambda: _each(lambda text: "" if _UUID.fullmatch(text) else f"is {text[:40]!r}, which is no UUID"),
    }
    return makers[kind]() if kind in makers else None


def _each(reason: Callable[[Any], str]) -> Check:
    return Check(lambda values: not any(map(reason, values)), reason)


def _text_check(field: models.Field[Any, Any] | None, limits: ValueLimits) -> Check | None:
    longest = field.max_length if isinstance(field, models.CharField) and limits.counts_characters else None
    if longest is None and limits.takes_nul:
        # New databases are made so that they take all of Unicode.
        return None

    def reason(text: str) -> str:
        if not limits.takes_nul and "\0" in text:
            return f"holds a NUL character, which {limits.label} has not"
        return f"has more than {longest} characters" if longest is not None and len(text) > longest else ""

    def all_fit(values: Sequence[str]) -> bool:
        short = longest is None or max(map(len, values), default=0) <= longest
        return short and (limits.takes_nul or "\0" not in "".join(values))

    return Check(all_fit, reason)


def _integer_check(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> Check:
    low, high = connection.ops.integer_field_range(field.get_internal_type())
    if low is None or high is None:
        low, high = -_LONGEST - 1, _LONGEST

    def reason(number: int) -> str:
        return "" if low <= number <= high else f"is outside of {low} to {high}"

    return Check(lambda values: not values or (low <= min(values) and max(values) <= high), reason)


def _float_check(limits: ValueLimits) -> Check | None:
    lacking = NOT_FINITE - limits.floats
    return _each(lambda number: f"is {number}, which {limits.vendor} has not" if number in lacking else "")


def _decimal_check(field: models.Field[Any, Any] | None, limits: ValueLimits) -> Check:
    digits = field.max_digits if isinstance(field, models.DecimalField) else None
    places = field.decimal_places if isinstance(field, models.DecimalField) else None

    def reason(text: str) -> str:
        try:
            number = decimal.Decimal(text)
        except decimal.InvalidOperation:
            return f"is {text[:40]!r}, which is no number"
        if not number.is_finite():
            return "" if limits.takes_infinite_decimals else f"is {text}, which {limits.vendor} has not"
        _, all_digits, exponent = number.as_tuple()
        assert isinstance(exponent, int)  # noqa: S101  it is finite
        significant = len("".join(map(str, all_digits)).strip("0"))
        if limits.decimal_digits is not None:
            kept = f"{limits.label} keeps {limits.decimal_digits}"
            return f"has {significant} digits; {kept}" if significant > limits.decimal_digits else ""
        whole = max(0, number.adjusted() + 1) if number else 0
        if digits is not None and places is not None and (whole > digits - places or -exponent > places):
            return f"does not fit into {digits} digits with {places} after the point"
        return ""

    return _each(reason)


def _calendar_check(kind: Kind, limits: ValueLimits) -> Check:
    return _each(lambda text: "" if limits.has_date(kind, text) else f"is {text[:40]!r}, which {limits.vendor} has not")


def _duration_check(limits: ValueLimits) -> Check | None:
    if limits.takes_intervals:
        return None

    def reason(form: int | str) -> str:
        length = microseconds(form)
        if length is None:
            return f"is {form!r}, which {limits.vendor} has not"
        return "" if abs(length) <= _LONGEST else f"is longer than {limits.vendor} can count in microseconds"

    return _each(reason)


def _json_check(limits: ValueLimits) -> Check:
    def holds_nul(text: str) -> bool:
        return not limits.takes_nul and "\\u0000" in text.replace("\\\\", "")

    def reason(text: str) -> str:
        try:
            normal_json(text)
        except NotPortable as error:
            return str(error)
        return f"holds a NUL character, which {limits.label} has not" if holds_nul(text) else ""

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
