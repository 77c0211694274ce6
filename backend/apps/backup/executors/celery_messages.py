"""Messages to Celery workers, for the executor "celery". They only wake a worker up; the catalogue is the truth.

The workers' watchdog sends a lost message again. A message that arrives twice changes nothing.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from .. import conf
from ..errors import BrokerUnavailable, SettingsInvalid
from ..ledger import ledger_access, ledger_alias
from ..models import BackupJob, JobStatus
from ..services.operation_runs import operation_hand_over

TRANSPORT_ERRORS: tuple[type[Exception], ...] = (ImportError, KeyError)
"""Errors of Celery for a broker of an unknown kind, or one whose client package is missing or of a wrong version."""

try:
    import celery
    from kombu.exceptions import OperationalError as BrokerError
    from kombu.exceptions import VersionMismatch

    HAS_CELERY = True
    TRANSPORT_ERRORS += (VersionMismatch,)
except ModuleNotFoundError:  # an optional dependency
    HAS_CELERY = False

RUN_JOB = "backup.run_job"
RUN_OPERATION = "backup.run_operation"
TRANSPORT_HINT = "check CELERY_BROKER_URL, and install what speaks to it, for Redis edms-backup[celery]."
_CONNECT = {"max_retries": 2, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.5}


def send_job(job: uuid.UUID, *, now: datetime) -> None:
    """Send a message about a PENDING job to the workers. Raises `BrokerUnavailable`; the job stays PENDING then."""
    _send(RUN_JOB, job, "job")
    with ledger_access("noting that a job was sent"):
        BackupJob.objects.using(ledger_alias()).filter(uuid=job, status=JobStatus.PENDING).update(dispatched_at=now)


def send_operation(operation: uuid.UUID, *, now: datetime) -> None:
    """Send a message about a PENDING operation to the workers. Raises `BrokerUnavailable`; it stays PENDING then."""
    _send(RUN_OPERATION, operation, "operation")
    operation_hand_over(operation, now=now)


def _send(task: str, row: uuid.UUID, what: str) -> None:
    if not HAS_CELERY:
        raise SettingsInvalid("BACKUP_EXECUTOR is 'celery', and Celery is not installed; install edms-backup[celery].")
    try:
        celery.current_app.send_task(
            task, args=[str(row)], queue=conf.load().celery_queue or None, retry=True, retry_policy=_CONNECT
        )
    except (BrokerError, OSError) as error:
        # The address of the broker may hold a password, and the error may quote the address.
        raise BrokerUnavailable(
            f"The broker did not take the message for the {what} {row} ({type(error).__name__}); check that it runs and"
            f" that CELERY_BROKER_URL is right. The {what} is PENDING, and a worker will find it."
        ) from None
    except TRANSPORT_ERRORS as error:
        raise BrokerUnavailable(
            f"Celery cannot speak to the broker ({type(error).__name__}: {error}): {TRANSPORT_HINT}"
            f" The {what} is PENDING."
        ) from error
