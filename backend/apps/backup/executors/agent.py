"""The agent: one process that watches the schedules and runs each job in a process of its own. It needs no broker.

It holds no state that it could lose: slots, waiting jobs and retries are in the catalogue. If it is killed, its jobs go
on, and the next agent continues. Several agents may run at the same time: each slot and each job is claimed once.
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
from ..backups.pack_check import check_packs
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
from ..services.dead_jobs import job_kill_overdue, job_reap
from ..services.due_jobs import expire_waiting, recompute_schedules, run_due
from ..services.executor_registry import PAUSE, executor_beat, executor_leave
from ..services.operations import operations_expire
from ..services.uploads import uploads_expire
from .dispatch import Child, ChildJob, ChildOperation

_TICK = 1.0
"""Seconds between two looks at the slots."""
_HOUSEKEEPING_PAUSE = 5.0
"""Seconds between two rounds of dead jobs, expiries and recovery."""
_LONGEST_PAUSE = 30.0
"""Most seconds between two attempts while the catalogue is unavailable."""
_STOP_PATIENCE = 60.0
"""Seconds for running jobs to stop when the agent stops."""


class Agent:
    """The agent. `run` returns after `stop` or a SIGTERM or SIGINT, when its jobs have stopped, too."""

    def __init__(self, *, jobs_at_once: int, log: Callable[[str], None]) -> None:
        self._at_once = jobs_at_once
        self._log = log
        self._stopping = False
        # A signal's handler puts into it. An Event is not safe there: it may wait for a lock that the interrupted code
        # holds.
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._jobs: list[Child] = []
        self._operations: list[Child] = []
        self._identity = own_identity()
        self._last_beat = self._last_housekeeping = float("-inf")

    def stop(self) -> None:
        """Start nothing more, and stop running jobs."""
        self._stopping = True
        self._wake.put(None)

    def run(self) -> None:
        """Run due jobs and operations until told to stop."""
        previous = {number: signal.signal(number, self._handle_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            most = "1 job" if self._at_once == 1 else f"{self._at_once} jobs"
            self._log(f"The agent runs as process {self._identity.pid}, with at most {most} at the same time.")
            self._watch()
            self._stop_children()
            self._log("The agent has stopped.")
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _handle_signal(self, _number: int, _frame: FrameType | None) -> None:
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
                self._log(f"{error} The agent tries again in {pause:.0f} s.")
                connections.close_all()
                self._recover()
                self._pause(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            # Slots begin at full seconds.
            self._pause(_TICK - time.time() % _TICK)

    def _recover(self) -> None:
        """Complete or undo a killed restore, which may be the reason why the catalogue is unavailable."""
        try:
            for line in recover_restores():
                self._log(line)
        except BackupError as error:
            self._log(f"An interrupted restore could not be recovered: {error}")

    def tick(self, now: datetime) -> None:
        """Do one round: settle ended processes, clean up, create due jobs, start waiting work.

        Raises `LedgerUnavailable`.
        """
        close_ledger_file()
        self._beat()
        # Before the dead jobs: of its own children the agent knows how they ended.
        self._settle_children()
        if housekeeping := time.monotonic() - self._last_housekeeping >= _HOUSEKEEPING_PAUSE:
            self._housekeeping(now)
        if anything_due(now=now):
            for due in run_due(now=now, woken_by=WokenBy.AGENT):
                at = f" ({minute_in_utc(due.slot)})" if due.slot else ""
                self._log(f"{due.job_name} is due{at}.")
        if free := self._at_once - len(self._jobs):
            for waiting in jobs_runnable(now=now, limit=free, exclude=[child.row for child in self._jobs]):
                self._start(ChildJob, waiting.uuid, waiting.job_name, self._jobs)
        # Operations have slots of their own, so that a restore does not wait for a long backup.
        if free := self._at_once - len(self._operations):
            own = [child.row for child in self._operations]
            for operation in operations_runnable(now=now, limit=free, exclude=own):
                self._start(ChildOperation, operation.uuid, str(operation), self._operations)
        if housekeeping:
            # Last, so that no due job waits for it: it takes long where there is damage.
            check_packs(now=now, pause=PACKS_PAUSE, tick=self._beat)

    def _housekeeping(self, now: datetime) -> None:
        # Besides the agent's own children, a restore that a user started by hand may have been killed in its swap.
        self._recover()
        for job in job_kill_overdue(now=now):
            self._log(f"The job {job} did not stop when it was told to, and was killed.")
        for job in job_reap(now=now):
            self._log(f"The job {job} was found dead.")
        for line in settle_operations(now=now):
            self._log(line)
        operations_expire(now=now)
        uploads_expire(now=now)
        expire_waiting(now=now)
        recompute_schedules(now=now)
        self._last_housekeeping = time.monotonic()

    def _beat(self) -> None:
        """Send a heartbeat, if it is time for one."""
        if time.monotonic() - self._last_beat >= PAUSE.total_seconds():
            executor_beat(ExecutorKind.AGENT, self._identity, self._facts(), now=timezone.now())
            self._last_beat = time.monotonic()

    def _facts(self) -> dict[str, object]:
        return {"jobs_at_once": self._at_once, "passphrase": passphrase_trouble()}

    def _start(self, kind: Callable[[uuid.UUID], Child], row: uuid.UUID, name: str, children: list[Child]) -> None:
        try:
            child = kind(row)
        except OSError as error:
            # No memory, or no free process: the work waits for the next round.
            self._log(f"{name} cannot be started: {error}.")
            return
        children.append(child)
        self._log(f"{name} starts as process {child.process.pid}.")

    def _settle_children(self) -> None:
        for children in (self._jobs, self._operations):
            for child in list(children):
                if child.process.poll() is None:
                    continue
                try:
                    self._log(child.report())
                except LedgerUnavailable:
                    # A later round calls `report` again.
                    raise
                except BackupError as error:
                    self._log(f"The work {child.row}: {error}")
                children.remove(child)

    def _stop_children(self) -> None:
        for child in (*self._jobs, *self._operations):
            child.stop()
        deadline = time.monotonic() + _STOP_PATIENCE
        while time.monotonic() < deadline:
            try:
                self._settle_children()
                if not self._jobs and not self._operations:
                    executor_leave(self._identity)
                    return
            except LedgerUnavailable:
                connections.close_all()
            time.sleep(0.1)
        for child in (*self._jobs, *self._operations):
            self._log(f"The work {child.row} goes on in process {child.process.pid}; it did not stop.")
