"""The watchdog of a Celery worker: a thread that sends heartbeats and finds overlooked work.

Beat, the broker and workers may fail silently: Beat stops, a message is lost, a worker dies with its job. The thread
reads the catalogue and repairs all of this within a minute or two, without a broker.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping
from datetime import timedelta

from django.db import connections
from django.utils import timezone

from .. import conf
from ..backups.pack_check import PAUSE as PACKS_PAUSE
from ..backups.pack_check import check_packs
from ..backups.passphrase_check import passphrase_trouble
from ..core.processes import own_identity
from ..errors import BackupError
from ..models import ExecutorKind, WokenBy
from ..operations import settle_operations
from ..restores import recover_restores
from ..selectors import jobs_to_send, operations_to_send
from ..selectors.executors import executors_alive
from ..services.dead_jobs import job_kill_overdue, job_reap
from ..services.due_jobs import expire_waiting, run_due
from ..services.executor_registry import PAUSE, executor_beat, executor_leave
from ..services.operations import operations_expire
from ..services.uploads import uploads_expire
from .celery_messages import send_job, send_operation

_BEAT_FIRST = timedelta(seconds=45)
"""The time for which a due slot is left to Beat."""

_LOST = timedelta(minutes=10)
"""The age of a message after which it counts as lost if its job still waits."""

_FORK_PATIENCE = 10.0
"""Most seconds that a fork waits for the end of a round."""

_logger = logging.getLogger(__name__)


class Watchdog:
    """The thread of one worker, from `worker_ready` to `worker_shutdown`."""

    def __init__(self, facts: Mapping[str, object]) -> None:
        self._facts = facts
        self._stop = threading.Event()
        self._round_lock = threading.Lock()
        self._is_held_for_fork = False
        self._last_beat = 0.0
        self._thread = threading.Thread(target=self._run, name="backup-watch", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        # In a process of the pool that is forked in the middle of a round, locks of the database's library would be
        # held by a thread that does not exist there.
        os.register_at_fork(before=self._before_fork, after_in_parent=self._after_fork, after_in_child=self._after_fork)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and remove the worker from the registered executors."""
        self._stop.set()
        self._thread.join(timeout=PAUSE.total_seconds())

    def _run(self) -> None:
        while True:
            with self._round_lock:
                self._run_round_safely()
            if self._stop.wait(PAUSE.total_seconds()):
                break
        try:
            executor_leave(own_identity())
        except BackupError as error:
            _logger.warning("%s", error)
        finally:
            connections.close_all()

    def _run_round_safely(self) -> None:
        try:
            self.run_round()
        except BackupError as error:
            # The catalogue or the broker is unavailable; the next round finds the same work.
            _logger.warning("%s", error)
            self._recover()
        except Exception:
            # If the thread ended here, overlooked work would stay overlooked.
            _logger.exception("Unexpected watchdog error; continuing.")
        finally:
            # A child that the worker forks would share an open connection.
            connections.close_all()

    def _recover(self) -> None:
        """Complete or undo a killed restore, which may be the reason why the catalogue is unavailable."""
        try:
            for line in recover_restores():
                _logger.warning("%s", line)
        except BackupError as error:
            _logger.warning("An interrupted restore could not be recovered: %s", error)

    def _before_fork(self) -> None:
        self._is_held_for_fork = self._round_lock.acquire(timeout=_FORK_PATIENCE)

    def _after_fork(self) -> None:
        if self._is_held_for_fork:
            self._round_lock.release()

    def run_round(self) -> None:
        """Do one round. Raises the errors of the catalogue and of the broker."""
        now = timezone.now()
        # Besides operations, a restore that a user started by hand may have been killed in its swap.
        self._recover()
        self._beat()
        for job in job_kill_overdue(now=now):
            _logger.warning("The backup job %s did not stop when it was told to, and was killed.", job)
        for job in job_reap(now=now):
            _logger.warning("The backup job %s was found dead.", job)
        for line in settle_operations(now=now):
            _logger.warning("%s", line)
        operations_expire(now=now)
        uploads_expire(now=now)
        if conf.load().executor != "celery" and any(one.kind == ExecutorKind.AGENT for one in executors_alive(now=now)):
            # The agent looks after the slots.
            check_packs(now=now, pause=PACKS_PAUSE, tick=self._beat_if_due)
            return
        expire_waiting(now=now)
        for due in run_due(now=now, woken_by=WokenBy.WORKER, patience=_BEAT_FIRST):
            _logger.warning("%s was due and had not been started; does Beat run?", due.job_name)
        for lost in jobs_to_send(now=now, patience=_LOST):
            send_job(lost, now=now)
        for lost in operations_to_send(now=now, patience=_LOST):
            send_operation(lost, now=now)
        # Last, so that no due job waits for it: it takes long where there is damage.
        check_packs(now=now, pause=PACKS_PAUSE, tick=self._beat_if_due)

    def _beat(self) -> None:
        facts = {**self._facts, "passphrase": passphrase_trouble()}
        executor_beat(ExecutorKind.WORKER, own_identity(), facts, now=timezone.now())
        self._last_beat = time.monotonic()

    def _beat_if_due(self) -> None:
        """Send a heartbeat during long work, if it is time for one."""
        if time.monotonic() - self._last_beat >= PAUSE.total_seconds():
            self._beat()
