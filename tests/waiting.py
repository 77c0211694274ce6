"""The message of a wait that timed out: what the test waited for and what it saw last."""

from __future__ import annotations

import inspect
from collections.abc import Callable


def timed_out(condition: Callable[[], object], seen: object, *, seconds: float) -> str:
    """Return the message for a condition that stayed false; its source says what was waited for."""
    try:
        source = inspect.getsource(condition).strip()
    except (OSError, TypeError):
        source = getattr(condition, "__name__", repr(condition))
    return f"Waited {seconds:g} seconds for `{source}`; seen last: {seen!r}"
