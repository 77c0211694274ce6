"""The registered executors: agents, workers and cron send heartbeats; one without heartbeats counts as gone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from ..core.processes import ProcessIdentity
from ..ledger import ledger_access, ledger_alias
from ..models import Executor, ExecutorKind

PAUSE = timedelta(seconds=15)
"""The time between two heartbeats."""

_FORGET = timedelta(days=7)


def executor_beat(kind: str, process: ProcessIdentity, facts: Mapping[str, object], *, now: datetime) -> None:
    """Write a heartbeat. Rows without a heartbeat for a week are removed."""
    with ledger_access("saying that an executor is there"):
        rows = Executor.objects.using(ledger_alias())
        columns = {"kind": kind, "host": _host(process), "pid": process.pid, "beat_at": now, "facts": dict(facts)}
        if not rows.filter(name=_name(process)).update(**columns):
            # A conflict is ignored: another call of the same cron was faster.
            new = Executor(name=_name(process), started_at=now, **columns)
            rows.bulk_create([new], ignore_conflicts=True)
        rows.filter(beat_at__lt=now - _FORGET).delete()


def cron_beat(process: ProcessIdentity, *, now: datetime) -> None:
    """Write a heartbeat of the cron job that calls `backup_run_due`, with one row for each host."""
    regular = ProcessIdentity(host=process.host.split("/")[0], pid=0, start="cron")
    executor_beat(ExecutorKind.CRON, regular, {}, now=now)


def executor_leave(process: ProcessIdentity) -> None:
    """Remove an executor that stops regularly, so that no check reports it as gone."""
    with ledger_access("saying that an executor leaves"):
        Executor.objects.using(ledger_alias()).filter(name=_name(process)).delete()


def _name(process: ProcessIdentity) -> str:
    return f"{process.host}:{process.pid}:{process.start}"[-250:]


def _host(process: ProcessIdentity) -> str:
    return process.host.split("/")[0]
