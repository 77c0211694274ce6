"""What a Celery worker does besides its tasks: a thread that says that it is there and finds what was overlooked.

Beat and the broker may fail silently: Beat that has stopped, a message that is lost, a worker that died with a job. The
thread looks into the ledger and mends all of it within a minute or two, without a broker.
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
from ..services.dead_jobs import job_enforce, job_reap
from ..services.due_jobs import expire_waiting, run_due
from ..services.executor_registry import PAUSE, executor_beat, executor_leave
from ..services.operations import operations_expire
from ..services.uploads import uploads_expire
from .celery_messages import send_job, send_operation

_BEAT_FIRST = timedelta(seconds=45)
"""So long a due slot is left to Beat."""

_LOST = timedelta(minutes=10)
"""A message that was sent so long ago, for a job that still waits, is taken for lost."""

_FORK_PATIENCE = 10.0
"""Seconds that a fork waits at the most for the end of a round."""

_logger = logging.getLogger(__name__)


class Watchdog:
    """The thread; started when the worker is ready, stopped when it shuts down."""

    def __init__(self, facts: Mapping[str, object]) -> None:
        self._facts = facts
        self._stop = threading.Event()
        self._turn = threading.Lock()
        self._kept = False
        self._beaten = 0.0
        self._thread = threading.Thread(target=self._run, name="backup-watch", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        # A process of the pool that is forked in the middle of a round would begin its life with the locks of the
        # database's library held, by a thread that it does not have.
        os.register_at_fork(before=self._before_fork, after_in_parent=self._after_fork, after_in_child=self._after_fork)
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer, and say that the worker leaves."""
        self._stop.set()
        self._thread.join(timeout=PAUSE.total_seconds())

    def _run(self) -> None:
        while True:
            with self._turn:
                self._look_safely()
            if self._stop.wait(PAUSE.total_seconds()):
                break
        try:
            executor_leave(own_identity())
        except BackupError as error:
            _logger.warning("%s", error)
        finally:
            connections.close_all()

    def _look_safely(self) -> None:
        try:
            self.look()
        except BackupError as error:
            # The ledger or the broker is away; the next round finds the same work.
            _logger.warning("%s", error)
            self._recover()
        except Exception:
            # Without its watch the worker would overlook, for good, whatever nobody else sees.
            _logger.exception("The watch of the backups met with the unexpected, and goes on.")
        finally:
            # A connection that is open when the worker forks a child would be shared with it.
            connections.close_all()

    def _recover(self) -> None:
        """Complete or undo what a killed restore has left; the ledger may be away because of it."""
        try:
            for line in recover_restores():
                _logger.warning("%s", line)
        except BackupError as error:
            _logger.warning("An interrupted restore could not be recovered: %s", error)

    def _before_fork(self) -> None:
        self._kept = self._turn.acquire(timeout=_FORK_PATIENCE)

    def _after_fork(self) -> None:
        if self._kept:
            self._turn.release()

    def look(self) -> None:
        """One round. Raises what keeps the ledger or the broker from being used."""
        now = timezone.now()
        # One that was typed may have been killed in its swap as well as one of an operation.
        self._recover()
        self._beat()
        for job in job_enforce(now=now):
            _logger.warning("The backup job %s did not stop when it was told to, and was killed.", job)
        for job in job_reap(now=now):
            _logger.warning("The backup job %s was found dead.", job)
        for line in settle_operations(now=now):
            _logger.warning("%s", line)
        operations_expire(now=now)
        uploads_expire(now=now)
        if conf.load().executor != "celery" and any(one.kind == ExecutorKind.AGENT for one in executors_alive(now=now)):
            # The slots are the agent's, and this worker is there for other work.
            check_packs(now=now, pause=PACKS_PAUSE, tick=self._beat_again)
            return
        expire_waiting(now=now)
        for due in run_due(now=now, woken_by=WokenBy.WORKER, patience=_BEAT_FIRST):
            _logger.warning("%s was due and had not been started; does Beat run?", due.job_name)
        for lost in jobs_to_send(now=now, patience=_LOST):
            send_job(lost, now=now)
        for lost in operations_to_send(now=now, patience=_LOST):
            send_operation(lost, now=now)
        # Last, because it takes long where there is damage, and nothing that is due waits for it then.
        check_packs(now=now, pause=PACKS_PAUSE, tick=self._beat_again)

    def _beat(self) -> None:
        facts = {**self._facts, "passphrase": passphrase_trouble()}
        executor_beat(ExecutorKind.WORKER, own_identity(), facts, now=timezone.now())
        self._beaten = time.monotonic()

    def _beat_again(self) -> None:
        """A sign of life while something takes long."""
        if time.monotonic() - self._beaten >= PAUSE.total_seconds():
            self._beat()
