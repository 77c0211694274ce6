"""Show the progress of a command on standard error: a bar on a terminal, a line every few seconds in a pipe."""

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress, ProgressColumn


class ProgressOutput:
    """A context manager that shows progress while its block runs. Callers that count often ask `is_due` first.

    `columns` are those of the bar, which may show `task.description` and `task.fields[detail]`. A `transient` bar
    disappears at the end.
    """

    def __init__(
        self,
        *columns: ProgressColumn,
        description: str,
        total: float | None = None,
        bar_seconds: float,
        line_seconds: float,
        transient: bool = False,
    ) -> None:
        self._bar: Progress | None = None
        self._pause = line_seconds
        if sys.stderr.isatty():
            self._pause = bar_seconds
            self._bar = Progress(*columns, console=Console(stderr=True), transient=transient)
            self._task = self._bar.add_task(description, total=total, detail="")
        self._shown = time.monotonic()

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def is_due(self) -> bool:
        """Return whether the last output is old enough for the next one."""
        return time.monotonic() - self._shown >= self._pause

    def write(self, description: str, detail: str = "", *, completed: float, total: float | None) -> None:
        """Update the bar, or write a line."""
        self._shown = time.monotonic()
        if self._bar is None:
            sys.stderr.write(f"{description}{': ' if detail else ''}{detail}\n")
            sys.stderr.flush()
        else:
            self._bar.update(self._task, description=description, completed=completed, total=total, detail=detail)
