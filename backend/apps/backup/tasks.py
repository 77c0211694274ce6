"""The tasks of Celery. Each calls one service; a task that did not reach its purpose is a FAILURE, never a result.

Beat calls `backup.run_due`. `backup.run_job` runs a job, `backup.run_operation` an operation.
A message may arrive twice, late or never: the catalogue decides what is done.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from celery import shared_task
from celery.apps.worker import Worker
from celery.signals import worker_ready, worker_shutdown
from django.utils import timezone

from .core.timezones import in_utc
from .errors import JobFailed, RequestRefused
from .executors.celery_messages import RUN_JOB, RUN_OPERATION, send_job
from .executors.celery_watchdog import Watchdog
from .executors.dispatch import run_operation_waiting, run_waiting
from .models import JobStatus, OperationStatus, WokenBy
from .selectors import configuration_by_uuid, job_by_uuid, operation_by_uuid
from .services.celery_beat import TASK as RUN_DUE
from .services.due_jobs import run_due

_BEAT_AHEAD = timedelta(seconds=5)
"""The clock of Beat on another machine may be ahead of ours by this."""


@shared_task(name=RUN_DUE)
def run_due_task(configuration: str | None = None) -> list[str]:
    """Create jobs for the due slots of one configuration or of all, and send them; return the uuids of the jobs."""
    chosen = None if configuration is None else uuid.UUID(configuration)
    if chosen is not None:
        row = configuration_by_uuid(chosen)
        if row is None:
            raise RequestRefused(f"Beat asks for the configuration {chosen}, and there is none.")
        if not row.runs_by_schedule:
            raise RequestRefused(f"Beat asks for the configuration {row.name!r}, whose schedule is switched off.")
    now = timezone.now()
    jobs = run_due(now=now, woken_by=WokenBy.BEAT, configuration=chosen, patience=-_BEAT_AHEAD)
    for job in jobs:
        # To the workers, also with another BACKUP_EXECUTOR: a project that calls this task has workers.
        send_job(job.uuid, now=now)
    return [str(job.uuid) for job in jobs]


@shared_task(name=RUN_JOB)
def run_job_task(job: str) -> str:
    """Run one job in a process of its own and return its status. Raises `JobFailed` if it ended without a backup."""
    chosen = uuid.UUID(job)
    row = job_by_uuid(chosen)
    if row is None:
        raise JobFailed(f"The catalogue has no job {chosen}; it was deleted, or this worker has another database.")
    if row.status != JobStatus.PENDING:
        return f"{row.status}: another delivery of this message has started it."
    attempts = row.attempt
    row = run_waiting(chosen, executor="process")
    if row.status in {JobStatus.COMPLETED, JobStatus.INCOMPLETE}:
        return row.status
    if row.status == JobStatus.RUNNING:
        return f"{row.status}: another delivery of this message was faster."
    if row.status == JobStatus.PENDING and row.attempt == attempts:
        return f"{row.status}: another job of its configuration runs; this one comes after it."
    again = f" It is tried again from {in_utc(row.not_before):%H:%M:%S} UTC on." if row.not_before else ""
    raise JobFailed(f"{row.job_name} is {row.status}: {row.error_message}{again}")


@shared_task(name=RUN_OPERATION)
def run_operation_task(operation: str) -> str:
    """Run one operation in a process of its own and return its result in words. Raises `JobFailed` if it FAILED."""
    chosen = uuid.UUID(operation)
    row = operation_by_uuid(chosen)
    if row is None:
        raise JobFailed(f"The catalogue has no operation {chosen}; this worker has another database.")
    if row.status != OperationStatus.PENDING:
        return f"{row.status}: another delivery of this message has started it."
    result = run_operation_waiting(chosen)
    ended = operation_by_uuid(chosen)
    if ended is not None and ended.status == OperationStatus.FAILED:
        raise JobFailed(result)
    return result


_watchdogs: list[Watchdog] = []


@worker_ready.connect
def start_watchdog(sender: object, **_signal: object) -> None:
    """Start the watchdog of a worker that is ready: it registers the worker and looks for overlooked jobs."""
    worker = getattr(sender, "controller", sender)
    if isinstance(worker, Worker):
        app = worker.app
        watchdog = Watchdog(
            {
                "queues": sorted(app.amqp.queues.consume_from),
                "tasks": sorted(name for name in app.tasks if name in {RUN_DUE, RUN_JOB, RUN_OPERATION}),
            }
        )
        watchdog.start()
        _watchdogs.append(watchdog)


@worker_shutdown.connect
def stop_watchdog(**_signal: object) -> None:
    """Stop the watchdog of a worker that shuts down."""
    while _watchdogs:
        _watchdogs.pop().stop()
