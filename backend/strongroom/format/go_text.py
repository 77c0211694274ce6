"""Text in the exact form of Go's standard library: quoted names, JSON with HTML escaping, times in nanoseconds.

Trees are compared by the hash of their bytes, so the same folder must always give the same text, equal to restic's.
Source: restic's design document, sections on nodes and times.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from datetime import datetime, timedelta

import msgspec

from strongroom.errors import Damaged

_NS = 1_000_000_000
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 naive on purpose: the zone is handled here
_PLAIN_NAME = re.compile(rb"[ !#-\[\]-~]*\Z")
_SHORT_ESCAPES = {"\a": "a", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t", "\v": "v"}
_ESCAPE = re.compile(
    r'\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([abfnrtv\\"]))|(["\n\\])', re.DOTALL
)
_UNESCAPED = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, '"': 34}
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):(\d\d))\Z", re.ASCII
)
_HTML = (
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    (b"\xe2\x80\xa8", b"\\u2028"),
    (b"\xe2\x80\xa9", b"\\u2029"),
)

_encoder = msgspec.json.Encoder()


def encode_json(record: object) -> bytes:
    """Encode a record like Go's `encoding/json`: compact, in field order, with `<`, `>`, `&` and U+2028/9 escaped.

    These characters occur only inside strings, so they can be replaced in the finished text.
    """
    text = _encoder.encode(record)
    for plain, escaped in _HTML:
        if plain in text:
            text = text.replace(plain, escaped)
    return text


def quote_name(name: bytes) -> str:
    """Quote a file name like Go's `strconv.Quote`, without the outer quotes."""
    if _PLAIN_NAME.match(name):
        return name.decode("ascii")
    return "".join(_quote_character(character) for character in name.decode("utf-8", "surrogateescape"))


def _quote_character(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if character in '"\\':
        return "\\" + character
    if character == " " or unicodedata.category(character)[0] in "LMNPS":
        return character
    if character in _SHORT_ESCAPES:
        return "\\" + _SHORT_ESCAPES[character]
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def unquote_name(quoted: str) -> bytes:
    """Return the raw bytes of a quoted name. Raises Damaged for an escape that Go does not accept."""
    if "\\" not in quoted and '"' not in quoted and "\n" not in quoted:
        return _utf8(quoted)
    raw = bytearray()
    position = 0
    for match in _ESCAPE.finditer(quoted):
        raw += _utf8(quoted[position : match.start()])
        position = match.end()
        byte, four, eight, octal, short, stray = match.groups()
        if stray:
            raise Damaged(f"The stored name {quoted!r} has an escape that cannot be read.")
        if byte or octal:
            value = int(byte, 16) if byte else int(octal, 8)
            if value > 0xFF:
                raise Damaged(f"The stored name {quoted!r} has an escape that cannot be read.")
            raw.append(value)
        elif four or eight:
            value = int(four or eight, 16)
            if value > 0x10FFFF:
                raise Damaged(f"The stored name {quoted!r} has an escape that cannot be read.")
            raw += _utf8(chr(value))
        else:
            raw.append(_UNESCAPED[short])
    return bytes(raw + _utf8(quoted[position:]))


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise Damaged(f"The stored text {text!r} is not valid Unicode.") from None


def replace_invalid(raw: bytes) -> str:
    """Decode bytes for a JSON string, with U+FFFD for each byte that is not UTF-8."""
    return re.sub("[\udc80-\udcff]", "\ufffd", raw.decode("utf-8", "surrogateescape"))


@functools.lru_cache(maxsize=4096)
def _format_second(seconds: int) -> str:
    try:
        return (_EPOCH + timedelta(seconds=seconds)).isoformat()
    except OverflowError:
        return _format_far_second(seconds)


def _format_far_second(seconds: int) -> str:
    """Format seconds outside the years 1 to 9999. As in restic, only the year is limited to 0 to 9999."""
    days, rest = divmod(seconds, 86400)
    # The Gregorian calendar repeats every 400 years of 146,097 days: move the day into a cycle that datetime supports.
    cycles = (days - 719_468) // 146_097
    near = _EPOCH + timedelta(days=days - cycles * 146_097, seconds=rest)
    year = min(max(near.year + 400 * cycles, 0), 9999)
    return f"{year:04d}{near.isoformat()[4:]}"


def format_time(nanoseconds: int) -> str:
    """Format a timestamp in UTC, as RFC 3339 with up to nine decimals.

    UTC, not the local time zone, so that the same folder gives the same tree wherever and whenever it is read.
    """
    seconds, fraction = divmod(nanoseconds, _NS)
    text = _format_second(seconds)
    return f"{text}.{fraction:09d}".rstrip("0") + "Z" if fraction else text + "Z"


@functools.lru_cache(maxsize=4096)
def parse_time(text: str) -> int:
    """Return nanoseconds since the epoch. Raises Damaged for a text that is no RFC 3339 time."""
    match = _TIME.match(text)
    if not match:
        raise Damaged(f"The stored time {text!r} cannot be read.")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, _, sign, zone_hours, zone_minutes = match.groups()[6:]
    offset = (int(zone_hours) * 60 + int(zone_minutes)) * (-60 if sign == "-" else 60) if sign else 0
    try:
        # datetime has no year 0; the year 400 has the same calendar.
        parsed = datetime(year or 400, month, day, hour, minute, min(second, 59))  # noqa: DTZ001
    except ValueError:
        raise Damaged(f"The stored time {text!r} does not exist.") from None
    seconds = (parsed - _EPOCH) // timedelta(seconds=1) + (second == 60) - offset
    if year == 0:
        seconds -= 146_097 * 86400
    return seconds * _NS + int((fraction or "").ljust(9, "0")[:9])
