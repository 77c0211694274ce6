"""Output of the command: tables and a progress bar on a terminal, plain lines in a pipe, JSON on request."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType

import msgspec
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, TextColumn

from strongroom.terminal import write_table

_LINE_SECONDS = 10.0
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""Control characters, and characters that change the direction of the text."""


def size(value: int) -> str:
    """Format a number of bytes, such as 1.2 MB."""
    return decimal(value)


def local_time(nanoseconds: int, *, utc: bool = False) -> str:
    """Format a timestamp to the minute, in the user's time zone or in UTC, such as 2026-12-01 08:30 CET."""
    at = _at(nanoseconds, utc=utc)
    return f"@{nanoseconds // 10**9}" if at is None else f"{at:%Y-%m-%d %H:%M %Z}"


def iso_time(nanoseconds: int) -> str:
    """Format a timestamp for programs; as seconds since the epoch if the calendar does not have it."""
    at = _at(nanoseconds)
    return f"@{nanoseconds // 10**9}" if at is None else at.isoformat(" ")


def _at(nanoseconds: int, *, utc: bool = False) -> datetime | None:
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=nanoseconds // 10**9)).astimezone(
            UTC if utc else None
        )
    except (OverflowError, ValueError):
        return None


def name(raw: bytes) -> str:
    """Format a path for a terminal, with control characters and invalid bytes escaped."""
    text = raw.decode("utf-8", "backslashreplace")
    return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def print_line(line: str) -> None:
    """Print a line of the result."""
    sys.stdout.write(line + "\n")


def print_error(line: str) -> None:
    """Print an error or a warning on stderr."""
    sys.stdout.flush()
    sys.stderr.write(_CONTROL.sub("?", line) + "\n")


def print_json(record: object) -> None:
    """Print the whole result as JSON."""
    print_line(msgspec.json.format(msgspec.json.encode(record), indent=2).decode())


def print_record(record: object) -> None:
    """Print one of many results as a line of JSON."""
    print_line(msgspec.json.encode(record).decode())


def table(
    options: argparse.Namespace, titles: Sequence[str], rows: Sequence[Sequence[str]], *, optional: Sequence[str] = ()
) -> None:
    """Print rows with titles; tab-separated in a pipe, and with --no-header without the titles."""
    clean = [[_CONTROL.sub("?", cell) for cell in row] for row in rows]
    write_table(titles, clean, optional=optional, header=not options.no_header)


class Display:
    """Show progress on stderr: a bar with rate and ETA on a terminal, otherwise a line every ten seconds."""

    def __init__(self, doing: str, *, quiet: bool, counted: str = "files") -> None:
        self._doing = doing
        self._counted = counted
        self._quiet = quiet
        self._started = self._shown = time.monotonic()
        self._bar: Progress | None = None
        if sys.stderr.isatty() and not quiet:
            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[detail]}"))
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task(doing, total=None, detail="")

    def __enter__(self) -> Display:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def show(self, files: int, done: int, total: int | None, current: bytes = b"") -> None:
        """Show the number of finished files and bytes, of `total` bytes if known."""
        now = time.monotonic()
        if self._quiet or (self._bar is None and now - self._shown < _LINE_SECONDS):
            return
        self._shown = now
        rate = done / max(now - self._started, 0.001)
        parts = [
            f"{files:,} {self._counted}",
            size(done) + (f" of {size(total)}" if total else ""),
            f"{size(round(rate))}/s",
        ]
        if total and rate:
            parts.append(f"ETA {timedelta(seconds=round(max(total - done, 0) / rate))}")
        if self._bar is None:
            print_error(f"{self._doing}: {', '.join(parts)}")
            return
        detail = ", ".join(parts) + (f"  {name(os.path.basename(current))[:40]}" if current else "")
        self._bar.update(self._task, completed=done, total=total, detail=detail)
