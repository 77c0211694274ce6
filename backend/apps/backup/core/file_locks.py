"""Wait for the lock of an open file, and not for ever: who holds it may be stopped."""

from __future__ import annotations

import fcntl
import time


def lock_within(descriptor: int, kind: int, *, seconds: float, pause: float) -> None:
    """Take a lock of `flock` on an open file; `pause` seconds between two attempts.

    Raises `TimeoutError` where another process keeps it for longer, and OSError where the file system has no locks.
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
