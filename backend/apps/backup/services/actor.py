"""On whose behalf something is done, for the audit trail: set where somebody comes in, read where something is written.

Of a thread or a task of its own: what one request does is never put down to another.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from contextvars import ContextVar

from ..models import AuditOrigin


@dataclasses.dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a user's name and primary key, through what, from which address, in which request."""

    name: str
    key: str = ""
    origin: str = AuditOrigin.SYSTEM
    address: str = ""
    request_id: str = ""


SYSTEM = Actor("system")
"""Schedules, retention, and whatever else happens by itself."""

_current: ContextVar[Actor] = ContextVar("backup_actor", default=SYSTEM)


def current_actor() -> Actor:
    """Who acts now."""
    return _current.get()


def become(actor: Actor) -> None:
    """From now on this one acts, to the end of the block of `acting`."""
    _current.set(actor)


@contextlib.contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """While the block runs, what is done is put down to `actor`."""
    token = _current.set(actor)
    try:
        yield
    finally:
        _current.reset(token)
