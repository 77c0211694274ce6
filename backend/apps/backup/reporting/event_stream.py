"""Stream the changes in the catalogue to all listeners, with one query a second for all of them.

Changes are found by the time of change in the rows. A transaction that commits late brings a row with an earlier time,
and so does another machine whose clock is behind: each query therefore goes back a while, and changes that were sent
already are left out. Sending an event twice does no harm, because it holds the whole small state of its object.

The id of an event is the time of its change in microseconds since 1970, or a later one if the event before it has that
time already, and a part of the object's uuid. It means the same to each process, also after a restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import logging
import weakref
from collections.abc import AsyncGenerator, Callable, Hashable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, TypeVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import Error as DatabaseFailure
from django.utils import timezone

from ..core.timezones import as_stored, as_text, with_offset
from ..errors import LedgerError
from ..ledger import close_connections
from ..selectors import Change, ChangeType, changes_since

_Found = TypeVar("_Found")

_logger = logging.getLogger(__name__)

POLL_SECONDS: Final = 1.0
HEARTBEAT_SECONDS: Final = 15.0
STREAM_SECONDS: Final = 600.0
"""The longest time of a stream: it ends then, so that a client that reconnects is authenticated again."""
ACCESS_SECONDS: Final = 3.0
"""The time between two checks whether the listeners may still listen."""

MOST_EVENTS: Final = 500
OLDEST: Final = timedelta(hours=1)
"""The oldest change that is sent. For older changes, or more than `MOST_EVENTS`, the client is told to fetch anew."""

RETRY: Final = b"retry: 2000\n\n"
"""Milliseconds that a client waits before it reconnects."""

READY: Final = "ready"
RESET: Final = "reset"
NAMES: Final = (*ChangeType, READY, RESET)
"""All names of events."""

_OVERLAP: Final = timedelta(seconds=60)
_MOST_WAITING: Final = 64
"""Blocks of events that a slow listener may be behind before its stream is ended."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT: Final = timedelta(microseconds=1)


class ListenerAccess(Protocol):
    """The access of a listener. The `key` is the same for all streams of one session or token."""

    @property
    def key(self) -> Hashable: ...

    def holds(self) -> bool:
        """Return whether the listener may still listen. Reads the database; called in a thread of its own."""
        ...


class EventIdInvalid(ValueError):
    """The text is not the id of an event."""


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """A change that is sent to the listeners. `name` is the type of the changed object, or `ready` or `reset`."""

    id: str
    name: str
    state: dict[str, object]

    def encode(self) -> bytes:
        """Return the text of a server-sent event."""
        data = json.dumps(self.state, cls=_Exactly, separators=(",", ":"))
        return f"id: {self.id}\nevent: {self.name}\ndata: {data}\n\n".encode()


class _Exactly(DjangoJSONEncoder):
    """JSON with times as in the rest of the API, with all their microseconds."""

    def default(self, o: object) -> object:
        return as_text(o) if isinstance(o, datetime) else super().default(o)


def time_of_event(event_id: str) -> datetime:
    """Return the time in the id of an event. Raises `EventIdInvalid`."""
    digits = event_id.partition("-")[0]
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 17):
        raise EventIdInvalid(f"{event_id[:40]!r} is no id of an event.")
    moment = _EPOCH + int(digits) * _INSTANT
    return as_stored(moment)


def _microseconds(moment: datetime) -> int:
    return (with_offset(moment) - _EPOCH) // _INSTANT


class _Numbering:
    """The ids of events, each greater than the one before."""

    def __init__(self, moment: datetime) -> None:
        self._last = _microseconds(moment)

    def event(self, change: Change, *, now: datetime) -> Event:
        # A change that a wrong clock has dated into the future must not move the listeners' position there.
        self._last = max(self._last + 1, min(_microseconds(change.changed_at), _microseconds(now)))
        state = {field.name: getattr(change, field.name) for field in dataclasses.fields(change)}
        return Event(f"{self._last:016}-{change.uuid.hex[:8]}", change.type, state)

    def now(self, moment: datetime) -> str:
        """Return an id for all changes up to that time."""
        self._last = max(self._last, _microseconds(moment))
        return f"{self._last:016}-0"


@dataclasses.dataclass(frozen=True, slots=True)
class MissedEvents:
    """The events that a listener has missed, and the id from which it continues."""

    events: tuple[Event, ...]
    cursor: str


def missed_events(since: str | None, *, now: datetime) -> MissedEvents:
    """Return the changes since an event; without `since` only the event `ready`, with an id to start from.

    Changes of the minute before the event are sent again, so that none is missed that was committed late. Raises
    `EventIdInvalid`.
    """
    cursor = _Numbering(now).now(now)
    if since is None:
        return MissedEvents((Event(cursor, READY, {"type": READY}),), cursor)
    moment = time_of_event(since)
    if moment < now - OLDEST:
        return _reset(cursor)
    moment = min(moment, now) - _OVERLAP
    changes = changes_since(moment, limit=MOST_EVENTS)
    if len(changes) > MOST_EVENTS:
        return _reset(cursor)
    numbering = _Numbering(moment)
    return MissedEvents(tuple(numbering.event(change, now=now) for change in changes), cursor)


def _reset(cursor: str) -> MissedEvents:
    return MissedEvents((Event(cursor, RESET, {"type": RESET}),), cursor)


