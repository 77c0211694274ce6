"""The shell of the mission document: its folder, its `python`, and a terminal to answer on."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.backup.testing.edms import BACKEND, Edms
from tests.backup.testing.mission import text_of

ROOT = BACKEND.parent
_DEADLINE = 120.0

Answer = tuple[str, str | Callable[[], object]]


class Shell:
    """Runs the text of a snippet as it stands, with the container's word before it taken off."""

    def __init__(self, edms: Edms, folder: Path) -> None:
        self.edms = edms
        folder.mkdir()
        # The document says `python`; in the container that is the one with the project.
        wrapper = folder / "python"
        wrapper.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        wrapper.chmod(0o755)
        self.environment = {
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "EDMS_HOME": str(edms.home),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            # As the image has it.
            "PYTHONPATH": str(ROOT / "docker" / "site"),
            **edms.environment,
        }

    def run(self, snippet: str, *, expect: int = 0, **replaced: str) -> str:
        done = subprocess.run(
            ["bash", "-ec", text_of(snippet, **replaced)],
            env=self.environment,
            cwd=BACKEND,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_DEADLINE,
        )
        assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def on_terminal(self, snippet: str, answers: Sequence[Answer], *, expect: int = 0, **replaced: str) -> str:
        """Run it on a terminal and answer its questions, each given by its beginning; what was shown.

        Instead of an answer, a function may do something elsewhere.
        """
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(BACKEND)
            os.execvpe("bash", ["bash", "-ec", text_of(snippet, **replaced)], {**self.environment, "TERM": "xterm"})
        shown, waiting = "", list(answers)
        seen = 0
        deadline = time.monotonic() + _DEADLINE
        while time.monotonic() < deadline:
            ready, _, _ = select.select([terminal], [], [], 1.0)
            if ready:
                try:
                    piece = os.read(terminal, 65536)
                except OSError:
                    break
                if not piece:
                    break
                shown += piece.decode(errors="replace")
            if waiting and waiting[0][0] in shown[seen:]:
                question, answer = waiting.pop(0)
                seen = shown.index(question, seen) + len(question)
                if isinstance(answer, str):
                    os.write(terminal, answer.encode() + b"\n")
                else:
                    answer()
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
        assert waiting == [], f"never asked: {waiting}\n{shown}"
        assert os.waitstatus_to_exitcode(status) == expect, shown
        return shown
