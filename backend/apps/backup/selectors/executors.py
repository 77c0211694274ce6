"""Reads of the agents, workers and cron jobs that are alive."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from ..ledger import ledger_access, ledger_alias
from ..models import Executor, ExecutorKind
from . import SKEW

_MOST_SHOWN = 20
HEARTBEAT_LIMIT = timedelta(seconds=90)
"""The time without a heartbeat after which an executor counts as gone."""
CRON_HEARTBEAT_LIMIT = timedelta(minutes=65)
"""The same for cron, which may call once an hour."""


def executors_recent() -> list[Executor]:
    """Return the executors that were seen last, also those that are gone."""
    with ledger_access("looking for executors"):
        return list(Executor.objects.using(ledger_alias()).order_by("-beat_at")[:_MOST_SHOWN])


def executors_alive(*, now: datetime) -> list[Executor]:
    """Return the executors with a recent heartbeat."""
    lately = Q(beat_at__gte=now - HEARTBEAT_LIMIT) | Q(kind=ExecutorKind.CRON, beat_at__gte=now - CRON_HEARTBEAT_LIMIT)
    with ledger_access("looking for executors"):
        # A heartbeat from the future was written under a wrong clock, perhaps long ago.
        return list(Executor.objects.using(ledger_alias()).filter(lately, beat_at__lte=now + SKEW))
