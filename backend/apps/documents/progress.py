"""Progress of work on files: a bar with rate and remaining time on a terminal, a line every 5 seconds in a pipe."""

import time
from typing import Final

from rich.progress import BarColumn, TaskProgressColumn, TextColumn

from edms_common.progress import ProgressOutput

LINE_SECONDS: Final = 5.0
REFRESH_SECONDS: Final = 0.2
MEGABYTE: Final = 1_000_000
# The fixed cost of a file, in bytes of the same duration. Without it the remaining time would jump between folders of
# small and large files.
FILE_COST: Final = 200_000


class FileProgress(ProgressOutput):
    """Count files and bytes towards known totals, and show them on standard error while the block runs."""

    def __init__(self, verb: str, *, files: int, size: int) -> None:
        self.verb, self.total_files, self.total_size = verb, files, size
        self.files = self.size = 0
        self._started = time.monotonic()
        super().__init__(
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.description}"),
            description=self.line(0.0),
            total=self._work(files, size),
            bar_seconds=REFRESH_SECONDS,
            line_seconds=LINE_SECONDS,
        )

    def advance(self, size: int) -> None:
        """Count one finished file of `size` bytes."""
        self.files += 1
        self.size += size
        if self.is_due():
            self.write(
                self.line(time.monotonic() - self._started),
                completed=self._work(self.files, self.size),
                total=self._work(self.total_files, self.total_size),
            )

    def line(self, seconds: float) -> str:
        """Return the progress after `seconds`, in words."""
        done, total = self.size / MEGABYTE, self.total_size / MEGABYTE
        words = f"{self.verb} {self.files:,} of {self.total_files:,} files, {done:,.1f} of {total:,.1f} MB"
        if not self.files or seconds <= 0:
            return words
        work, all_work = self._work(self.files, self.size), self._work(self.total_files, self.total_size)
        left = max(all_work - work, 0) * seconds / work
        return f"{words}, {self.files / seconds:,.0f} files/s, {done / seconds:,.1f} MB/s, {left:,.0f} s left"

    @staticmethod
    def _work(files: int, size: int) -> int:
        return files * FILE_COST + size
