"""Run each check in isolation: an unexpected error becomes a finding, and the other checks still report."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

from ..errors import LedgerUnavailable, SettingsInvalid
from .findings import Finding, unknown


def isolated(subject: str, find: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Return the findings of one check, and W029 if it failed.

    Raises `LedgerUnavailable` and `SettingsInvalid`: without catalogue or settings no check can run.
    """
    found: list[Finding] = []
    try:
        found.extend(find())
    except (LedgerUnavailable, SettingsInvalid):
        raise
    except Exception as error:  # noqa: BLE001  any error is reported, and the other checks go on
        found.append(failed(subject, error))
    return found


def failed(subject: str, error: Exception) -> Finding:
    """W029: the unexpected error of a check, and where it was raised."""
    return unknown(
        29,
        subject,
        f"This check failed: {described(error)}.",
        "Correct what the error names, or report the error. Until then, the state of this part is unknown.",
    )


def described(error: Exception) -> str:
    """Describe an unexpected error in one line, with the place that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}{where}" if message else f"{type(error).__name__}{where}"
