"""The current actor, for the audit trail: set at the entry of a request or command, read by each write.

It is scoped per thread or task, so that requests never get each other's actor.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from contextvars import ContextVar

from ..models import AuditOrigin


@dataclasses.dataclass(frozen=True, slots=True)
class Actor:
    """An actor: the user's name and primary key, the origin, the address and the id of the request."""

    name: str
    key: str = ""
    origin: str = AuditOrigin.SYSTEM
    address: str = ""
    request_id: str = ""


SYSTEM = Actor("system")
"""The actor of schedules, retention and everything else that no user starts."""

_current: ContextVar[Actor] = ContextVar("backup_actor", default=SYSTEM)


def current_actor() -> Actor:
    """Return the current actor."""
    return _current.get()


def become(actor: Actor) -> None:
    """Set the current actor, until the end of the surrounding block of `acting`."""
    _current.set(actor)


@contextlib.contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Make `actor` the current actor while the block runs."""
    token = _current.set(actor)
    try:
        yield
    finally:
        _current.reset(token)
