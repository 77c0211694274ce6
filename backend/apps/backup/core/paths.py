r"""Conversion of names and paths inside backups to text for users, JSON and addresses, and back.

Names are bytes. Most are UTF-8, but no rule says so. As text they are UTF-8, in which `%` and two hex digits stand for
each byte that is not part of a valid character. The same form is used for `%` itself, for control characters, and for
marks that change the direction of the rest of a line. Each name has one such form, and each form names one file:

    b"100% sure\xff.pdf"  <->  "100%25 sure%FF.pdf"

`file_name` turns any text into the name of one file outside of backups, and `one_line` into one line on a terminal or
in a log.
"""

import re
from collections.abc import Sequence
from typing import Final

from ..errors import RequestRefused

MOST_TEXT: Final = 3 * 4096
"""The most characters of a path as text: no file system has longer ones."""
_MOST_DEPTH: Final = 4096
_ESCAPED: Final = re.compile(rb"%([0-9A-Fa-f]{2})?")
_ACTING: Final = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"
"""Characters that control a terminal, end a line, or change the direction of the rest of the line."""
_HIDDEN: Final = re.compile(f"[%{_ACTING}\udc80-\udcff]")
_NO_TEXT: Final = re.compile(f"[{_ACTING}\ud800-\udfff]")
_NEVER: Final = frozenset({b"", b".", b".."})

_UNFIT: Final = re.compile(f'[{_ACTING}"*/:<>?\\\\|\ud800-\udfff]')
"""Characters that one of the clients' systems refuses in a file's name, or that mislead its reader."""
_MOST_BYTES: Final = 240
"""The most bytes of a file's name: file systems take 255, and some clients add a number."""
_KEPT_END: Final = 40
"""Characters at the end that stay when a name is too long: a time, an id and the extension."""


def text_of(name: bytes) -> str:
    """Return a name or a path as text."""
    return _HIDDEN.sub(_escape, name.decode("utf-8", "surrogateescape"))


def _escape(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogateescape"))


def path_of(text: str, *, field: str = "path") -> bytes:
    """Return the path that a text stands for, b"" for the root. One slash before and one after it are ignored.

    Raises `RequestRefused` for a text that is no path: with empty parts, `.`, `..` or NUL, or with a `%` that two hex
    digits do not follow. `field` is the field of the request that the error names.
    """
    if len(text) > MOST_TEXT:
        raise _refused(field, f"The path has {len(text)} characters; no path has so many.")
    inner = text.removeprefix("/").removesuffix("/")
    if not inner:
        if text not in {"", "/"}:
            raise _refused(field, "The path has an empty part.")
        return b""
    parts = [_name_of(part, field) for part in inner.split("/")]
    if len(parts) > _MOST_DEPTH:
        raise _refused(field, "The path is deeper than any.")
    return b"/".join(parts)


def first_of(names: Sequence[str], *, count: int, most: int) -> str:
    """Return the first `most` of `count` names for a sentence, and how many more there are."""
    more = f" and {count - most} more" if count > most else ""
    return f"{', '.join(names[:most])}{more}"


def file_name(text: str) -> str:
    """Return a text as a file's name that every system and every client takes; a long one loses its middle."""
    fit = _UNFIT.sub("_", text).strip(" .")
    if len(fit.encode()) > _MOST_BYTES:
        end = fit[-_KEPT_END:]
        room = _MOST_BYTES - len(end.encode())
        fit = fit[:-_KEPT_END].encode()[:room].decode("utf-8", "ignore") + end
    return fit or "unnamed"


def one_line(text: str) -> str:
    """Return a foreign text as one line; line ends, control characters and marks of direction are escaped."""
    return _NO_TEXT.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _name_of(text: str, field: str) -> bytes:
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        raise _refused(field, "The path is no valid Unicode.") from None
    # The text is UTF-8, so a `%` stands for itself only.
    if any(found[1] is None for found in _ESCAPED.finditer(raw)):
        raise _refused(field, "A % in a path is followed by two hex digits, and written as %25 where itself is meant.")
    name = _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), raw)
    if name in _NEVER or b"/" in name or b"\0" in name:
        raise _refused(field, "A part of the path is empty, `.` or `..`, or has a slash or NUL in it.")
    return name


def _refused(field: str, text: str) -> RequestRefused:
    return RequestRefused(text, [(field, text)])
