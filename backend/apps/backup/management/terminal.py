"""Print progress, tables and times, on a terminal and in a pipe."""

import contextlib
import dataclasses
import sys
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

from django.utils import timezone
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, TextColumn
from rich.table import Table

from edms_common.progress import ProgressOutput
from strongroom.terminal import write_table

from ..core.paths import one_line
from ..core.progress import Progress
from ..core.timezones import with_offset

_LINE_SECONDS = 10.0
_BAR_SECONDS = 0.1
STYLES = {
    "COMPLETED": "green",
    "OK": "green",
    "enabled": "green",
    "RUNNING": "cyan",
    "PENDING": "cyan",
    "INCOMPLETE": "yellow",
    "MISSED": "yellow",
    "WARNING": "yellow",
    "disabled": "dim",
    "CANCELLED": "dim",
    "FAILED": "red",
    "TIMEOUT": "red",
    "DAMAGED": "red",
    "CRITICAL": "bold red",
}


def size(value: int | None) -> str:
    """Format a number of bytes for people; empty for None."""
    return "" if value is None else decimal(value)


def describe(progress: Progress) -> str:
    """Describe the progress of a job in one line."""
    parts = []
    if progress.files_done:
        parts.append(f"{progress.files_done:,} files")
    if progress.bytes_done:
        of = f" of about {size(progress.bytes_total)}" if progress.bytes_total else ""
        parts.append(size(progress.bytes_done) + of)
    if progress.bytes_per_second:
        parts.append(f"{size(round(progress.bytes_per_second))}/s")
    if progress.eta_seconds is not None:
        parts.append(f"ETA {timedelta(seconds=round(progress.eta_seconds))}")
    return ", ".join(parts)


class ProgressDisplay(ProgressOutput):
    """A context manager that shows the progress of a job on stderr; `show` may be called often."""

    def __init__(self) -> None:
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(bar_width=12),
            TextColumn("{task.fields[detail]}"),
            description="starting",
            bar_seconds=_BAR_SECONDS,
            line_seconds=_LINE_SECONDS,
            transient=True,
        )
        self._phase: str | None = None

    def show(self, progress: Progress) -> None:
        """Show this progress, unless the last one was shown very recently."""
        if progress.phase != self._phase or self.is_due():
            self._phase = progress.phase
            self.write(progress.phase, describe(progress), completed=progress.bytes_done, total=progress.bytes_total)


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """The choices of the user for tables and times."""

    header: bool = True
    utc: bool = False


_DEFAULT = Look()
_look: ContextVar[Look] = ContextVar("look")


@contextlib.contextmanager
def shown_as(look: Look) -> Iterator[None]:
    """Print tables and times with this look while the block runs."""
    token = _look.set(look)
    try:
        yield
    finally:
        _look.reset(token)


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], *, optional: Sequence[str] = ()) -> None:
    """Print titles and rows: aligned on a terminal, with tabs between the cells in a pipe.

    On a narrow terminal columns move to a second line below each row, the `optional` ones first.
    """
    clean = [[one_line(cell) for cell in row] for row in rows]
    write_table(titles, clean, optional=optional, header=_look.get(_DEFAULT).header, styles=STYLES)


def moment(value: datetime | None, *, seconds: bool = False) -> str:
    """Format a time in the project's time zone, or in UTC, such as 2026-12-01 08:30 CET; empty for None."""
    if value is None:
        return ""
    at = timezone.localtime(with_offset(value), UTC if _look.get(_DEFAULT).utc else None)
    return f"{at:%Y-%m-%d %H:%M:%S %Z}" if seconds else f"{at:%Y-%m-%d %H:%M %Z}"


def age(hours: float | None) -> str:
    """Format how old something is, such as 3 h ago; never for None."""
    if hours is None:
        return "never"
    if hours < 1:
        return f"{max(hours, 0) * 60:.0f} min ago"
    return f"{hours:.0f} h ago" if hours < 48 else f"{hours / 24:.0f} d ago"


def facts(rows: Sequence[tuple[str, str | Sequence[str]]]) -> None:
    """Print names and values: a table on a terminal, `name: value` lines in a pipe. Empty values are omitted.

    A value is one line, or several: then the further lines are indented.
    """
    shown = [
        (one_line(name), "\n".join(map(one_line, [value] if isinstance(value, str) else value)))
        for name, value in rows
        if value
    ]
    if not sys.stdout.isatty():
        sys.stdout.write("".join(f"{name}: {_indented(value)}\n" for name, value in shown))
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in shown:
        table.add_row(name, value)
    Console().print(table, markup=False)


def _indented(value: str) -> str:
    return value.replace("\n", "\n  ")
