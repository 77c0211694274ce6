"""Reads about agents, workers and cron calls that are alive."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from ..ledger import ledger_access, ledger_alias
from ..models import Executor, ExecutorKind
from . import SKEW

SILENCE = timedelta(seconds=90)
"""After so long without one an executor counts as gone."""
CRON_SILENCE = timedelta(minutes=65)
"""The same for cron, which may call once an hour."""


def executors_alive(*, now: datetime) -> list[Executor]:
    """Those that gave a sign of life lately; cron is given the time from one call to the next."""
    lately = Q(beat_at__gte=now - SILENCE) | Q(kind=ExecutorKind.CRON, beat_at__gte=now - CRON_SILENCE)
    with ledger_access("looking for executors"):
        # A sign from the future was given under a clock that was wrong, perhaps long ago.
        return list(Executor.objects.using(ledger_alias()).filter(lately, beat_at__lte=now + SKEW))
