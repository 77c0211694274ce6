"""Check Celery as the executor: Beat reads our schedules, the broker answers, and a worker knows our tasks.

The heartbeats of the workers in the catalogue are read first. Only if these are missing, the workers are asked through
the broker, which takes a second.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from .. import conf
from ..executors.celery_messages import HAS_CELERY, RUN_JOB, RUN_OPERATION, TRANSPORT_ERRORS, TRANSPORT_HINT
from ..models import BackupConfiguration, Executor, ExecutorKind
from ..policies.schedule import Schedule, schedule_zone
from ..services import celery_beat as periodic
from .findings import Finding, critical, warning

if HAS_CELERY:
    import celery
    from kombu.exceptions import OperationalError as BrokerError
    from kombu.utils.imports import symbol_by_name

_DATABASE_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
_TASKS = (periodic.TASK, RUN_JOB, RUN_OPERATION)
_SECONDS = 3
_BEAT_GRACE = timedelta(minutes=5)


@dataclasses.dataclass(frozen=True, slots=True)
class Worker:
    """A worker, as it describes itself."""

    name: str
    queues: tuple[str, ...]
    tasks: tuple[str, ...]


def uses_celery() -> bool:
    """Return whether Celery is configured to run the jobs."""
    return conf.load().executor == "celery"


def scheduler_findings() -> Iterator[Finding]:
    """W006: Beat does not read its schedule from the database, and never sees our rows."""
    if not HAS_CELERY:
        yield critical(
            6, "Celery", "BACKUP_EXECUTOR is 'celery', but Celery is not installed.", "Install edms-backup[celery]."
        )
        return
    named = str(celery.current_app.conf.beat_scheduler)
    entries = celery.current_app.conf.beat_schedule or {}
    if any(entry.get("task") == periodic.TASK for entry in entries.values()):
        return
    if not periodic.installed() or not _reads_database(named):
        yield critical(
            6,
            "Celery Beat",
            f"Its scheduler {named} does not read the schedules in the database, so they never run.",
            f"Set CELERY_BEAT_SCHEDULER to {_DATABASE_SCHEDULER}, or add the task {periodic.TASK!r} to the static"
            " schedule, every minute.",
        )


def _reads_database(named: str) -> bool:
    wanted = symbol_by_name(_DATABASE_SCHEDULER)
    try:
        found = symbol_by_name(named)
    except (ImportError, AttributeError):
        return False
    return isinstance(found, type) and issubclass(found, wanted)


def worker_findings(alive: Sequence[Executor]) -> Iterator[Finding]:
    """W007: no worker reads our queue. W008: a worker lacks our tasks. W009: no broker. W012: no worker."""
    queue = queue_name()
    workers = [_of_row(row) for row in alive if row.kind == ExecutorKind.WORKER]
    if any(queue in worker.queues and set(_TASKS) <= set(worker.tasks) for worker in workers):
        return
    try:
        workers = _ask_workers()
    except (BrokerError, OSError) as error:
        yield critical(
            9,
            "message broker",
            f"The broker cannot be reached ({type(error).__name__}).",
            "Start the broker, and check CELERY_BROKER_URL.",
        )
        return
    except TRANSPORT_ERRORS as error:
        yield critical(
            9,
            "message broker",
            f"Celery cannot use the broker ({type(error).__name__}: {error}).",
            f"{TRANSPORT_HINT[0].upper()}{TRANSPORT_HINT[1:]}",
        )
        return
    if not workers:
        yield critical(12, "executor", "No Celery worker is running: no job runs.", "Start one: celery -A … worker.")
        return
    reading = [worker for worker in workers if queue in worker.queues]
    if not reading:
        names = ", ".join(sorted({name for worker in workers for name in worker.queues}))
        yield critical(
            7,
            f"queue {queue}",
            f"No worker reads the queue {queue!r}; the workers read {names or 'none'}.",
            f"Start a worker with -Q {queue}, or set BACKUP_CELERY_QUEUE.",
        )
        return
    for worker in reading:
        lacking = sorted(set(_TASKS) - set(worker.tasks))
        if lacking:
            yield critical(
                8,
                f"worker {worker.name}",
                f"It does not know the tasks {', '.join(lacking)}: it runs older code, or code without the backup app.",
                "Restart this worker.",
            )


def beat_findings(rows: Sequence[BackupConfiguration], *, now: datetime) -> Iterator[Finding]:
    """W018: a scheduled time has passed, and Beat has not run its row. W021: the row is disabled."""
    owned = periodic.owned_rows()
    for row in rows:
        entry = owned.get(str(row.uuid))
        if entry is None:
            yield warning(
                18, row.name, "Celery Beat has no row for it.", f"Run `manage_backup_configs --enable {row.name}`."
            )
            continue
        # django-celery-beat is optional, and so are the types of its rows.
        name, enabled = str(getattr(entry, "name", "")), bool(getattr(entry, "enabled", False))
        last: datetime | None = getattr(entry, "last_run_at", None)
        changed: datetime = getattr(entry, "date_changed", now)
        if not enabled:
            yield warning(
                21,
                row.name,
                f"Its Celery Beat row {name} is disabled.",
                "Enable the row, or disable the configuration itself.",
            )
            continue
        since = max(last or changed, changed)
        passed = Schedule.of(row, schedule_zone()).between(since, now - _BEAT_GRACE)
        if passed:
            yield warning(
                18,
                row.name,
                f"It was due at {passed[-1].isoformat(timespec='minutes')}, but Beat has not run its row {name}.",
                "Start or restart Celery Beat.",
            )


def queue_name() -> str:
    """Return the name of the queue that our messages go to."""
    chosen = conf.load().celery_queue
    if chosen:
        return chosen
    route = celery.current_app.amqp.router.route({}, RUN_JOB)
    queue = route.get("queue")
    return str(getattr(queue, "name", queue) or celery.current_app.conf.task_default_queue)


def _of_row(row: Executor) -> Worker:
    return Worker(str(row), tuple(row.facts.get("queues", ())), tuple(row.facts.get("tasks", ())))


def _ask_workers() -> list[Worker]:
    app = celery.current_app
    with app.connection_for_write(connect_timeout=_SECONDS) as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=_SECONDS)
        inspect = app.control.inspect(timeout=1.0, connection=connection)
        queues = inspect.active_queues() or {}
        tasks = inspect.registered() or {}
    return [
        Worker(name, tuple(str(queue["name"]) for queue in found), tuple(tasks.get(name, ())))
        for name, found in queues.items()
    ]
