"""Evaluate `Range`, `If-Range` and `If-None-Match` (RFC 9110) for answers with a strong ETag."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_UNIT: Final = "bytes="
_RANGE: Final = re.compile(r"([0-9]{0,18})-([0-9]{0,18})")


class NotSatisfiable(Exception):
    """The range is invalid or outside of the content."""


def wanted_range(headers: Mapping[str, str], *, length: int, etag: str) -> tuple[int, int] | None:
    """Return the start and stop of the requested range; None for the whole content.

    The whole content is also the answer to several ranges, to another unit than bytes, and to an `If-Range` with
    another ETag. Raises `NotSatisfiable`.
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
    """Return whether the client already has the content with this ETag."""
    known = [one.strip().removeprefix("W/") for one in headers.get("If-None-Match", "").split(",")]
    return etag in known or known == ["*"]
