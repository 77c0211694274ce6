"""Tables with one look on a terminal and in a pipe, and a quiet end when the reader of the pipe has gone."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from collections.abc import Iterator, Mapping, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from strongroom.exit_codes import NO_READER

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


@contextlib.contextmanager
def quiet_without_reader() -> Iterator[None]:
    """End the process with `NO_READER`, without a message, if the reader of stdout has gone, such as `head`.

    Other broken pipes, such as that of a child process, stay errors.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        if not reader_has_gone():
            raise
        # Python would report the rest of its buffer again at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(NO_READER) from None


def reader_has_gone() -> bool:
    """Return whether stdout is a pipe or socket that no process reads."""
    watched = select.poll()
    try:
        watched.register(sys.stdout.fileno(), select.POLLOUT)
    except (OSError, ValueError):
        return False
    return any(event & (select.POLLERR | select.POLLHUP) for _file, event in watched.poll(0))
