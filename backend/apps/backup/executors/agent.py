"""The agent: one process that watches the slots and runs the jobs, each in a process of its own. No broker.

It keeps nothing that it could lose: slots, waiting jobs and retries are in the ledger. Killed, it leaves its jobs
running, and the next agent goes on where it was. Several agents beside each other are no harm: each slot and each job
is claimed once.
"""

from __future__ import annotations

import contextlib
import queue
import signal
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from types import FrameType

from django.db import connections
from django.utils import timezone

from ..backups.pack_check import PAUSE as PACKS_PAUSE
from ..backups.pack_check import look_at_packs
from ..backups.passphrase_check import passphrase_trouble
from ..core.processes import own_identity
from ..core.timezones import minute_in_utc
from ..errors import BackupError, LedgerUnavailable
from ..ledger import close_ledger_file
from ..models import ExecutorKind, WokenBy
from ..operations import settle_operations
from ..restores import recover_restores
from ..selectors import jobs_runnable, operations_runnable
from ..selectors.job_queue import anything_due
from ..services.dead_jobs import job_enforce, job_reap
from ..services.due_jobs import expire_waiting, refresh, run_due
from ..services.executor_registry import PAUSE, executor_beat, executor_leave
from ..services.operations import operations_expire
from ..services.uploads import uploads_expire
from .dispatch import Child, ChildJob, ChildOperation

_TICK = 1.0
_CHORES = 5.0
_LONGEST_PAUSE = 30.0
_STOPPING = 60.0
"""Seconds: between two looks at the slots; between two rounds of everything else; between two attempts while the ledger
is away; for running jobs to stop when the agent does."""

Say = Callable[[str], None]


class Agent:
    """`run` returns after `stop` was called, or a SIGTERM or SIGINT came, when its jobs have stopped too."""

    def __init__(self, *, jobs_at_once: int, say: Say) -> None:
        self._at_once = jobs_at_once
        self._say = say
        self._stopping = False
        # Told by a signal's handler, which an Event is not made for: it may wait for a lock that the very code holds
        # that was interrupted.
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._jobs: list[Child] = []
        self._operations: list[Child] = []
        self._me = own_identity()
        self._beaten = self._chores = float("-inf")

    def stop(self) -> None:
        """Take on nothing more and come to an end."""
        self._stopping = True
        self._wake.put(None)

    def run(self) -> None:
        """Watch and run until told to stop."""
        previous = {number: signal.signal(number, self._signalled) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._say(f"The agent runs as process {self._me.pid}, {self._at_once} jobs at once at the most.")
            self._watch()
            self._leave()
            self._say("The agent has stopped.")
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _signalled(self, _number: int, _frame: FrameType | None) -> None:
        self.stop()

    def _pause(self, seconds: float) -> None:
        with contextlib.suppress(queue.Empty):
            self._wake.get(timeout=seconds)

    def _watch(self) -> None:
        pause = _TICK
        while not self._stopping:
            try:
                self.tick(timezone.now())
                pause = _TICK
            except LedgerUnavailable as error:
                self._say(f"{error} The agent tries again in {pause:.0f} s.")
                connections.close_all()
                self._recover()
                self._pause(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            # To the next full second: slots begin there.
            self._pause(_TICK - time.time() % _TICK)

    def _recover(self) -> None:
        """Complete or undo what a killed restore has left; the ledger may be away because of it."""
        try:
            for line in recover_restores():
                self._say(line)
        except BackupError as error:
            self._say(f"An interrupted restore could not be recovered: {error}")

    def tick(self, now: datetime) -> None:
        """One look at everything. Raises `LedgerUnavailable`."""
        close_ledger_file()
        self._beat()
        # Of our own children we know how they ended; of others, only that they are gone.
        self._settle_children()
        if are_due := time.monotonic() - self._chores >= _CHORES:
            # One that was typed may have been killed in its swap as well as one of our own children.
            self._recover()
            for job in job_enforce(now=now):
                self._say(f"The job {job} did not stop when it was told to, and was killed.")
            for job in job_reap(now=now):
                self._say(f"The job {job} was found dead.")
            for line in settle_operations(now=now):
                self._say(line)
            operations_expire(now=now)
            uploads_expire(now=now)
            expire_waiting(now=now)
            refresh(now=now)
            self._chores = time.monotonic()
        if anything_due(now=now):
            for due in run_due(now=now, woken_by=WokenBy.AGENT):
                at = f" ({minute_in_utc(due.slot)})" if due.slot else ""
                self._say(f"{due.job_name} is due{at}.")
        if free := self._at_once - len(self._jobs):
            for waiting in jobs_runnable(now=now, limit=free, exclude=[child.row for child in self._jobs]):
                self._start(ChildJob, waiting.uuid, waiting.job_name, self._jobs)
        # Besides the jobs: a restore does not wait for a long backup.
        if free := self._at_once - len(self._operations):
            own = [child.row for child in self._operations]
            for wanted in operations_runnable(now=now, limit=free, exclude=own):
                self._start(ChildOperation, wanted.uuid, str(wanted), self._operations)
        if are_due:
            # Last, because it takes long where there is damage, and nothing that is due waits for it then.
            look_at_packs(now=now, pause=PACKS_PAUSE, tick=self._beat)

    def _beat(self) -> None:
        """Give a sign of life, if the last one is long enough ago."""
        if time.monotonic() - self._beaten >= PAUSE.total_seconds():
            executor_beat(ExecutorKind.AGENT, self._me, self._facts(), now=timezone.now())
            self._beaten = time.monotonic()

    def _facts(self) -> dict[str, object]:
        return {"jobs_at_once": self._at_once, "passphrase": passphrase_trouble()}

    def _start(self, kind: Callable[[uuid.UUID], Child], row: uuid.UUID, name: str, children: list[Child]) -> None:
        try:
            child = kind(row)
        except OSError as error:
            # No memory or no process left for it: the work waits, and is looked at again.
            self._say(f"{name} cannot be started: {error}.")
            return
        children.append(child)
        self._say(f"{name} starts as process {child.process.pid}.")

    def _settle_children(self) -> None:
        for children in (self._jobs, self._operations):
            for child in list(children):
                if child.process.poll() is None:
                    continue
                try:
                    self._say(child.report())
                except LedgerUnavailable:
                    # Its end is looked up when the ledger is back; `report` can be called again.
                    raise
                except BackupError as error:
                    self._say(f"The work {child.row}: {error}")
                children.remove(child)

    def _leave(self) -> None:
        for child in (*self._jobs, *self._operations):
            child.stop()
        patience = time.monotonic() + _STOPPING
        while time.monotonic() < patience:
            try:
                self._settle_children()
                if not self._jobs and not self._operations:
                    executor_leave(self._me)
                    return
            except LedgerUnavailable:
                connections.close_all()
            time.sleep(0.1)
        for child in (*self._jobs, *self._operations):
            self._say(f"The work {child.row} goes on in process {child.process.pid}; it did not stop.")
