"""Tables with one look on a terminal and in a pipe, and the end of a command whose output cannot be written."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from strongroom.exit_codes import FAILED, NO_READER

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_GAP = "  "
_INDENT = "    "


def write_table(
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    optional: Sequence[str] = (),
    header: bool = True,
    styles: Mapping[str, str] | None = None,
) -> None:
    """Write titles and rows: aligned on a terminal, with tabs between the cells in a pipe.

    If the terminal is too narrow, columns move to an indented second line below each row: first the `optional` ones in
    this order, then the others from the last one on. The first column stays.
    """
    if not sys.stdout.isatty():
        lines = [titles, *rows] if header else rows
        sys.stdout.write("".join("\t".join(cells) + "\n" for cells in lines))
        return
    console = Console(highlight=False)
    widths = [max(cell_len(title), *(cell_len(row[at]) for row in rows), 0) for at, title in enumerate(titles)]
    above, below = _divide(titles, widths, optional, console.width)
    if header:
        _write(console, Text(_GAP.join(_padded(titles[at], widths[at]) for at in above).rstrip(), style="bold"))
    for row in rows:
        line = Text()
        for at in above:
            line.append(_padded(row[at], widths[at]) + _GAP, style=(styles or {}).get(row[at], ""))
        line.rstrip()
        _write(console, line)
        for text in _second_lines([f"{titles[at]}: {row[at]}" for at in below if row[at]], console.width):
            _write(console, Text(text, style="dim"))


def _write(console: Console, line: Text) -> None:
    console.print(line, no_wrap=True, overflow="ignore", crop=False, soft_wrap=True)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _divide(
    titles: Sequence[str], widths: Sequence[int], optional: Sequence[str], width: int
) -> tuple[list[int], list[int]]:
    """Return the columns of the first line, and those of the second line, both in their order."""
    above = list(range(len(titles)))
    others = [at for at in reversed(above[1:]) if titles[at] not in optional]
    for at in (*(titles.index(title) for title in optional), *others):
        if sum(widths[number] for number in above) + len(_GAP) * (len(above) - 1) <= width:
            break
        above.remove(at)
    return above, [at for at in range(len(titles)) if at not in above]


def _second_lines(parts: Sequence[str], width: int) -> Iterator[str]:
    """Yield the parts on as few indented lines as possible. A part that is longer than a line is broken."""
    room = max(width - len(_INDENT), 20)
    line = ""
    for part in parts:
        if line and cell_len(line) + len(_GAP) + cell_len(part) > room:
            yield _INDENT + line
            line = ""
        line = f"{line}{_GAP}{part}" if line else part
        while cell_len(line) > room:
            cut = max(line.rfind(" ", 0, room + 1), line.rfind(",", 0, room) + 1)
            cut = cut if cut > 0 else room
            yield _INDENT + line[:cut]
            line = line[cut:].lstrip()
    if line:
        yield _INDENT + line


class _Stdout(io.FileIO):
    """The file behind stdout. It remembers that it could not be written."""

    failed = False

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError:
            self.failed = True
            raise


@contextlib.contextmanager
def guarded_stdout() -> Iterator[None]:
    """End the process when stdout cannot be written, also where a flush at the end finds it.

    If its reader has gone, such as `head`, the exit code is `NO_READER`, without a message. Otherwise, such as on a
    full disk, it is `FAILED`. Errors of other files, and broken pipes of other processes, stay errors.
    """
    before = sys.stdout
    try:
        file = _Stdout(before.fileno(), "wb", closefd=False)
    except (AttributeError, OSError, ValueError):
        # A program has put an object of its own there, whose errors are its own.
        yield
        return
    before.flush()
    at_once = file.isatty() or any(getattr(before, mode, False) for mode in ("line_buffering", "write_through"))
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(file), before.encoding, before.errors, line_buffering=at_once)
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        if not file.failed:
            raise
        # Python would write the rest of its buffer again at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), file.fileno())
        if isinstance(error, BrokenPipeError):
            raise SystemExit(NO_READER) from None
        sys.stderr.write(
            f"error: The output cannot be written: {error.strerror}. It is incomplete. Make room or send it to another"
            " place, and run the command again.\n"
        )
        raise SystemExit(FAILED) from None
    finally:
        sys.stdout = before


def stdout_has_failed() -> bool:
    """Return whether stdout could not be written inside of `guarded_stdout`."""
    file = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return isinstance(file, _Stdout) and file.failed
