"""Parts of an answer, as RFC 9110 has them: `Range`, `If-Range` and `If-None-Match`, for what has a strong ETag."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_UNIT: Final = "bytes="
_RANGE: Final = re.compile(r"([0-9]{0,18})-([0-9]{0,18})")


class NotSatisfiable(Exception):
    """The range lies outside, or is none."""


def wanted_range(headers: Mapping[str, str], *, length: int, etag: str) -> tuple[int, int] | None:
    """From where up to where a client wants the content; None for the whole of it.

    The whole is also the answer to several ranges at once, to another unit than bytes, and to whoever has the beginning
    of something else. Raises `NotSatisfiable`.
    """
    header = headers.get("Range", "").strip()
    if not header.lower().startswith(_UNIT) or "," in header:
        return None
    condition = headers.get("If-Range", "").strip()
    if condition and condition != etag:
        return None
    found = _RANGE.fullmatch(header[len(_UNIT) :].strip())
    if found is None or found[0] == "-":
        raise NotSatisfiable
    if not found[1]:
        start, stop = max(length - int(found[2]), 0), length
    else:
        start = int(found[1])
        stop = min(int(found[2]) + 1, length) if found[2] else length
    if start >= stop:
        raise NotSatisfiable
    return start, stop


def is_known(headers: Mapping[str, str], etag: str) -> bool:
    """Whether a client says that it has this already."""
    known = [one.strip().removeprefix("W/") for one in headers.get("If-None-Match", "").split(",")]
    return etag in known or known == ["*"]
