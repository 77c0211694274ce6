"""Counters of an archive: updated by many threads, reported in one."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable

from strongroom.entries import Problem

_INTERVAL = 0.2
"""Seconds between two progress reports."""


@dataclasses.dataclass(frozen=True, slots=True)
class ArchiveProgress:
    """The number of finished files, the bytes of them and of what was read of others, and the current path.

    Holes of sparse files do not count as bytes: they take no time.
    """

    files_done: int
    bytes_done: int
    current: bytes


class Tally:
    """Counters, problems and notes of one archive."""

    def __init__(
        self, listener: Callable[[ArchiveProgress], None] | None, on_problem: Callable[[Problem], None] | None
    ) -> None:
        self.files_new = self.files_changed = self.files_unmodified = 0
        self.dirs_new = self.dirs_changed = self.dirs_unmodified = 0
        self.files_done = 0
        self.bytes_done = 0
        """The sizes of all finished files."""
        self._bytes_read = 0
        self.current = b""
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self._listener = listener
        self._on_problem = on_problem
        self._reported = 0.0
        self._guard = threading.Lock()

    def add_problem(self, path: bytes, reason: str, *, vanished: bool = False) -> None:
        """Record an entry that could not be stored completely."""
        problem = Problem(path, reason, vanished)
        self.problems.append(problem)
        if self._on_problem:
            self._on_problem(problem)

    def count_bytes(self, count: int) -> None:
        """Count bytes that were read and stored, or that are unchanged."""
        with self._guard:
            self._bytes_read += count

    def count_file(self, size: int, *, new: bool, unchanged: bool) -> None:
        """Count a finished file. `count_bytes` counts its bytes as they are stored."""
        with self._guard:
            if unchanged:
                self.files_unmodified += 1
            elif new:
                self.files_new += 1
            else:
                self.files_changed += 1
            self.files_done += 1
            self.bytes_done += size

    def count_folder(self, *, new: bool, unchanged: bool) -> None:
        """Count a folder whose tree is stored."""
        with self._guard:
            if unchanged:
                self.dirs_unmodified += 1
            elif new:
                self.dirs_new += 1
            else:
                self.dirs_changed += 1

    def report(self, *, at_once: bool = False) -> None:
        """Report the progress, at most every 0.2 seconds. For the thread that called the archiver."""
        now = time.monotonic()
        if self._listener and (at_once or now - self._reported >= _INTERVAL):
            self._reported = now
            self._listener(ArchiveProgress(self.files_done, self._bytes_read, self.current))
