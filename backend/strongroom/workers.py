"""A pool of threads with a bounded queue, and countdowns that run a function after the last of several tasks."""

from __future__ import annotations

import concurrent.futures
import os
import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import TypeAlias

Task: TypeAlias = Callable[[], None]

_TICK = 0.25
"""Seconds between two calls of `tick` while waiting."""


def default_workers() -> int:
    """Return the number of threads: one for each processor, from 2 to 8. More threads only compete for the GIL."""
    return min(max(os.cpu_count() or 1, 2), 8)


class Countdown:
    """Run `finish` once, in the thread that settles the last expected task. The countdown starts at one.

    A `finish` that settles another countdown returns before that one finishes, so a long chain needs no deep stack.
    """

    def __init__(self, finish: Task) -> None:
        self._finish = finish
        self._left = 1
        self._guard = threading.Lock()

    def expect(self) -> None:
        """Add one to the count."""
        with self._guard:
            self._left += 1

    def settle(self) -> None:
        """Subtract one from the count, and run `finish` at zero."""
        with self._guard:
            self._left -= 1
            last = self._left == 0
        if last:
            _finish_in_turn(self._finish)


class _Finishing(threading.local):
    """The queue of this thread, while a `finish` is running in it."""

    waiting: deque[Task] | None = None


_finishing = _Finishing()


def _finish_in_turn(finish: Task) -> None:
    if _finishing.waiting is not None:
        _finishing.waiting.append(finish)
        return
    _finishing.waiting = deque([finish])
    try:
        while _finishing.waiting:
            _finishing.waiting.popleft()()
    finally:
        _finishing.waiting = None


class Pool:
    """Run tasks in threads.

    After the first task that raises, no other task starts, and `submit` or `drain` raises its error in the thread that
    feeds the pool.
    """

    def __init__(self, workers: int, tick: Task) -> None:
        self._executor = concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix="strongroom")
        self._slots = threading.Semaphore(workers * 2)
        self._outstanding = 0
        self._idle = threading.Condition()
        self._failure: BaseException | None = None
        self._tick = tick

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._fail(error)
        self._executor.shutdown(wait=True)

    def submit(self, task: Task) -> None:
        """Queue a task, and wait for a free slot. For the thread that feeds the pool."""
        while not self._slots.acquire(timeout=_TICK):
            self._tick()
            self._raise_failure()
        self._raise_failure()
        self._start(task)
        # A slow source, such as a database dump, leaves slots free: then nothing above waits.
        self._tick()

    def share(self, task: Task) -> None:
        """Queue a task if there is a free slot, else run it here. For workers, which must not wait for each other."""
        if self._slots.acquire(blocking=False):
            self._start(task)
        else:
            task()

    def drain(self) -> None:
        """Wait until every task is done."""
        with self._idle:
            while self._outstanding and self._failure is None:
                self._idle.wait(_TICK)
                self._tick()
        self._raise_failure()

    def _start(self, task: Task) -> None:
        with self._idle:
            self._outstanding += 1
        self._executor.submit(self._run, task)

    def _run(self, task: Task) -> None:
        try:
            if self._failure is None:
                task()
        except BaseException as error:  # noqa: BLE001 raised again in the thread that feeds the pool
            self._fail(error)
        finally:
            self._slots.release()
            with self._idle:
                self._outstanding -= 1
                self._idle.notify_all()

    def _fail(self, error: BaseException) -> None:
        with self._idle:
            self._failure = self._failure or error
            self._idle.notify_all()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
