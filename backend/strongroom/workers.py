"""Workers with a bounded queue, and countdowns that run what comes after the last of them."""

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
"""Seconds between two looks at the clock while waiting."""


def default_workers() -> int:
    """One a processor, and two where there is only one: more of them fight for the interpreter than they gain."""
    return min(max(os.cpu_count() or 1, 2), 8)


class Countdown:
    """Runs `finish` once, in the thread that settles the last of what was expected. Expects one from the start.

    A `finish` that settles another countdown returns before that one finishes: a chain of any length takes no stack.
    """

    def __init__(self, finish: Task) -> None:
        self._finish = finish
        self._left = 1
        self._guard = threading.Lock()

    def expect(self) -> None:
        """One more must be settled."""
        with self._guard:
            self._left += 1

    def settle(self) -> None:
        """One of the expected is done."""
        with self._guard:
            self._left -= 1
            last = self._left == 0
        if last:
            _finish_in_turn(self._finish)


class _Finishing(threading.local):
    """What waits in this thread until the `finish` that is running has returned."""

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
    """Threads that run tasks. The first task that raises stops all others from starting, and `submit` or `drain`
    raises its error in the thread that feeds the pool."""

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
        """Queue a task, waiting for a free slot. For the feeding thread."""
        while not self._slots.acquire(timeout=_TICK):
            self._tick()
            self._raise_failure()
        self._raise_failure()
        self._start(task)

    def share(self, task: Task) -> None:
        """Queue a task if there is a free slot, else run it here. For workers, which must never wait for each other."""
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
        except BaseException as error:  # noqa: BLE001 it is raised again where the pool is fed
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
