"""Progress is a line from time to time in a pipe, and a bar on a terminal."""

import contextlib
import os
import pty
import sys
import threading

from rich.progress import BarColumn, TextColumn

from edms_common.progress import ProgressOutput

COLUMNS = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[detail]}"))
CLEARED = "\x1b[2K"


def output(seconds: float, *, transient: bool = False) -> ProgressOutput:
    return ProgressOutput(
        *COLUMNS, description="starting", bar_seconds=seconds, line_seconds=seconds, transient=transient
    )


def on_a_terminal(monkeypatch, *, transient: bool = False) -> str:
    """Show progress with a terminal as standard error; return what the terminal got."""
    ours, theirs = pty.openpty()
    written: list[bytes] = []

    def read() -> None:
        with contextlib.suppress(OSError):  # Linux reports so that the other end is closed.
            while data := os.read(ours, 4096):
                written.append(data)

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(theirs, "w", encoding="utf-8") as stream, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        patch.setenv("TERM", "xterm")
        with output(0, transient=transient) as shown:
            shown.write("reading", "1 of 2 files", completed=1, total=2)
    reader.join(10)
    os.close(ours)
    return b"".join(written).decode()


def test_a_pipe_gets_lines(capsys):
    with output(0) as shown:
        shown.write("reading", "1 of 2 files", completed=1, total=2)
        shown.write("done", completed=2, total=2)
    assert capsys.readouterr() == ("", "reading: 1 of 2 files\ndone\n")


def test_output_is_due_after_its_pause():
    assert output(0).is_due()
    with output(60) as shown:
        assert not shown.is_due()
        shown.write("reading", completed=1, total=2)
        assert not shown.is_due()


def test_a_terminal_gets_a_bar(monkeypatch):
    text = on_a_terminal(monkeypatch)
    assert "reading" in text
    assert "1 of 2 files" in text
    assert "━" in text
    assert not text.endswith(CLEARED)


def test_a_transient_bar_disappears(monkeypatch):
    text = on_a_terminal(monkeypatch, transient=True)
    assert "1 of 2 files" in text
    assert text.endswith(CLEARED)
