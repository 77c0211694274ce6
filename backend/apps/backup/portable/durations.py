"""Durations: as microseconds, which each database can store, or as texts of PostgreSQL's type `interval`.

PostgreSQL stores months, days and time apart: '1 day' is another interval than '24:00:00'. The form of an interval is
the number of its microseconds if that number is enough to write it again, as for all that Django writes; else its text.
"""

from __future__ import annotations

import re
from typing import Final

DAY: Final = 86_400_000_000
_INTERVAL: Final = re.compile(r"(?:(-?\d+) days?)? ?(?:([+-]?)(\d+):(\d\d):(\d\d)(?:\.(\d{1,6}))?)?")


def duration_form(text: str) -> int | str:
    """Return the form of an interval, given as the text that PostgreSQL writes."""
    length = microseconds(text)
    return text if length is None or interval_text(length) != text else length


def microseconds(form: int | str) -> int | None:
    """Return the length of a form in microseconds; None if it has months or years, whose length is not fixed."""
    if isinstance(form, int):
        return form
    found = _INTERVAL.fullmatch(form)
    if not form or found is None:
        return None
    days, sign, hours, minutes, seconds, fraction = found.groups()
    time = 0
    if hours is not None:
        time = (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * 1_000_000 + int(f"{fraction or '':0<6}")
    return int(days or 0) * DAY + (-time if sign == "-" else time)


def interval_text(length: int) -> str:
    """Return the text that PostgreSQL writes for an interval of whole days and a time that is not negative."""
    days, time = divmod(length, DAY)
    seconds, fraction = divmod(time, 1_000_000)
    parts = [f"{days} day{'' if days == 1 else 's'}"] if days else []
    if time or not days:
        clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        exact = f"{clock}.{fraction:06}".rstrip("0") if fraction else clock
        parts.append(f"+{exact}" if days < 0 else exact)
    return " ".join(parts)