class ChangeFinder:
    """Finds the changes from one query to the next."""

    def __init__(self, *, now: datetime) -> None:
        self._numbering = _Numbering(now)
        self._sent: set[object] = set()
        self._last = now

    def new_events(self, *, now: datetime) -> list[Event]:
        """Return the events since the last call; one event `reset` if there are too many to send one by one."""
        changes = changes_since(min(self._last, now) - _OVERLAP, limit=MOST_EVENTS)
        fresh = [change for change in changes if change.key not in self._sent]
        # Over the limit the oldest changes are missing. That matters only if those since the last call are too many.
        too_many = len(changes) > MOST_EVENTS and changes[0].changed_at > self._last
        self._sent, self._last = {change.key for change in changes}, now
        if too_many:
            return [Event(self._numbering.now(now), RESET, {"type": RESET})]
        return [self._numbering.event(change, now=now) for change in fresh]

    @property
    def cursor(self) -> str:
        """The id for all changes up to the last call of `new_events`."""
        return self._numbering.now(self._last)


@dataclasses.dataclass(eq=False, slots=True)
class _Listener:
    waiting: asyncio.Queue[bytes]
    access: ListenerAccess | None = None
    dropped: bool = False

    def drop(self) -> None:
        """End its stream; events that wait are not sent any more."""
        self.dropped = True
        with contextlib.suppress(asyncio.QueueFull):
            self.waiting.put_nowait(b"")


class Broadcaster:
    """The sender for all listeners of one event loop.

    While there are listeners, it queries for changes in a thread, and encodes the events once for all listeners.
    """

    def __init__(self) -> None:
        self._listeners: set[_Listener] = set()
        self._polling: asyncio.Task[None] | None = None
        self._cursor = ""

    async def stream(self, since: str | None, access: ListenerAccess | None = None) -> AsyncGenerator[bytes, None]:
        """Yield the events after `since`, first the missed ones, then new ones as they come.

        Ends after `STREAM_SECONDS`, and if the listener is too slow: it reconnects and continues where it was. Also
        ends if the listener may not listen any more, or if its access cannot be checked. Raises `EventIdInvalid`,
        `LedgerUnavailable`.
        """
        clock = asyncio.get_running_loop().time
        end = clock() + STREAM_SECONDS
        listener = self._join(access)
        try:
            yield RETRY
            # Query after joining: a change in between is sent twice rather than not at all.
            missed = await asyncio.to_thread(_query, missed_events, since)
            yield b"".join(event.encode() for event in missed.events)
            while not listener.dropped and clock() < end:
                try:
                    async with asyncio.timeout(min(HEARTBEAT_SECONDS, end - clock())):
                        block = await listener.waiting.get()
                except TimeoutError:
                    # The id without an event moves the position from which the client resumes.
                    block = b": still here\n" + (f"id: {self._cursor}\n" if self._cursor else "").encode() + b"\n"
                if not listener.dropped:
                    yield block
        finally:
            self._listeners.discard(listener)

    def _join(self, access: ListenerAccess | None) -> _Listener:
        listener = _Listener(asyncio.Queue(_MOST_WAITING), access)
        self._listeners.add(listener)
        if self._polling is None:
            self._polling = asyncio.create_task(self._poll())
        return listener

    async def _poll(self) -> None:
        clock = asyncio.get_running_loop().time
        finder, failing = ChangeFinder(now=timezone.now()), False
        access_checked = clock()
        try:
            while self._listeners:
                began = clock()
                if began - access_checked >= ACCESS_SECONDS:
                    access_checked = began
                    await self._drop_without_access()
                try:
                    events = await asyncio.to_thread(_query, finder.new_events)
                except LedgerError as error:
                    # The catalogue may come back; the next query that succeeds finds the changes until then.
                    if not failing:
                        _logger.warning("Listeners are told nothing for the time being: %s", error)
                    failing = True
                else:
                    failing, self._cursor = False, finder.cursor
                    self._send(events)
                await asyncio.sleep(max(0.0, began + POLL_SECONDS - clock()))
        finally:
            self._polling, self._cursor = None, ""

    async def _drop_without_access(self) -> None:
        """End the streams of listeners that may not listen any more; checks each session or token once."""
        accesses = {one.access.key: one.access for one in self._listeners if one.access is not None}
        lost = await asyncio.to_thread(_lost_access, list(accesses.values()))
        for listener in list(self._listeners):
            if listener.access is not None and listener.access.key in lost:
                listener.drop()
                self._listeners.discard(listener)

    def _send(self, events: Sequence[Event]) -> None:
        if not events:
            return
        block = b"".join(event.encode() for event in events)
        for listener in list(self._listeners):
            try:
                listener.waiting.put_nowait(block)
            except asyncio.QueueFull:
                listener.drop()
                self._listeners.discard(listener)


_broadcasters: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Broadcaster] = weakref.WeakKeyDictionary()


async def listen(since: str | None, access: ListenerAccess | None = None) -> AsyncGenerator[bytes, None]:
    """Stream from the broadcaster of this event loop, of which servers have one in a process."""
    broadcaster = _broadcasters.setdefault(asyncio.get_running_loop(), Broadcaster())
    async with contextlib.aclosing(broadcaster.stream(since, access)) as blocks:
        async for block in blocks:
            yield block


def _query(find: Callable[..., _Found], *arguments: object) -> _Found:
    """Call `find` in a thread of the pool, which keeps no connection afterwards."""
    try:
        return find(*arguments, now=timezone.now())
    finally:
        close_connections()


def _lost_access(accesses: Sequence[ListenerAccess]) -> set[Hashable]:
    """Return the keys of those that have lost their access, or cannot be checked: a new stream shows why."""
    lost: set[Hashable] = set()
    try:
        for access in accesses:
            try:
                holds = access.holds()
            except Exception as error:
                # An authentication backend of the project may raise anything for one user: the others stay connected.
                known = isinstance(error, DatabaseFailure)
                message = "A stream of events ends, since its listener's rights cannot be read: %s"
                _logger.warning(message, error, exc_info=None if known else error)
                holds = False
            if not holds:
                lost.add(access.key)
    finally:
        close_connections()
    return lost
