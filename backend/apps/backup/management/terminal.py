"""Print progress and tables on a terminal, and plain lines in a pipe."""

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, TextColumn
from rich.table import Table
from rich.text import Text

from edms_common.progress import ProgressOutput

from ..core.paths import one_line
from ..core.progress import Progress
from ..core.timezones import with_offset

_LINE_SECONDS = 10.0
_BAR_SECONDS = 0.1
_STYLES = {
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


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], *, optional: Sequence[str] = ()) -> None:
    """Print rows under titles on a terminal; in a pipe only the rows, with tabs between the cells.

    A narrow terminal omits as many of the `optional` columns as necessary, in this order.
    """
    rows = [[one_line(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        sys.stdout.write("".join("\t".join(row) + "\n" for row in rows))
        return
    console = Console()
    columns = _fitting(titles, rows, optional, console.width)
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for number in columns:
        shown.add_column(titles[number], no_wrap=number == 0, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(row[number], style=_STYLES.get(row[number], "")) for number in columns))
    console.print(shown)


def _fitting(titles: Sequence[str], rows: Sequence[Sequence[str]], optional: Sequence[str], width: int) -> list[int]:
    columns = list(range(len(titles)))
    widths = [max(len(titles[number]), *(len(row[number]) for row in rows), 0) + 1 for number in columns]
    for title in optional:
        if sum(widths[number] for number in columns) <= width:
            break
        columns.remove(titles.index(title))
    return columns


def moment(value: datetime | None) -> str:
    """Format a time in the project's time zone, to the minute; empty for None."""
    return "" if value is None else f"{timezone.localtime(with_offset(value)):%Y-%m-%d %H:%M}"


def facts(rows: Sequence[tuple[str, str | Sequence[str]]]) -> None:
    """Print names and values: a table on a terminal, `name: value` lines in a pipe. Empty values are omitted.

    A value is one line, or several.
    """
    shown = [
        (one_line(name), "\n".join(map(one_line, [value] if isinstance(value, str) else value)))
        for name, value in rows
        if value
    ]
    if not sys.stdout.isatty():
        sys.stdout.write("".join(f"{name}: {value}\n" for name, value in shown))
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in shown:
        table.add_row(name, value)
    Console().print(table, markup=False)
