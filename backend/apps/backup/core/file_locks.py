"""File locks with a time limit: the process that holds a lock may be suspended."""

from __future__ import annotations

import fcntl
import time


def lock_within(descriptor: int, kind: int, *, seconds: float, pause: float) -> None:
    """Take a lock of `flock` on an open file within `seconds`, with `pause` seconds between two attempts.

    Raises `TimeoutError` if another process holds it for longer, and OSError on a file system without locks.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise TimeoutError(f"another process has held the lock for {seconds:.0f} s") from None
            time.sleep(pause)
        else:
            return
