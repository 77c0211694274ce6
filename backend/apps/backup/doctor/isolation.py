"""Each examiner by itself: one that meets with something unforeseen is a finding, and the others still report."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

from ..errors import LedgerUnavailable, SettingsInvalid
from .findings import Finding, unknown


def isolated(subject: str, find: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """The findings of one examiner, or W029 that it failed.

    Raises `LedgerUnavailable` and `SettingsInvalid`: without those there is nothing to be told at all.
    """
    found: list[Finding] = []
    try:
        found.extend(find())
    except (LedgerUnavailable, SettingsInvalid):
        raise
    except Exception as error:  # noqa: BLE001  whatever it is, it is told and the others go on
        found.append(failed(subject, error))
    return found


def failed(subject: str, error: Exception) -> Finding:
    """W029: what an examiner met with, and where."""
    return unknown(
        29,
        subject,
        f"It could not be examined: {described(error)}.",
        "Correct what the error names, or report it; until then nobody knows how it stands.",
    )


def described(error: Exception) -> str:
    """An error that nobody foresaw, in one line, with the place that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}{where}" if said else f"{type(error).__name__}{where}"
